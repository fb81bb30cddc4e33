// The seam between the HTTP engine and what answers: flow implements Handler (DESIGN §2).
//
// The engine has parsed and guarded the head, applied head limits and timeouts, and calls
// Handle() once per request; the handler answers through the Exchange in exactly one way:
// Respond, StartStream, or Upgrade. If it returns without answering, the engine answers 500 and
// counts a bug. Thread: the connection's worker. Fails: Handle never throws.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/status.h"
#include "server/base/task.h"
#include "server/http/request_head.h"
#include "server/net/byte_stream.h"
#include "server/net/worker.h"

namespace tidegate::http {

// A field's name that was checked when the program was compiled: a token of letters, digits and
// hyphens with a prefix that none of the engine's own fields has.
class FieldName {
 public:
  explicit consteval FieldName(std::string_view text) : text_(text) {
    bool good = text.substr(0, 2) == "X-";
    for (const char c : text) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      good &= letter || (c >= '0' && c <= '9') || c == '-';
    }
    if (!good) text_ = text.substr(text.size() + 1);  // no constant expression: does not compile
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// What the handler says of its answer. The engine adds Date, Content-Length or Transfer-Encoding,
// and Connection; `close` ends the connection after this answer.
class ResponseHead {
 public:
  ResponseHead() = default;
  explicit ResponseHead(int code) : status(code) {}
  int status = 200;
  bool close = false;

  // Fields that are the engine's own are left out; a name or value with a byte that is not allowed
  // is a bug and left out, too.
  void Add(std::string_view name, std::string_view value);
  void Add(FieldName name, std::string_view value);  // only the value is looked at
  // The first field of that name (any case); nullopt: none.
  std::optional<std::string_view> Find(std::string_view name) const;
  // As it goes out: "Name: value" CRLF for each.
  std::string_view fields() const { return fields_; }

 private:
  void Append(std::string_view name, std::string_view value);
  std::string fields_;  // one text: an answer costs one allocation, not two a field
};

// How bytes after a streaming head must be framed by the writer.
enum class BodyFraming : std::uint8_t {
  kChunked,     // each frame: hex size CRLF bytes CRLF; end: "0" CRLF CRLF
  kUntilClose,  // HTTP/1.0 clients: raw bytes, the end is the end of the connection
  kRaw,         // after an upgrade
};

struct ListenerInfo {
  std::string name;  // the bootstrap's name of the listener
  bool tls = false;
};

class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const RequestHead& head() const = 0;
  virtual const net::Peer& peer() const = 0;  // the client after trustedProxies were applied
  virtual const ListenerInfo& listener() const = 0;
  virtual net::Worker& worker() = 0;
  // 32 hex digits, new for every request.
  virtual std::string_view request_id() const = 0;
  virtual TimePoint started() const = 0;
  // When the connection has reached its age: a stream says goodbye then. max(): never.
  virtual TimePoint expires() const = 0;

  // From now on head() is empty: the receive buffer goes back to its pool. A long stream calls this
  // once it has copied what it needs. leftover() and request_id() stay valid.
  virtual void DetachHead() = 0;

  virtual bool has_body() const = 0;
  // The whole body, at most `limit` bytes. Sends 100 Continue first where the client waits for it.
  // The view is valid until the exchange is answered.
  // Fails: ResourceExhausted reason BODY_TOO_LARGE (413), DeadlineExceeded BODY_TIMEOUT (408),
  // InvalidArgument BODY_MALFORMED (400), Cancelled when the client has gone.
  virtual Task<StatusOr<std::string_view>> ReadBody(std::size_t limit) = 0;
  // What ReadBody would give without waiting: the body has come with its head. nullopt: ask
  // ReadBody. A small body costs no coroutine frame this way.
  virtual std::optional<std::string_view> BodyAtHand(std::size_t limit) = 0;
  // The next piece of the body; an empty view is its end. Back-pressure: nothing is read ahead of
  // this call but what one receive buffer holds. Fails as ReadBody.
  virtual Task<StatusOr<std::string_view>> ReadSome() = 0;

  // Answers with a whole body (one gather write). HEAD gets the head alone.
  virtual Task<Status> Respond(const ResponseHead& head, std::string_view body) = 0;

  // The same, as far as it goes without waiting. True: that was all, with `result`. False: the
  // socket has not taken everything, await SendUnsent with the same body.
  virtual bool RespondAtOnce(const ResponseHead& head, std::string_view body, Status& result) = 0;
  virtual Task<Status> SendUnsent(std::string_view body) = 0;

  // Answers with a head and hands the stream over: the handler writes frames itself, framed as
  // `framing()` says, and reads from stream() only to notice that the client has gone. `preface`
  // is sent in the same write as the head, already framed by the caller.
  virtual Task<Status> StartStream(const ResponseHead& head, std::string_view preface) = 0;
  // How StartStream's bytes must be framed (known before it is called).
  virtual BodyFraming framing() const = 0;
  // After the last frame (and terminating chunk) of StartStream: true lets the connection be
  // reused, false closes it.
  virtual void EndStream(bool reusable) = 0;

  // Answers 101 with these headers; the connection belongs to the handler until it returns and is
  // then closed. Bytes already received behind the head are in leftover().
  virtual Task<Status> Upgrade(const ResponseHead& head) = 0;
  virtual std::string_view leftover() const = 0;

  // The bytes of the connection, after StartStream or Upgrade.
  virtual net::ByteStream& stream() = 0;

  // The engine's deadline for reading a head or a body does not run while a handler works; the
  // handler times its own work. This tells the engine how the exchange ended, for its counters.
  virtual bool answered() const = 0;
  virtual int status() const = 0;  // the status sent, 0 while there is none
  // Of this request: head and content that arrived; what the engine itself has sent. The frames of
  // a stream are its handler's to count.
  virtual std::uint64_t bytes_received() const = 0;
  virtual std::uint64_t bytes_sent() const = 0;
  virtual bool streaming() const = 0;  // after StartStream or Upgrade
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual Task<void> Handle(Exchange& exchange) = 0;
};

}  // namespace tidegate::http
