#include "server/http/connection.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cstring>
#include <exception>

#include "server/base/check.h"
#include "server/base/codec.h"
#include "server/base/log.h"
#include "server/http/error_body.h"

namespace tidegate::http {

namespace {

// Beyond this many lent areas a connection gives its own back at once (one more system call per
// request) instead of keeping it for buffer_linger: bounds memory at about 10 MiB per worker.
constexpr std::size_t kAreasKeptMax = 512;

// Larger body buffers are freed after their request.
constexpr std::size_t kBodyKept = 64 * 1024;

std::string UpperKey(std::string_view rule) {
  std::string key = "HTTP_";
  for (const char c : rule) key.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  return key;
}

std::chrono::milliseconds Jitter(std::chrono::milliseconds most) {
  const auto count = static_cast<std::uint64_t>(most.count());
  return std::chrono::milliseconds(count == 0 ? 0 : RandomUint64() % count);
}

std::string WhatOf(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown exception";
  }
}

}  // namespace

void ConnectionHost::Drain() {
  draining = true;
  for (Connection* c = first; c != nullptr; c = c->next_connection_) {
    if (!c->idle()) continue;
    c->close_reason_ = CloseReason::kDrain;
    c->stream_->Close();
  }
}

void ConnectionHost::CloseAll() {
  draining = true;
  for (Connection* c = first; c != nullptr; c = c->next_connection_) {
    c->close_reason_ = CloseReason::kDrain;
    c->stream_->Close();
  }
}

Connection::Connection(ConnectionHost& host, net::ByteStreamPtr stream, net::ConnectionSlot slot)
    : host_(host), stream_(std::move(stream)), slot_(std::move(slot)) {
  next_connection_ = host_.first;
  link_ = &host_.first;
  if (next_connection_ != nullptr) next_connection_->link_ = &next_connection_;
  host_.first = this;
  ++host_.open;
  host_.counters.connections.Add();
  const auto age = host_.limits.connection_age;
  if (age.count() > 0) expires_ = Clock::now() + age * 9 / 10 + Jitter(age / 5);
}

Connection::~Connection() {
  *link_ = next_connection_;
  if (next_connection_ != nullptr) next_connection_->link_ = link_;
  --host_.open;
  host_.counters.Closed(close_reason_);
}

Task<void> Connection::Run(std::unique_ptr<Connection> self) {
  Connection& c = *self;
  for (;;) {
    bool ready = c.NextHead();
    while (!ready && c.open_) {
      if (!c.area_) {
        const ErrorCode ec = co_await c.stream_->WaitReadable();
        if (!c.AfterWait(ec)) break;
      }
      const std::span<char> space = c.Space();
      const net::IoResult io = co_await c.stream_->ReadSome(space);
      if (!c.AfterRead(io)) continue;
      ready = c.NextHead();
    }
    if (!ready) break;
    std::exception_ptr error;
    try {
      co_await c.host_.handler.Handle(c);
    } catch (...) {
      error = std::current_exception();
    }
    if (error) {
      const std::string what = WhatOf(error);
      Log(LogLevel::kError, "http.handler_threw",
          {{"requestId", c.request_id()}, {"cause", what}});
    }
    if (!c.AfterHandler(error != nullptr)) break;
    if (!c.body_.done()) co_await c.DiscardBody();
    if (!c.PrepareNext()) break;
  }
  if (c.linger_) co_await c.Linger();
  c.stream_->Close();
}

// True when a request is ready for the handler. False: more bytes are needed, or (open_ is false)
// what came was refused.
bool Connection::NextHead() {
  if (!area_) {
    SetDeadline(Deadline::kIdle, IdleLimit());
    return false;
  }
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (WorkAreasLent() > kAreasKeptMax) {
      ReturnArea();
      SetDeadline(Deadline::kIdle, IdleLimit());
    } else {
      SetDeadline(Deadline::kBuffer, host_.limits.buffer_linger);
    }
    return false;
  }
  const HttpLimits& limits = host_.limits;
  const std::string_view bytes(area_->data.get() + begin_, end_ - begin_);
  switch (scanner_.Scan(bytes, limits.head)) {
    case HeadScanner::State::kNeedMore:
      Compact();
      if (deadline_kind_ != Deadline::kHead) SetDeadline(Deadline::kHead, limits.head_timeout);
      return false;
    case HeadScanner::State::kRefused:
      ClearHead(area_->head);
      Refuse(scanner_.rule());
      return false;
    case HeadScanner::State::kComplete:
      break;
  }
  head_size_ = static_cast<std::uint32_t>(scanner_.head_size());
  scanner_.Reset();
  if (area_->size - (begin_ + head_size_) < kBodyRoomMin) Compact();
  const std::string_view raw(area_->data.get() + begin_, head_size_);
  const Rule rule = ParseHead(raw, limits.head, area_->head, area_->scratch);
  if (rule != Rule::kNone) {
    Refuse(rule);
    return false;
  }
  BeginRequest();
  return true;
}

