// What holds a pod's namespaces: waits for a signal to end, and reaps what is left to it.
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

int main(void) {
  struct sigaction ignore_children = {.sa_handler = SIG_IGN, .sa_flags = SA_NOCLDWAIT};
  sigaction(SIGCHLD, &ignore_children, NULL);  // the kernel reaps them

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, NULL);  // PID 1 gets only signals that it asks for
  int signal_number = 0;
  return sigwait(&ends, &signal_number);
}
