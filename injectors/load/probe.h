// What every kind of probe has in common: samples start on a fixed schedule, overlap if they must,
// and each one is reported exactly once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "injectors/load/reporter.h"
#include "injectors/load/schedule.h"
#include "injectors/load/verdict.h"
#include "injectors/protocol/arguments.h"

namespace chaos::load {

struct ProbeContext {
  boost::asio::io_context& io;
  const Clock& clock;
  Reporter& reporter;
};

// One sample in flight. Only its first end counts.
class Sample {
 public:
  Sample(const ProbeContext& context, std::string probe, Schedule::Slot slot)
      : timer(context.io), context_(context), probe_(std::move(probe)), slot_(slot) {}
  void Finish(const Verdict& verdict);
  void Interrupt(const std::string& why);
  bool over() const { return over_; }

  std::function<void()> release;       // called once at the end: gives back what the sample holds
  std::function<std::string()> where;  // what it is waiting for, said when it runs out of time
  boost::asio::steady_timer timer;

 private:
  bool End();
  nanoseconds Took() const { return context_.clock.SinceBoot() - slot_.boot; }

  ProbeContext context_;
  std::string probe_;
  Schedule::Slot slot_;
  bool over_ = false;
};

class Probe {
 public:
  static constexpr std::size_t kMaxInFlight = 32;

  Probe(const ProbeContext& context, protocol::ProbeArguments arguments)
      : context_(context), arguments_(std::move(arguments)), timer_(context.io) {}
  virtual ~Probe() = default;
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  void Start(Moment start);
  // Reports what is in flight as interrupted; nothing is reported afterwards.
  void Stop();

 protected:
  // Begins one attempt; must lead to sample->Finish, or the timeout does.
  virtual void Launch(const std::shared_ptr<Sample>& sample) = 0;
  // Once, before the first sample.
  virtual void Begin() {}
  // What to say of a sample that ran out of time.
  virtual Verdict TimedOut(const Sample& sample);

  const protocol::ProbeArguments& arguments() const { return arguments_; }
  const ProbeContext& context() const { return context_; }

 private:
  void Due();
  void LaunchOne(const Schedule::Slot& slot);

  ProbeContext context_;
  protocol::ProbeArguments arguments_;
  std::optional<Schedule> schedule_;
  boost::asio::steady_timer timer_;
  std::list<std::shared_ptr<Sample>> in_flight_;
  bool stopped_ = false;
};

std::unique_ptr<Probe> MakeHttpProbe(const ProbeContext& context,
                                     const protocol::ProbeArguments& arguments);
std::unique_ptr<Probe> MakeSseProbe(const ProbeContext& context,
                                    const protocol::ProbeArguments& arguments);
std::unique_ptr<Probe> MakeInferenceProbe(const ProbeContext& context,
                                          const protocol::ProbeArguments& arguments);

}  // namespace chaos::load