void Connection::BeginRequest() {
  const RequestHead& head = area_->head;
  deadline_kind_ = Deadline::kNone;
  started_ = Clock::now();
  ++requests_;
  host_.counters.requests.Add();
  pos_ = begin_ + head_size_;
  in_request_ = true;
  mode_ = Mode::kPending;
  status_ = 0;
  received_ = head_size_;
  sent_ = 0;
  has_id_ = body_broken_ = client_gone_ = stream_reusable_ = false;
  body_reading_ = body_whole_ = detached_ = timed_out_ = false;
  body_received_ = 0;
  method_head_ = head.method == "HEAD";
  old_version_ = head.minor_version == 0;
  asked_keep_alive_ = head.keep_alive;
  body_ = head.chunked          ? BodyDecoder::Chunked()
          : head.content_length ? BodyDecoder::Fixed(*head.content_length)
                                : BodyDecoder();
  had_body_ = !body_.done();
  continue_due_ = head.expect_continue && had_body_;
  client_.reset();
  if (host_.proxies.empty()) return;
  const net::Peer& direct = stream_->peer();
  if (const auto address = host_.proxies.ClientOf(direct.address, head)) {
    client_ = std::make_unique<net::Peer>(direct);
    client_->address = *address;
    client_->port = 0;
  }
}

// Answers what the guard refused. One attempt to write: who sends such bytes is not waited for.
void Connection::Refuse(Rule rule) {
  const RuleInfo& info = InfoOf(rule);
  host_.counters.Rejected(rule);
  has_id_ = false;
  const std::string key = UpperKey(info.name);
  const ErrorAnswer answer(info.status, key, info.text, "no");
  ResponseHead head(info.status);
  const std::string body = ErrorBody(answer, request_id(), AcceptsJson(area_->head), head);
  ResponseFraming framing;
  framing.content_length = body.size();
  framing.close = true;
  std::string& out = area_->out;
  out.clear();
  AppendResponseHead(out, head, framing);
  out += body;
  const asio::const_buffer buffer(out.data(), out.size());
  ErrorCode ignored;
  stream_->TryWrite(std::span<const asio::const_buffer>(&buffer, 1), ignored);
  linger_ = true;
  begin_ = end_ = 0;
  End(CloseReason::kRefused);
}

bool Connection::AfterWait(const ErrorCode& ec) {
  if (ec) {
    End(close_reason_);
    return false;
  }
  EnsureArea();
  return true;
}

// True: bytes arrived. False: the loop looks at open_ and the area again.
bool Connection::AfterRead(const net::IoResult& io) {
  if (!io.ec) {
    end_ += static_cast<std::uint32_t>(io.bytes);
    release_buffer_ = timed_out_ = false;
    return true;
  }
  if (io.ec == asio::error::operation_aborted && std::exchange(release_buffer_, false)) {
    ReturnArea();
    SetDeadline(Deadline::kIdle, IdleLimit());
    return false;
  }
  if (io.ec == asio::error::operation_aborted && std::exchange(timed_out_, false)) {
    ClearHead(area_->head);
    Refuse(Rule::kHeadTimeout);
    return false;
  }
  End(close_reason_);
  return false;
}

// Of a connection without a request; one that is past its age goes at once.
std::chrono::milliseconds Connection::IdleLimit() const {
  const auto idle = host_.limits.keep_alive_idle;
  if (expires_ == TimePoint::max()) return idle;
  using std::chrono::milliseconds;
  const auto left = std::chrono::duration_cast<milliseconds>(expires_ - Clock::now());
  return std::clamp(left, milliseconds(0), idle);
}

std::span<char> Connection::Space() { return {area_->data.get() + end_, area_->size - end_}; }

void Connection::EnsureArea() {
  if (area_) return;
  area_ = BorrowWorkArea(host_.limits.head.head_bytes);
  begin_ = head_size_ = pos_ = end_ = 0;
}

void Connection::ReturnArea() {
  area_.reset();
  begin_ = head_size_ = pos_ = end_ = 0;
}

