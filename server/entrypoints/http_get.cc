// http-get: a page of messages, streamed as they come, ended by count, time box or the source.
#include <algorithm>
#include <array>

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/entrypoints/builtin.h"
#include "server/entrypoints/message_text.h"
#include "server/entrypoints/page.h"
#include "server/entrypoints/page_format.h"
#include "server/entrypoints/settings.h"
#include "server/flow/call.h"

namespace tidegate::entrypoints {
namespace {

using connectors::Qos;
using flow::EndReason;

constexpr std::size_t kFramesPerWrite = 31;  // with separators between: within one gather write
constexpr std::size_t kPieceBytes = 16 * 1024;  // 0.5 KB/s is slow, but not stalled

// Closes the stream of a client that does not take a piece within kStreamStall: no write waits for
// ever.
class StallGuard final : public net::WheelTimer {
 public:
  StallGuard(net::ByteStream& stream, net::Worker& worker) : stream_(stream) {
    worker.wheel().Arm(*this, kStreamStall);
  }
  void OnTimer() override { stream_.Close(); }

 private:
  net::ByteStream& stream_;
};

// What the client asked for.
struct Wish {
  PageType type = PageType::kText;
  std::uint32_t count = 0;
  std::optional<std::string> limit;   // as sent, when it was
  std::optional<std::string> cursor;
};

Status ReadLimit(const http::RequestHead& head, std::uint32_t ceiling, Wish& wish) {
  bool malformed = false;
  wish.count = ceiling;
  const std::optional<std::string> text = head.Query("limit", &malformed);
  const bool digits = text && !text->empty() &&
                      std::all_of(text->begin(), text->end(),
                                  [](char c) { return c >= '0' && c <= '9'; });
  if (!malformed && !text) return OkStatus();
  const std::size_t first = digits ? text->find_first_not_of('0') : std::string::npos;
  if (first == std::string::npos) {
    return exchange::Refuse("INVALID_LIMIT",
                            "Query parameter limit must be a whole number of at least 1");
  }
  const std::optional<std::uint64_t> value = ParseUint(*text);  // nullopt: beyond 64 bits
  if (value && *value < ceiling) wish.count = static_cast<std::uint32_t>(*value);
  wish.limit = std::to_string(wish.count);
  return OkStatus();
}

Status ReadWish(const http::RequestHead& head, std::uint32_t ceiling, Wish& wish) {
  const std::optional<PageType> type = ChoosePageType(head);
  if (!type) {
    return exchange::Refuse("UNSUPPORTED_ACCEPT",
                            "Unsupported accept header: application/json, application/xml and "
                            "text/plain are supported");
  }
  wish.type = *type;
  TG_RETURN_IF_ERROR(ReadLimit(head, ceiling, wish));
  bool malformed = false;
  wish.cursor = head.Query("cursor", &malformed);
  if (malformed) {
    return exchange::Refuse("CURSOR_MALFORMED",
                            "Query parameter cursor has a malformed percent escape");
  }
  return OkStatus();
}

std::optional<PageError> ErrorOf(EndReason reason, const Status& status) {
  PageError error;
  switch (reason) {
    case EndReason::kCompleted:
    case EndReason::kClientGone: return std::nullopt;
    case EndReason::kGoaway:
      error.id = "goaway";
      error.content = "Stopping, please reconnect";
      return error;
    case EndReason::kSlow:
    case EndReason::kFailed:
    case EndReason::kPlanGone: break;
  }
  const exchange::Answer answer = exchange::AnswerOf(status);
  error.content = answer.text;
  error.key = std::string(answer.key);
  return error;
}

class HttpGet final : public flow::Entrypoint {
 public:
  explicit HttpGet(const HttpGetSettings& settings) : settings_(settings) {
    for (const PageType type : {PageType::kJson, PageType::kXml, PageType::kText}) {
      for (const http::BodyFraming framing :
           {http::BodyFraming::kChunked, http::BodyFraming::kUntilClose}) {
        encoders_[SlotOf(type, framing)] = std::make_shared<const PageEncoder>(
            type, settings.headers_in_payload, settings.metadata_in_payload, framing);
      }
    }
  }

  std::string_view kind() const override { return "http-get"; }

  flow::Needs needs() const override {
    flow::Needs needs;
    needs.subscribe = true;
    needs.accepts = connectors::QosSet::Of(Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce);
    needs.at_needs_recover = true;
    return needs;
  }

  bool Matches(const http::RequestHead& head) const override { return head.method == "GET"; }

