// A process to hurt: writes a dot every 10 ms as long as it may run, and does what its words say.
//   --term exit0|ignore     a handler for SIGTERM that ends with 0; SIGTERM ignored (default:
//   neither)
//   --threads N             N more threads that sleep and wake
//   --child NAME            one more process, called NAME (again: one more)
//   --listen PORT           answers /health in one piece, anything else as a stream that never ends
//   --files N               lowers its soft limit of open files to N
//   --open N                opens N files more and keeps them
//   --connect HOST:PORT     connects there once a line comes on stdin, and keeps it open
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

void Nap(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

sockaddr_in At(const char* host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<unsigned short>(port));
  inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

void Answer(int fd) {
  char request[4096];
  for (ssize_t got; (got = read(fd, request, sizeof request)) > 0;) {
    const bool health =
        std::string(request, static_cast<std::size_t>(got)).find("/health") != std::string::npos;
    while (send(fd, "0123456789abcdef", 16, MSG_NOSIGNAL) == 16 && !health) Nap(20);
  }
  close(fd);
}

void Listen(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = At("0.0.0.0", port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, 16) != 0)
    _exit(3);
  std::thread([fd] {
    while (true) {
      const int connection = accept(fd, nullptr, nullptr);
      if (connection < 0)
        Nap(20);  // no more files, perhaps later
      else
        std::thread(Answer, connection).detach();
    }
  }).detach();
}

void ConnectWhenTold(const std::string& to) {
  const std::size_t colon = to.find(':');
  const sockaddr_in address = At(to.substr(0, colon).c_str(), std::atoi(to.c_str() + colon + 1));
  std::thread([address] {
    char line[16];
    if (read(STDIN_FILENO, line, sizeof line) <= 0) return;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }).detach();
}

// Returns once it has its name.
void StartChild(const std::string& name) {
  int named[2];
  if (pipe2(named, O_CLOEXEC) != 0) _exit(5);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(STDOUT_FILENO);
    execl("/proc/self/exe", name.c_str(), "--quiet", "yes", nullptr);
    _exit(4);
  }
  close(named[1]);
  char nothing = 0;
  [[maybe_unused]] const ssize_t end = read(named[0], &nothing, 1);
  close(named[0]);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string key = argv[i];
    const std::string value = argv[i + 1];
    if (key == "--term" && value == "exit0") std::signal(SIGTERM, [](int) { _exit(0); });
    if (key == "--term" && value == "ignore") std::signal(SIGTERM, SIG_IGN);
    if (key == "--listen") Listen(std::atoi(value.c_str()));
    if (key == "--connect") ConnectWhenTold(value);
    for (int n = key == "--threads" ? std::atoi(value.c_str()) : 0; n > 0; --n) {
      std::thread([] {
        while (true) Nap(5);
      }).detach();
    }
    if (key == "--files") {
      rlimit limit{};
      getrlimit(RLIMIT_NOFILE, &limit);
      limit.rlim_cur = static_cast<rlim_t>(std::atoi(value.c_str()));
      if (setrlimit(RLIMIT_NOFILE, &limit) != 0) _exit(7);
    }
    for (int n = key == "--open" ? std::atoi(value.c_str()) : 0; n > 0; --n)
      if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) _exit(6);
    if (key == "--child") StartChild(value);
  }
  const bool quiet = argc > 1 && std::string(argv[1]) == "--quiet";
  while (quiet || write(STDOUT_FILENO, ".", 1) == 1) {
    Nap(10);
    waitpid(-1, nullptr, WNOHANG);
  }
}
