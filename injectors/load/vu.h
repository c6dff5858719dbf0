// One virtual user: a connection that it keeps, and the iteration that is under way on it. It moves
// bytes and takes the time; what they mean is decided in load_judge, when to run in vu_pool.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "injectors/load/addresses.h"
#include "injectors/load/http_response.h"
#include "injectors/load/load_judge.h"
#include "injectors/load/load_plan.h"
#include "injectors/load/recorder.h"
#include "injectors/load/sse.h"

namespace chaos::load {

// What all VUs of a pod share. One thread.
class VuHost {
 public:
  virtual ~VuHost() = default;
  virtual boost::asio::io_context& io() = 0;
  virtual nanoseconds Now() const = 0;  // since T0
  virtual const LoadPlan& plan() const = 0;
  virtual Recorder& recorder() = 0;
  virtual Addresses& addresses() = 0;
  virtual std::span<char> buffer() = 0;  // filled and emptied within one handler
  virtual std::string& decoded() = 0;    // the same
  virtual void SetDeadline(int index, nanoseconds at) = 0;
  // The iteration is over. `answered`: the target said something, if only one byte.
  virtual void Ended(int index, const Judgement& judgement, bool answered) = 0;
};

class Vu {
 public:
  Vu(VuHost& host, int index, int number);
  Vu(const Vu&) = delete;
  Vu& operator=(const Vu&) = delete;

  // Requires: no iteration is under way. Ended is called exactly once for it, possibly at once.
  void Begin(std::string_view opener);
  // The schedule ends the iteration; harmless without one.
  void Interrupt();
  // The time of the last SetDeadline has come.
  void OnDeadline();

 private:
  using error_code = boost::system::error_code;
  enum class State { kIdle, kConnecting, kWaiting, kDraining };
  enum class Phase { kSingle, kCreate, kStream };

  void StartExchange(std::string_view request);
  void Connect();
  void Dial(const Addresses::Endpoints& endpoints, std::size_t tried);
  void Send();
  void Write();
  void AwaitBytes();
  void Read();
  void Digest(std::string_view bytes, nanoseconds now);
  void OnEvent(std::string_view data, nanoseconds now);
  void OnClosed(const error_code& ec, nanoseconds now);
  void OnAnswer(nanoseconds now);
  void OnCreated(nanoseconds now);
  void Broken(protocol::Ending ending, std::string why, nanoseconds now);
  void NoConnection(const error_code& ec, std::string_view doing);
  void Finish(const Judgement& judgement, nanoseconds now);
  void Release();
  void Close();
  void RenewDeadline();
  void EndExchange(nanoseconds now, bool failed);

  VuHost& host_;
  const int index_, number_;
  boost::asio::ip::tcp::socket socket_;
  ResponseParser response_;
  SseParser events_;
  RbeeStream stream_;
  Iteration iteration_;
  std::string body_, get_;  // an answer that is read whole; the request for the stream
  std::string_view request_;
  std::size_t written_ = 0;
  State state_ = State::kIdle;
  Phase phase_ = Phase::kSingle;
  std::uint32_t link_ = 0;      // of the connection: handlers of an earlier one are not heard
  std::uint32_t exchange_ = 0;  // changes with every exchange and at the end of the iteration
  bool connected_ = false, reused_ = false, retried_ = false;
  bool heard_ = false, answered_ = false;  // in this exchange, in this iteration
  bool head_seen_ = false, streaming_ = false, over_full_ = false;
  nanoseconds exchange_start_{0}, connect_by_{0}, last_read_{0};
  std::optional<nanoseconds> exchange_sent_;
  Judgement verdict_;  // while draining
};

}  // namespace chaos::load