void Connection::Compact() {
  if (begin_ == 0) return;
  std::memmove(area_->data.get(), area_->data.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
}

// False: the connection ends here.
bool Connection::AfterHandler(bool threw) {
  if (mode_ == Mode::kUpgraded) {
    linger_ = true;
    End(CloseReason::kHandler);
    return false;
  }
  if (mode_ == Mode::kStream) {
    if (!threw && stream_reusable_ && keep_) return true;
    linger_ = !threw;
    End(threw ? CloseReason::kError : CloseReason::kHandler);
    return false;
  }
  if (mode_ == Mode::kWhole) {
    if (keep_ && !threw && !client_gone_) return true;
    linger_ = !client_gone_;
    End(body_broken_ ? CloseReason::kBody : close_reason_);
    return false;
  }
  if (client_gone_) {
    End(CloseReason::kClient);
    return false;
  }
  host_.counters.handler_failures.Add();
  if (!threw) TG_BUG("a handler returned without an answer");
  EnsureArea();
  const ErrorAnswer answer(500, "INTERNAL_ERROR", "Internal server error", "unknown");
  ResponseHead head(500);
  head.close = true;
  const std::string body = ErrorBody(answer, request_id(), AcceptsJson(area_->head), head);
  ResponseFraming framing = BeginAnswer(head, Mode::kWhole);
  framing.content_length = body.size();
  area_->out.clear();
  AppendResponseHead(area_->out, head, framing);
  if (!method_head_) area_->out += body;
  const asio::const_buffer buffer(area_->out.data(), area_->out.size());
  ErrorCode ignored;
  stream_->TryWrite(std::span<const asio::const_buffer>(&buffer, 1), ignored);
  linger_ = true;
  End(CloseReason::kError);
  return false;
}

// Takes the finished request out of the buffer. False: the connection ends.
bool Connection::PrepareNext() {
  if (!open_) return false;
  in_request_ = false;
  if (host_.draining) {
    linger_ = true;
    End(CloseReason::kDrain);
    return false;
  }
  if (!leftover_.empty()) {
    EnsureArea();
    std::memcpy(area_->data.get(), leftover_.data(), leftover_.size());
    end_ = static_cast<std::uint32_t>(leftover_.size());
    std::string().swap(leftover_);
  } else if (area_) {
    begin_ = pos_;
    if (area_->body.capacity() > kBodyKept) std::string().swap(area_->body);
  }
  client_.reset();
  return true;
}

// The handler answered without reading all of the body; BeginAnswer allowed it only when little is
// left.
Task<void> Connection::DiscardBody() {
  EnsureArea();
  SetDeadline(Deadline::kBody, host_.limits.discard_timeout);
  while (!body_.done() && open_) {
    const std::string_view input(area_->data.get() + pos_, end_ - pos_);
    const BodyDecoder::Step step = body_.Feed(input);
    pos_ += static_cast<std::uint32_t>(step.consumed);
    if (body_.failed()) End(CloseReason::kBody);
    if (step.consumed > 0 || !open_) continue;
    begin_ = pos_ = end_ = head_size_ = 0;  // nobody looks at the head any more
    const std::span<char> space = Space();
    const net::IoResult io = co_await stream_->ReadSome(space);
    if (io.ec) End(CloseReason::kBody);
    end_ = static_cast<std::uint32_t>(io.bytes);
  }
  deadline_kind_ = Deadline::kNone;
  timed_out_ = false;
}

// FIN, then what the client still sends is read and dropped for a while: a close with unread bytes
// makes the kernel send RST, which may destroy the answer on its way.
Task<void> Connection::Linger() {
  stream_->ShutdownWrite();
  EnsureArea();
  SetDeadline(Deadline::kClose, host_.limits.discard_timeout);
  std::size_t dropped = 0;
  while (dropped < host_.limits.discard_bytes) {
    const std::span<char> space(area_->data.get(), area_->size);
    const net::IoResult io = co_await stream_->ReadSome(space);
    if (io.ec) break;
    dropped += io.bytes;
  }
}

void Connection::OnTimer() {
  const TimePoint now = Clock::now();
  if (deadline_kind_ == Deadline::kNone) return;
  if (now < deadline_) {
    timer_due_ = deadline_;
    host_.worker.wheel().ArmAt(*this, deadline_);
    return;
  }
  const Deadline kind = std::exchange(deadline_kind_, Deadline::kNone);
  switch (kind) {
    case Deadline::kBuffer:
      release_buffer_ = true;
      stream_->CancelRead();
      break;
    case Deadline::kHead:
    case Deadline::kBody:
      timed_out_ = true;
      stream_->CancelRead();
      break;
    case Deadline::kIdle:
      close_reason_ = CloseReason::kIdle;
      stream_->Close();
      break;
    case Deadline::kWrite:
      close_reason_ = CloseReason::kWriteStall;
      stream_->Close();
      break;
    case Deadline::kClose:
      stream_->Close();
      break;
    case Deadline::kNone:
      break;
  }
}

// The wheel is touched only when the new deadline is nearer than what is armed; a later one is
// noticed when the old one fires.
void Connection::SetDeadline(Deadline kind, std::chrono::milliseconds delay) {
  deadline_kind_ = kind;
  deadline_ = Clock::now() + delay;
  if (armed() && timer_due_ <= deadline_) return;
  timer_due_ = deadline_;
  host_.worker.wheel().ArmAt(*this, deadline_);
}

void Connection::End(CloseReason reason) {
  open_ = false;
  close_reason_ = reason;
}

const RequestHead& Connection::head() const {
  static const RequestHead kEmpty;
  return area_ && !detached_ ? area_->head : kEmpty;
}

const net::Peer& Connection::peer() const { return client_ ? *client_ : stream_->peer(); }

std::string_view Connection::request_id() const {
  if (!has_id_) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < sizeof(id_); i += 16) {
      std::uint64_t random = RandomUint64();
      for (std::size_t k = 0; k < 16; ++k, random >>= 4) id_[i + k] = kDigits[random & 15];
    }
    has_id_ = true;
  }
  return {id_, sizeof(id_)};
}

}  // namespace tidegate::http
