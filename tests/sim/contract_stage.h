// What a contract case needs of the API server that it is run against: simulated here, real in the
// integration tier.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "operator/kube/client.h"

namespace chaos::sim {

class ContractStage {
 public:
  virtual ~ContractStage() = default;
  virtual kube::Transport& transport() = 0;
  // An empty namespace for this case alone; experiments of any tier are allowed in it.
  virtual const std::string& ns() = 0;
  // Lets time pass until `done`; false when `limit` passes first.
  virtual bool Await(const std::function<bool()>& done, seconds limit) = 0;
  // To be handed to streams.
  virtual std::function<void()> Wake() = 0;

  kube::Client& client();
  // What the case saw, to be compared with what it should have seen.
  void Note(std::string what) { notes_.push_back(std::move(what)); }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  std::unique_ptr<kube::Client> client_;
  std::vector<std::string> notes_;
};

// Reads one watch, event by event, bookmarks left out: "ADDED a", "ERROR 410", "END", "NOTHING"
// after 10 s.
class WatchReader {
 public:
  WatchReader(ContractStage& stage, const kube::ResourceType& type, const std::string& selector,
              const std::string& resource_version, seconds timeout = seconds(30));
  std::string Next();
  const std::string& last_version() const { return last_version_; }

 private:
  std::string Describe(const Result<kube::LineStream::Polled>& polled);

  ContractStage& stage_;
  std::unique_ptr<kube::LineStream> stream_;
  std::string last_version_;
};

}  // namespace chaos::sim
