// The half of Connection that a handler sees: bodies in, answers out.
#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>

#include "server/base/check.h"
#include "server/http/connection.h"

namespace tidegate::http {

namespace {

// Below this a body is copied behind its head: one contiguous send is cheaper than two vectors.
constexpr std::size_t kCopyMax = 4 * 1024;
// Written before progress is looked at: 0.5 KB/s is slow, but not stalled.
constexpr std::size_t kPieceBytes = 16 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

bool HasNoBody(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

void Connection::DetachHead() {
  if (detached_) return;
  KeepLeftover();
  if (!body_.done()) {
    body_ = BodyDecoder();
    body_broken_ = true;  // what is left of it cannot be found again: the connection will close
  }
  ReturnArea();
  detached_ = true;
}

void Connection::KeepLeftover() {
  if (!area_ || pos_ >= end_) return;
  leftover_.assign(area_->data.get() + pos_, end_ - pos_);
  pos_ = end_;
}

Status Connection::CheckUnanswered() const {
  if (mode_ == Mode::kPending) return OkStatus();
  TG_BUG("a request was answered twice");
  return FailedPrecondition("answer the request: it has been answered already");
}

bool Connection::BodyAllowsReuse(Mode mode) const {
  if (body_.done()) return true;
  if (mode != Mode::kWhole || continue_due_ || body_.chunked()) return false;
  return body_.remaining() <= host_.limits.discard_bytes;
}

ResponseFraming Connection::BeginAnswer(const ResponseHead& head, Mode mode) {
  EnsureArea();
  mode_ = mode;
  status_ = head.status;
  keep_ = asked_keep_alive_ && !head.close && !host_.draining && !body_broken_ && !client_gone_ &&
          requests_ < host_.limits.requests_max && started_ < expires_ && BodyAllowsReuse(mode);
  if (mode == Mode::kStream && old_version_) keep_ = false;
  close_reason_ = !asked_keep_alive_     ? CloseReason::kClient
                  : host_.draining       ? CloseReason::kDrain
                  : started_ >= expires_ ? CloseReason::kAge
                                         : CloseReason::kHandler;
  ResponseFraming framing;
  framing.close = !keep_;
  framing.old_keep_alive = old_version_ && keep_;
  return framing;
}

Task<Status> Connection::Respond(const ResponseHead& head, std::string_view body) {
  Status result;
  if (RespondAtOnce(head, body, result)) co_return result;
  co_return co_await SendUnsent(body);
}

bool Connection::RespondAtOnce(const ResponseHead& head, std::string_view body, Status& result) {
  result = CheckUnanswered();
  if (!result.ok()) return true;
  ResponseFraming framing = BeginAnswer(head, Mode::kWhole);
  if (!HasNoBody(head.status)) {
    framing.content_length = body.size();
  } else {
    body = std::string_view();
  }
  if (method_head_) body = std::string_view();
  std::string& out = area_->out;
  out.clear();
  AppendResponseHead(out, head, framing);
  if (body.size() <= kCopyMax) {
    out += body;
    body = std::string_view();
  }
  std::size_t sent = 0;
  result = TrySend(out, body, sent);
  if (!result.ok() || sent == out.size() + body.size()) return true;
  answer_sent_ = sent;
  return false;
}

// The head, and a small body with it, stand in area_->out.
Task<Status> Connection::SendUnsent(std::string_view body) {
  if (body.size() <= kCopyMax || method_head_ || HasNoBody(status_)) body = std::string_view();
  co_return co_await SendRest(area_->out, body, answer_sent_);
}

Task<Status> Connection::StartStream(const ResponseHead& head, std::string_view preface) {
  TG_CO_RETURN_IF_ERROR(CheckUnanswered());
  if (method_head_) co_return FailedPrecondition("start a stream: HEAD has no body");
  ResponseFraming framing = BeginAnswer(head, Mode::kStream);
  framing.chunked = !old_version_;
  std::string& out = area_->out;
  out.clear();
  AppendResponseHead(out, head, framing);
  out += preface;
  std::size_t sent = 0;
  Status status = TrySend(out, std::string_view(), sent);
  if (status.ok() && sent < out.size()) status = co_await SendRest(out, std::string_view(), sent);
  if (detached_) ReturnArea();
  co_return status;
}

BodyFraming Connection::framing() const {
  if (mode_ == Mode::kUpgraded) return BodyFraming::kRaw;
  return old_version_ ? BodyFraming::kUntilClose : BodyFraming::kChunked;
}

void Connection::EndStream(bool reusable) {
  if (mode_ != Mode::kStream) {
    TG_BUG("EndStream without StartStream");
    return;
  }
  stream_reusable_ = reusable && !old_version_;
}

Task<Status> Connection::Upgrade(const ResponseHead& head) {
  TG_CO_RETURN_IF_ERROR(CheckUnanswered());
  KeepLeftover();
  ResponseFraming framing = BeginAnswer(head, Mode::kUpgraded);
  framing.close = framing.old_keep_alive = false;
  framing.upgrade = true;
  std::string& out = area_->out;
  out.clear();
  AppendResponseHead(out, head, framing);
  std::size_t sent = 0;
  Status status = TrySend(out, std::string_view(), sent);
  if (status.ok() && sent < out.size()) status = co_await SendRest(out, std::string_view(), sent);
  if (detached_) ReturnArea();
  co_return status;
}

Status Connection::TrySend(std::string_view head, std::string_view body, std::size_t& sent) {
  const std::array<asio::const_buffer, 2> buffers = {
      asio::const_buffer(head.data(), head.size()), asio::const_buffer(body.data(), body.size())};
  ErrorCode ec;
  const std::span<const asio::const_buffer> all(buffers);
  sent = stream_->TryWrite(body.empty() ? all.first(1) : all, ec);
  sent_ += sent;
  if (!ec) return OkStatus();
  client_gone_ = true;
  return Cancelled("send the answer: the client has gone");
}

// Slow client or large body: piece by piece, each with a deadline of its own.
Task<Status> Connection::SendRest(std::string_view head, std::string_view body, std::size_t sent) {
  const std::size_t from_head = std::min(sent, head.size());
  Status status = co_await SendPiece(head.substr(from_head));
  std::string_view rest = body.substr(sent - from_head);
  while (status.ok() && !rest.empty()) {
    const std::string_view piece = rest.substr(0, kPieceBytes);
    rest.remove_prefix(piece.size());
    status = co_await SendPiece(piece);
  }
  deadline_kind_ = Deadline::kNone;
  co_return status;
}

Task<Status> Connection::SendPiece(std::string_view piece) {
  if (piece.empty()) co_return OkStatus();
  SetDeadline(Deadline::kWrite, host_.limits.write_stall_timeout);
  const asio::const_buffer buffer(piece.data(), piece.size());
  const std::span<const asio::const_buffer> one(&buffer, 1);
  const ErrorCode ec = co_await stream_->WriteAll(one);
  if (!ec) {
    sent_ += piece.size();
    co_return OkStatus();
  }
  client_gone_ = true;
  co_return Cancelled("send the answer: the client has gone or takes nothing");
}

Status Connection::SendContinue() {
  if (!continue_due_) return OkStatus();
  continue_due_ = false;
  if (pos_ < end_) return OkStatus();  // the client did not wait
  std::size_t sent = 0;
  const Status status = TrySend(kContinue, std::string_view(), sent);
  if (status.ok() && sent == kContinue.size()) return status;
  client_gone_ = true;  // a client that cannot take 25 bytes will not send a body
  return WithReason(Cancelled("send 100 Continue: the client takes nothing"), "CLIENT_GONE");
}

Status Connection::BodyFailed(StatusCode code, std::string_view text, std::string_view reason) {
  body_broken_ = true;
  return WithReason(MakeStatus(code, text), reason);
}

// One read into the free part of the buffer, within the deadlines of a body.
Task<Status> Connection::FillBody() {
  const HttpLimits& limits = host_.limits;
  if (!body_reading_) {
    body_reading_ = true;
    body_started_ = Clock::now();
    body_received_ = 0;
  }
  auto delay = limits.body_idle_timeout;
  if (body_whole_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        body_started_ + limits.body_total_timeout - Clock::now());
    delay = std::clamp(left, std::chrono::milliseconds(0), delay);
  }
  SetDeadline(Deadline::kBody, delay);
  const std::span<char> space = Space();
  const net::IoResult io = co_await stream_->ReadSome(space);
  deadline_kind_ = Deadline::kNone;
  if (io.ec) {
    if (std::exchange(timed_out_, false)) {
      co_return BodyFailed(StatusCode::kDeadlineExceeded,
                           "read the request body: it did not arrive in time", "BODY_TIMEOUT");
    }
    client_gone_ = true;
    co_return BodyFailed(StatusCode::kCancelled, "read the request body: the client has gone",
                         "CLIENT_GONE");
  }
  timed_out_ = false;
  end_ += static_cast<std::uint32_t>(io.bytes);
  body_received_ += io.bytes;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      Clock::now() - body_started_);
  if (elapsed > limits.body_rate_grace &&
      body_received_ * 1000 < limits.body_rate_min * static_cast<std::uint64_t>(elapsed.count())) {
    co_return BodyFailed(StatusCode::kDeadlineExceeded,
                         "read the request body: it arrives too slowly", "BODY_TIMEOUT");
  }
  co_return OkStatus();
}

Task<StatusOr<std::string_view>> Connection::ReadSome() {
  if (body_broken_) {
    co_return BodyFailed(StatusCode::kFailedPrecondition,
                         "read the request body: it failed before", "BODY_MALFORMED");
  }
  if (body_.done()) co_return std::string_view();
  TG_CO_RETURN_IF_ERROR(SendContinue());
  for (;;) {
    const std::string_view input(area_->data.get() + pos_, end_ - pos_);
    const BodyDecoder::Step step = body_.Feed(input);
    pos_ += static_cast<std::uint32_t>(step.consumed);
    if (body_.failed()) {
      host_.counters.Rejected(body_.rule());
      co_return BodyFailed(StatusCode::kInvalidArgument, InfoOf(body_.rule()).text,
                           "BODY_MALFORMED");
    }
    received_ += step.data.size();
    if (!step.data.empty()) co_return step.data;
    if (body_.done()) co_return std::string_view();
    if (step.consumed > 0) continue;
    pos_ = end_ = begin_ + head_size_;
    const Status filled = co_await FillBody();
    if (!filled.ok()) co_return filled;
  }
}

std::optional<std::string_view> Connection::BodyAtHand(std::size_t limit) {
  if (body_broken_ || body_.chunked() || body_.done()) return std::nullopt;
  if (body_.remaining() > limit || body_.remaining() > end_ - pos_) return std::nullopt;
  continue_due_ = false;  // the client did not wait for it
  return TakeFixed();
}

// All of a body of known length that has arrived.
std::string_view Connection::TakeFixed() {
  const auto size = static_cast<std::size_t>(body_.remaining());
  const BodyDecoder::Step step = body_.Feed({area_->data.get() + pos_, size});
  pos_ += static_cast<std::uint32_t>(step.consumed);
  received_ += step.data.size();
  return step.data;
}

Task<StatusOr<std::string_view>> Connection::ReadBody(std::size_t limit) {
  body_whole_ = true;
  if (body_.done() && !body_broken_) co_return std::string_view();
  const bool fixed = !body_.chunked() && !body_broken_;
  if (fixed && body_.remaining() > limit) {
    co_return WithReason(ResourceExhausted("read the request body: it is larger than allowed"),
                         "BODY_TOO_LARGE");
  }
  // The common case: it fits behind its head, and the view needs no copy.
  if (fixed && body_.remaining() <= area_->size - pos_) {
    const auto need = static_cast<std::size_t>(body_.remaining());
    TG_CO_RETURN_IF_ERROR(SendContinue());
    while (end_ - pos_ < need) {
      const Status filled = co_await FillBody();
      if (!filled.ok()) co_return filled;
    }
    co_return TakeFixed();
  }
  std::string& whole = area_->body;
  whole.clear();
  for (;;) {
    const StatusOr<std::string_view> piece = co_await ReadSome();
    if (!piece.ok()) co_return piece.status();
    if (piece->empty()) co_return std::string_view(whole);
    if (whole.size() + piece->size() > limit) {
      co_return WithReason(ResourceExhausted("read the request body: it is larger than allowed"),
                           "BODY_TOO_LARGE");
    }
    whole += *piece;
  }
}

}  // namespace tidegate::http
