#include "server/entrypoints/websocket_session.h"

#include <memory>

#include "server/base/limits.h"

namespace tidegate::entrypoints {
namespace {

using flow::EndReason;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr auto kFinishLimit = std::chrono::milliseconds(1000);
// Ticks come twice per ping interval: pings after one and two intervals of silence, the end half an
// interval after the second, so a client that vanished is found within 2.5 intervals.
constexpr int kFirstPing = 2;
constexpr int kSecondPing = 4;
constexpr int kGiveUp = 5;

http::WebSocketLimits LimitsOf(const WebsocketSettings& settings) {
  http::WebSocketLimits limits;
  limits.frame_bytes = settings.frame_bytes_max;
  limits.message_bytes = settings.message_bytes_max;
  limits.controls_per_second = kControlFramesPerSecond;
  return limits;
}

flow::FramePtr ControlFrame(http::Opcode opcode, std::string_view payload) {
  std::string bytes;
  http::AppendWebSocketFrame(bytes, opcode, payload);
  return flow::FramePtr::Make(bytes);
}

}  // namespace

WebsocketSession::WebsocketSession(flow::Call& call, const WebsocketSettings& settings,
                                   flow::StreamOptions options, bool publishes)
    : call_(call),
      settings_(settings),
      publishes_(publishes),
      session_(call.exchange().stream(), call.worker(), std::move(options)),
      decoder_(LimitsOf(settings)),
      read_done_(call.worker()) {}

void WebsocketSession::Start(std::string leftover) {
  reading_ = true;
  call_.worker().Spawn("entrypoint.websocket_read", Read(std::move(leftover)));
  call_.worker().wheel().Arm(*this, settings_.ping / 2);
}

void WebsocketSession::Stop(EndReason reason, const Status& status) {
  session_.Stop(reason, status);
}

void WebsocketSession::End(std::uint16_t code, std::string_view text, EndReason reason) {
  if (close_code_ == 0) {
    close_code_ = code;
    close_text_ = std::string(text);
  }
  session_.Stop(reason, OkStatus());
}

std::string_view WebsocketSession::TextOf(std::uint16_t code) {
  switch (code) {
    case exchange::kCloseCompleted: return "Bye";
    case exchange::kCloseTryLater: return "Try Again Later";
    case exchange::kCloseError: return "Server error";
    default: return "";
  }
}

void WebsocketSession::ChooseClose(EndReason reason) {
  if (close_code_ != 0) return;
  switch (reason) {
    case EndReason::kCompleted: close_code_ = exchange::kCloseCompleted; break;
    case EndReason::kGoaway: close_code_ = exchange::kCloseTryLater; break;
    case EndReason::kPlanGone: close_code_ = exchange::kClosePolicy; break;
    case EndReason::kFailed: close_code_ = exchange::AnswerOf(session_.status()).close; break;
    case EndReason::kSlow: close_code_ = exchange::kClosePolicy; break;
    case EndReason::kClientGone: return;  // nobody to tell
  }
  close_text_ = std::string(TextOf(close_code_));
  if (reason == EndReason::kPlanGone) close_text_ = exchange::AnswerOf(session_.status()).text;
  if (reason == EndReason::kSlow) close_text_ = "Too slow";
}

Task<EndReason> WebsocketSession::Run() {
  co_await session_.Wait();
  const EndReason reason = session_.reason();
  WheelTimer::Cancel();
  closing_ = true;
  ChooseClose(reason);
  if (close_code_ != 0) {
    std::string frame;  // stays empty where a message has become the close
    if (!session_.last_written()) http::AppendWebSocketClose(frame, close_code_, close_text_);
    co_await session_.Finish(std::move(frame), kFinishLimit);
    // The peer answers with its own close; then the connection can go without losing ours.
    if (reading_ && !peer_closed_) co_await read_done_.WaitFor(kCloseHandshakeWait);
  }
  co_return reason;
}

Task<void> WebsocketSession::Leave() {
  closing_ = true;
  // Where the reading has ended by itself, the engine lingers: a close on what the client still
  // sends would reset the connection, and the close frame with it.
  if (reading_) call_.exchange().stream().Close();
  while (reading_) co_await read_done_.Wait();
}

Task<void> WebsocketSession::Read(std::string leftover) {
  net::ByteStream& stream = call_.exchange().stream();
  bool more = true;
  if (!leftover.empty()) more = co_await Feed(leftover);
  leftover = std::string();
  while (more) {
    const ErrorCode ready = co_await stream.WaitReadable();  // an idle client holds no buffer
    if (ready) break;
    const auto buffer = std::make_unique<char[]>(kReadBytes);
    const std::span<char> space(buffer.get(), kReadBytes);
    const net::IoResult read = co_await stream.ReadSome(space);
    if (read.ec) break;
    more = co_await Feed(space.first(read.bytes));
  }
  if (more) Stop(EndReason::kClientGone, Cancelled("the client has gone"));
  reading_ = false;
  read_done_.Set();
}

Task<bool> WebsocketSession::Feed(std::span<char> input) {
  using Event = http::WebSocketDecoder::Event;
  heard_ = true;
  while (true) {
    const http::WebSocketDecoder::Step step = decoder_.Feed(input, Clock::now());
    input = input.subspan(step.consumed);
    switch (step.event) {
      case Event::kNeedMore:
        if (input.empty()) co_return true;
        break;
      case Event::kMessage:
        co_await OnMessage(step.payload);  // where it ends us: what follows is read for the close
        break;
      case Event::kPing:
        if (!closing_) session_.SendOwn(ControlFrame(http::Opcode::kPong, step.payload));
        break;
      case Event::kPong: break;
      case Event::kClose:
        peer_closed_ = true;
        // Answered with the same code (RFC 6455 §5.5.1).
        End(step.close_code, "", EndReason::kClientGone);
        co_return false;
      case Event::kError:
        End(step.close_code, step.payload, EndReason::kFailed);
        co_return false;
    }
  }
}

Task<void> WebsocketSession::OnMessage(std::string_view payload) {
  if (closing_ || close_code_ != 0) co_return;  // thrown away
  if (!publishes_) {
    End(exchange::kClosePolicy, "Publishing is off", EndReason::kFailed);
    co_return;
  }
  connectors::OutMessage message;
  message.content = payload;
  publishing_ = true;
  const connectors::PublishResult result = co_await call_.Publish(message);
  publishing_ = false;
  if (result.outcome == connectors::Outcome::kOk) co_return;
  // Under none a message may be lost; the endpoint's error counter has it.
  if (call_.qos() == connectors::Qos::kNone) co_return;
  const exchange::Answer answer = exchange::AnswerOf(result.status, result.outcome);
  const std::string_view text =
      answer.close == exchange::kCloseTooBig ? std::string_view(answer.text) : TextOf(answer.close);
  End(answer.close, text, EndReason::kFailed);
}

void WebsocketSession::OnTimer() {
  silent_ticks_ = std::exchange(heard_, false) || publishing_ ? 0 : silent_ticks_ + 1;
  if (silent_ticks_ >= kGiveUp) {
    End(1001, "No answer to pings", EndReason::kClientGone);
    return;
  }
  if (silent_ticks_ == kFirstPing || silent_ticks_ == kSecondPing) {
    session_.SendOwn(ControlFrame(http::Opcode::kPing, ""));
  }
  call_.worker().wheel().Arm(*this, settings_.ping / 2);
}

}  // namespace tidegate::entrypoints
