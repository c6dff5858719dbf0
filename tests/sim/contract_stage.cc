#include "tests/sim/contract_stage.h"

namespace chaos::sim {

kube::Client& ContractStage::client() {
  if (!client_) client_ = std::make_unique<kube::Client>(transport());
  return *client_;
}

WatchReader::WatchReader(ContractStage& stage, const kube::ResourceType& type,
                         const std::string& selector, const std::string& resource_version,
                         seconds timeout)
    : stage_(stage),
      stream_(stage.client().Watch(type, stage.ns(), selector, resource_version, timeout,
                                   stage.Wake())) {}

std::string WatchReader::Next() {
  std::string found;
  stage_.Await(
      [&] {
        while (found.empty()) {
          const Result<kube::LineStream::Polled> polled = stream_->Poll();
          if (polled && std::holds_alternative<kube::LineStream::Nothing>(*polled)) return false;
          found = Describe(polled);
        }
        return true;
      },
      seconds(10));
  return found.empty() ? "NOTHING" : found;
}

// "" for what no case is about.
std::string WatchReader::Describe(const Result<kube::LineStream::Polled>& polled) {
  if (!polled) return "ERROR " + std::to_string(polled.error().http_status);
  if (std::holds_alternative<kube::LineStream::End>(*polled)) return "END";
  const auto* line = std::get_if<kube::LineStream::Line>(&*polled);
  if (line == nullptr || line->text.empty()) return "";
  const Result<Json> event = ParseJson(line->text);
  if (!event) return "NOT JSON";
  const std::string type = Text(*event, {"type"});
  if (type == "BOOKMARK") return "";
  if (type == "ERROR") return "ERROR " + std::to_string(Integer(*event, {"object", "code"}));
  last_version_ = Text(*event, {"object", "metadata", "resourceVersion"});
  return type + " " + Text(*event, {"object", "metadata", "name"});
}

}  // namespace chaos::sim
