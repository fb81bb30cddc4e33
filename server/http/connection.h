// One HTTP/1 connection of a consumer: reads heads, calls the Handler, writes answers.
//
//   idle ──bytes──▶ head ──guard, parser──▶ handler ──answered──▶ (rest of body) ──▶ idle
//     │               │ refused: error, close        │ stream ended, close asked
//     └── idle timeout, drain ──▶ closed ◀── linger ─┘
//
// One root coroutine per connection; per request it awaits one read, the handler, and what the
// handler awaits. While idle it owns no buffer: see work_area.h. Requests of a pipeline are worked
// on one after the other; what is read ahead is what one buffer holds.
//
// Thread: the worker of its stream. Owner: its own coroutine (Run). Fails: closes itself; what the
// client did wrong is answered by a status and counted. Destroying the host before its connections
// have ended is an error of the caller.
#pragma once

#include <memory>

#include "server/http/body_decoder.h"
#include "server/http/handler.h"
#include "server/http/http_counters.h"
#include "server/http/http_limits.h"
#include "server/http/response_writer.h"
#include "server/http/trusted_proxies.h"
#include "server/http/work_area.h"
#include "server/net/listener.h"

namespace tidegate::http {

class Connection;

// What the connections of one listener on one worker share.
struct ConnectionHost {
  ConnectionHost(net::Worker& host_worker, Handler& host_handler, const HttpLimits& host_limits,
                 const ListenerInfo& host_listener, const TrustedProxies& host_proxies,
                 HttpCounters& host_counters)
      : worker(host_worker), handler(host_handler), limits(host_limits), listener(host_listener),
        proxies(host_proxies), counters(host_counters) {}

  // Idle connections close now, busy ones after their answer, which says `Connection: close`.
  void Drain();
  // Ends what Drain began.
  void Resume() { draining = false; }
  // Closes every connection's stream; their coroutines end by themselves.
  void CloseAll();

  net::Worker& worker;
  Handler& handler;
  const HttpLimits& limits;
  const ListenerInfo& listener;
  const TrustedProxies& proxies;
  HttpCounters& counters;
  bool draining = false;
  std::size_t open = 0;
  Connection* first = nullptr;  // intrusive list of all connections
};

class Connection final : public Exchange, private net::WheelTimer {
 public:
  Connection(ConnectionHost& host, net::ByteStreamPtr stream, net::ConnectionSlot slot);
  ~Connection() override;

  static Task<void> Run(std::unique_ptr<Connection> self);

  const RequestHead& head() const override;
  const net::Peer& peer() const override;
  const ListenerInfo& listener() const override { return host_.listener; }
  net::Worker& worker() override { return host_.worker; }
  std::string_view request_id() const override;
  TimePoint started() const override { return started_; }
  TimePoint expires() const override { return expires_; }
  void DetachHead() override;
  bool has_body() const override { return had_body_; }
  Task<StatusOr<std::string_view>> ReadBody(std::size_t limit) override;
  std::optional<std::string_view> BodyAtHand(std::size_t limit) override;
  Task<StatusOr<std::string_view>> ReadSome() override;
  Task<Status> Respond(const ResponseHead& head, std::string_view body) override;
  bool RespondAtOnce(const ResponseHead& head, std::string_view body, Status& result) override;
  Task<Status> SendUnsent(std::string_view body) override;
  Task<Status> StartStream(const ResponseHead& head, std::string_view preface) override;
  BodyFraming framing() const override;
  void EndStream(bool reusable) override;
  Task<Status> Upgrade(const ResponseHead& head) override;
  std::string_view leftover() const override { return leftover_; }
  net::ByteStream& stream() override { return *stream_; }
  bool answered() const override { return mode_ != Mode::kPending; }
  int status() const override { return status_; }
  std::uint64_t bytes_received() const override { return received_; }
  std::uint64_t bytes_sent() const override { return sent_; }
  bool streaming() const override { return mode_ == Mode::kStream || mode_ == Mode::kUpgraded; }

 private:
  friend struct ConnectionHost;
  enum class Mode : std::uint8_t { kPending, kWhole, kStream, kUpgraded };
  enum class Deadline : std::uint8_t { kNone, kBuffer, kIdle, kHead, kBody, kWrite, kClose };

  // connection.cc: the life of the connection.
  bool NextHead();
  void BeginRequest();
  void Refuse(Rule rule);
  bool AfterWait(const ErrorCode& ec);
  bool AfterRead(const net::IoResult& io);
  std::span<char> Space();
  void EnsureArea();
  void ReturnArea();
  void Compact();
  bool AfterHandler(bool threw);
  bool PrepareNext();
  Task<void> DiscardBody();
  Task<void> Linger();
  void OnTimer() override;
  void SetDeadline(Deadline kind, std::chrono::milliseconds delay);
  void End(CloseReason reason);
  std::chrono::milliseconds IdleLimit() const;
  bool idle() const { return !in_request_ && begin_ == end_; }

  // connection_exchange.cc: what the handler asks for.
  ResponseFraming BeginAnswer(const ResponseHead& head, Mode mode);
  bool BodyAllowsReuse(Mode mode) const;
  Status CheckUnanswered() const;
  std::string_view TakeFixed();
  // Writes what the kernel takes now; `sent` says how much that was.
  Status TrySend(std::string_view head, std::string_view body, std::size_t& sent);
  Task<Status> SendRest(std::string_view head, std::string_view body, std::size_t sent);
  Task<Status> SendPiece(std::string_view piece);
  void KeepLeftover();
  Status SendContinue();
  Task<Status> FillBody();
  Status BodyFailed(StatusCode code, std::string_view text, std::string_view reason);

  ConnectionHost& host_;
  net::ByteStreamPtr stream_;
  Connection* next_connection_ = nullptr;
  Connection** link_ = nullptr;  // what points at this connection in the host's list

  WorkAreaPtr area_;
  std::uint32_t begin_ = 0;      // in area_->data: the head of this request
  std::uint32_t head_size_ = 0;
  std::uint32_t pos_ = 0;        // next byte that was not dealt with
  std::uint32_t end_ = 0;        // end of what was received
  HeadScanner scanner_;
  BodyDecoder body_;
  std::string leftover_;
  std::size_t answer_sent_ = 0;  // of an answer that SendUnsent ends
  std::unique_ptr<net::Peer> client_;  // when a trusted proxy named it

  TimePoint started_;
  TimePoint expires_ = TimePoint::max();
  TimePoint deadline_;
  TimePoint timer_due_;
  TimePoint body_started_;
  std::uint64_t body_received_ = 0;
  std::uint64_t received_ = 0;  // of this request
  std::uint64_t sent_ = 0;      // of this answer
  std::uint32_t requests_ = 0;
  int status_ = 0;
  Deadline deadline_kind_ = Deadline::kNone;
  Mode mode_ = Mode::kPending;
  CloseReason close_reason_ = CloseReason::kClient;
  bool open_ = true;
  bool in_request_ = false;
  bool keep_ = false;            // the connection goes on after this answer
  bool linger_ = false;          // let the client read the answer before the close
  bool timed_out_ = false;
  bool release_buffer_ = false;
  bool had_body_ = false;
  bool body_broken_ = false;
  bool body_reading_ = false;
  bool body_whole_ = false;
  bool detached_ = false;
  bool continue_due_ = false;
  bool client_gone_ = false;
  bool stream_reusable_ = false;
  bool method_head_ = false;
  bool old_version_ = false;
  bool asked_keep_alive_ = false;
  mutable bool has_id_ = false;
  mutable char id_[32];
  net::ConnectionSlot slot_;
};

}  // namespace tidegate::http
