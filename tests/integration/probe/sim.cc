// Ports are chosen here; which binary it is comes from the build.
#include "tests/integration/probe/sim.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace chaos::test {

std::vector<std::string> SimCommand(const std::string& role,
                                    const std::vector<std::string>& flags) {
  std::vector<std::string> command{RBEE_SIM, role};
  command.insert(command.end(), flags.begin(), flags.end());
  return command;
}

Sim::Sim(std::vector<std::string> queen_flags, std::vector<std::string> worker_flags)
    : queen_flags_(std::move(queen_flags)), queen_port_(FreePort()), hive_port_(FreePort()) {
  StartQueen();
  StartHive();
  for (int i = 0; i < 3; ++i) {
    worker_ports_.push_back(FreePort());
    std::vector<std::string> flags = {"--port", std::to_string(worker_ports_.back()), "--hive-url",
                                      "http://127.0.0.1:" + std::to_string(hive_port_)};
    flags.insert(flags.end(), worker_flags.begin(), worker_flags.end());
    workers_.push_back(std::make_unique<Child>(SimCommand("worker", flags)));
  }
}

void Sim::StartQueen() {
  std::vector<std::string> flags = {"--port", std::to_string(queen_port_)};
  flags.insert(flags.end(), queen_flags_.begin(), queen_flags_.end());
  queen_ = std::make_unique<Child>(SimCommand("queen", flags));
}

void Sim::StartHive() {
  hive_ = std::make_unique<Child>(
      SimCommand("hive", {"--port", std::to_string(hive_port_), "--queen-url",
                          "http://127.0.0.1:" + std::to_string(queen_port_)}));
}

bool Sim::Ready() {
  return !WaitForLog(*queen_, {"\"workers\"", "\"count\":\"3\""}, milliseconds(10000)).empty();
}

std::string Sim::WaitForLog(Child& child, const std::vector<std::string>& words,
                            milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    const std::optional<std::string> line = child.Line(std::max(left, milliseconds(0)));
    if (!line) return "";
    const bool all = std::all_of(words.begin(), words.end(), [&](const std::string& word) {
      return line->find(word) != std::string::npos;
    });
    if (all) return *line;
  }
}

std::string Ask(int port, const std::string& method, const std::string& path,
                const std::string& body, milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) {
    const std::string request = method + " " + path +
                                " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " +
                                std::to_string(body.size()) + "\r\n\r\n" + body;
    (void)::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    for (;;) {
      const auto left =
          std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd ready{fd, POLLIN, 0};
      if (::poll(&ready, 1, static_cast<int>(std::max(left, milliseconds(0)).count())) <= 0) break;
      char buffer[4096];
      const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      answer.append(buffer, static_cast<std::size_t>(n));
    }
  }
  ::close(fd);
  return answer;
}

std::string BodyOf(const std::string& answer) {
  const std::size_t head = answer.find("\r\n\r\n");
  if (head == std::string::npos) return "";
  std::string rest = answer.substr(head + 4), body;
  if (answer.substr(0, head).find("chunked") == std::string::npos) return rest;
  for (;;) {
    const std::size_t line = rest.find("\r\n");
    const std::size_t size = std::strtoul(rest.c_str(), nullptr, 16);
    if (line == std::string::npos || size == 0) return body;
    body += rest.substr(line + 2, size);
    rest.erase(0, line + 4 + size);
  }
}

}  // namespace chaos::test
