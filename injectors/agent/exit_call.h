// One system call written into a process: the only place where a fault writes into its target.
#pragma once

namespace chaos::inject {

// Requires: thread `tid` of process `pid` is traced by us and stopped. Once it goes on, it calls
// exit_group(code). 0 or an errno; then nothing has changed. ENOTSUP: not this machine's kind of
// process.
int MakeCallExit(int pid, int tid, int code);

}  // namespace chaos::inject
