// The mode `revert`: undoes what an injector of this run left behind that died. It knows nothing
// but the one word that the other had written down before it did anything.
#include "injectors/agent/inject.h"
#include "injectors/agent/linux_descriptors.h"
#include "injectors/agent/linux_processes.h"
#include "injectors/agent/poller.h"
#include "injectors/agent/say_once.h"
#include "injectors/agent/sock_diag.h"
#include "injectors/agent/stop_channel.h"
#include "injectors/protocol/arguments.h"
#include "injectors/undo.h"

namespace chaos::inject {
namespace {

Result<Figures> UndoWord(const std::string& word) {
  const Result<FileLimitUndo> files = ParseFileLimitUndo(word);
  if (!files) return files.error();
  LinuxProcesses processes;
  SockDiag sockets;
  LinuxDescriptors descriptors(sockets);
  return Undo(*files, processes, descriptors);
}

}  // namespace

int Revert(std::string_view json, const std::string& termination_log) {
  Console console(termination_log);
  const Result<protocol::RevertArguments> arguments = protocol::RevertFromJson(json);
  protocol::Record record;
  const auto fail = [&](std::string_view reason, const std::string& message) {
    protocol::Event event;
    event.event = record.state = "failed";
    event.reason = reason;
    event.message = message;
    SayOnce(console, std::move(event), record);
    return 1;
  };
  if (!arguments) return fail(protocol::kRefused, arguments.error().detail);
  record.run = arguments->run;
  Poller poller;
  StopListener lock(poller);
  const Result<bool> alone = lock.Open(arguments->run);
  if (!alone) return fail(protocol::kRefused, alone.error().detail);
  if (!*alone)
    return fail(protocol::kAlreadyThere, "the injector of run " + arguments->run + " still runs");
  const Result<Figures> undone = UndoWord(arguments->undo);
  if (!undone) {
    record.undo = arguments->undo;
    return fail(protocol::kRevertFailed, undone.error().detail);
  }
  protocol::Event event;
  event.event = record.state = "reverted";
  event.measured = *undone;
  SayOnce(console, std::move(event), std::move(record));
  return 0;
}

}  // namespace chaos::inject