  Task<void> Serve(flow::Call& call) const override {
    http::Exchange& exchange = call.exchange();
    Wish wish;
    Status wrong = ReadWish(exchange.head(), settings_.limit_count, wish);
    if (!wrong.ok()) {
      co_await call.Fail(std::move(wrong));
      co_return;
    }
    const http::BodyFraming framing = exchange.framing();
    Page page(encoders_[SlotOf(wish.type, framing)], wish.count, settings_.coalesce, call.worker());
    std::optional<std::string> cursor = std::move(wish.cursor);
    StatusOr<flow::AttachmentPtr> seat = co_await call.Subscribe(std::move(cursor), page, true);
    if (!seat.ok()) {
      co_await call.Fail(seat.status());
      co_return;
    }
    Status started = co_await Start(call, wish.type, framing);
    if (!started.ok()) co_return;
    call.Register(page);
    bool alive = co_await Fill(call, page, **seat, wish.type, framing);
    // What comes while the end is written belongs to the next page, or to another consumer; where
    // the endpoint settles at hand-over (auto on Kafka) it is gone.
    page.Stop(EndReason::kCompleted, OkStatus());
    if (alive) alive = co_await Close(call, page, **seat, wish, framing);
    const EndReason reason = !alive                            ? EndReason::kClientGone
                             : page.ended() && !page.full()    ? page.reason()
                                                               : EndReason::kCompleted;
    call.Ended(reason);
    *seat = nullptr;
    exchange.EndStream(alive && reason == EndReason::kCompleted);
  }

 private:
  static std::size_t SlotOf(PageType type, http::BodyFraming framing) {
    return static_cast<std::size_t>(type) * 2 + (framing == http::BodyFraming::kChunked ? 0 : 1);
  }

  static Task<Status> Start(flow::Call& call, PageType type, http::BodyFraming framing) {
    http::ResponseHead head(200);
    head.Add("Content-Type", ContentTypeOf(type));
    call.Decorate(head);
    const std::string preface = Framed(PageOpen(type), framing);
    Status status = co_await call.exchange().StartStream(head, preface);
    co_return status;
  }

  // Writes messages until the page is full, the time is over or the source has ended. False: the
  // client has gone.
  Task<bool> Fill(flow::Call& call, Page& page, flow::Attachment& seat, PageType type,
                  http::BodyFraming framing) const {
    const TimePoint deadline = Clock::now() + settings_.limit_duration;
    const std::string separator = Framed(PageSeparator(type), framing);
    const bool separate = !PageSeparator(type).empty();
    bool first = true;
    while (true) {
      if (page.queue().empty()) {
        if (page.full() || page.ended() || Clock::now() >= deadline) co_return true;
        co_await page.WaitUntil(deadline);
        continue;
      }
      std::array<asio::const_buffer, 2 * kFramesPerWrite> buffers;
      const std::size_t frames = std::min(page.queue().size(), kFramesPerWrite);
      std::size_t count = 0;
      for (std::size_t i = 0; i < frames; ++i) {
        if (separate && !first) buffers[count++] = asio::buffer(separator);
        first = false;
        const std::string_view bytes = page.queue()[i]->bytes();
        buffers[count++] = asio::const_buffer(bytes.data(), bytes.size());
      }
      const std::span<const asio::const_buffer> all(buffers.data(), count);
      const bool written = co_await Write(call, all);
      if (!written) co_return false;
      page.Written(frames, seat);
    }
  }

  static Task<bool> Close(flow::Call& call, Page& page, flow::Attachment& seat, const Wish& wish,
                          http::BodyFraming framing) {
    PageEnd end;
    end.next_cursor = seat.Id();
    end.limit = wish.limit;
    if (page.ended() && !page.full()) end.error = ErrorOf(page.reason(), page.status());
    const std::string close = PageClose(wish.type, end);
    // An empty chunk would end the body before LastChunk does.
    std::string last = close.empty() ? std::string() : Framed(close, framing);
    last += LastChunk(framing);
    const asio::const_buffer buffer(last.data(), last.size());
    const std::span<const asio::const_buffer> one(&buffer, 1);
    const bool written = co_await Write(call, one);
    co_return written;
  }

  static Task<bool> Write(flow::Call& call, std::span<const asio::const_buffer> buffers) {
    net::ByteStream& stream = call.exchange().stream();
    ErrorCode ec;
    std::size_t sent = stream.TryWrite(buffers, ec);
    if (ec) co_return false;
    // A slow client takes the rest in pieces, each with a time of its own.
    for (asio::const_buffer rest : buffers) {
      const std::size_t done = std::min(sent, rest.size());
      sent -= done;
      for (rest += done; rest.size() > 0;) {
        const asio::const_buffer piece = asio::buffer(rest, kPieceBytes);
        const std::span<const asio::const_buffer> one(&piece, 1);
        const StallGuard guard(stream, call.worker());
        ec = co_await stream.WriteAll(one);
        if (ec) co_return false;
        rest += piece.size();
      }
    }
    co_return true;
  }

  const HttpGetSettings settings_;
  std::array<std::shared_ptr<const flow::Encoder>, 6> encoders_;  // by SlotOf
};

}  // namespace

StatusOr<EntrypointPtr> MakeHttpGet(const google::protobuf::Message& settings,
                                    const flow::EntrypointContext&) {
  TG_ASSIGN_OR_RETURN(const HttpGetSettings read, ReadHttpGet(settings));
  return EntrypointPtr(std::make_shared<const HttpGet>(read));
}

}  // namespace tidegate::entrypoints
