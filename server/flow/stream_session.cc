#include "server/flow/stream_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/base/limits.h"
#include "server/flow/event.h"
#include "server/flow/frame_queue.h"

namespace tidegate::flow {
namespace {

constexpr std::size_t kGather = 64;       // what TryWrite looks at
constexpr int kPeriods = 4;               // an idle or stalled time is measured in this many parts
constexpr std::size_t kOwnFramesMax = 64; // pongs beyond the queue's limit: a ping flood ends here

// Takes the place of a session that has gone before its socket called back.
class Nobody final : public net::WritableListener {
 public:
  void OnWritable(ErrorCode) override {}
};
Nobody nobody;

}  // namespace

// The states of writing:
//   started_ = false      nothing is written, frames wait (the head has not gone out)
//   blocked_ = false      the queue is empty, or a batch is being pushed
//   blocked_ = true       the socket took less than was there; OnWritable goes on
// ended_ closes the queue for readers; what is queued may still be finished.
class StreamSession::Impl final : public net::WritableListener, private net::WheelTimer {
 public:
  Impl(net::ByteStream& stream, net::Worker& worker, StreamOptions options)
      : stream_(stream), worker_(worker), options_(std::move(options)), over_(worker) {
    ArmHeartbeat();
  }

  ~Impl() {
    if (blocked_) stream_.NotifyWritable(nobody);
  }

  void Start(Attachment* attachment) {
    attachment_ = attachment;
    started_ = true;
    if (attachment_ == nullptr) DropUnreported();
    Flush();
  }

  bool SendOwn(FramePtr frame) {
    if (failed_ || last_queued_ || queue_.size() >= kStreamQueueFrames + kOwnFramesMax) {
      return false;
    }
    started_ = true;
    queue_.Push(std::move(frame), true);
    Flush();
    return true;
  }

  bool HasRoomFor(std::size_t bytes) const {
    if (queue_.empty()) return true;  // one frame always fits, however large
    return queue_.size() < kStreamQueueFrames && queue_.bytes() + bytes <= options_.queue_bytes;
  }

  std::size_t Demand() {
    if (!ended_ && queue_.size() < kStreamQueueFrames && queue_.bytes() < options_.queue_bytes) {
      return kStreamQueueFrames - queue_.size();
    }
    room_wanted_ = true;
    return 0;
  }

  bool Push(FramePtr frame) {
    if (ended_ || last_queued_) return false;
    if (!HasRoomFor(frame->bytes().size())) {
      room_wanted_ = true;
      return false;
    }
    last_queued_ = frame->last();
    queue_.Push(std::move(frame), false);
    return true;
  }

  // The oldest go, but not the frame whose first bytes the client already has, nor our own.
  std::size_t MakeRoom(std::size_t bytes) {
    if (ended_ || last_queued_) return 0;
    std::size_t dropped = 0;
    std::size_t i = front_offset_ > 0 ? 1 : 0;
    while (!HasRoomFor(bytes) && i < queue_.size()) {
      if (queue_.at(i).own) {
        ++i;
        continue;
      }
      queue_.Remove(i);
      ++dropped;
    }
    return dropped;
  }

  Backlog backlog() const {
    Backlog out;
    out.messages = queue_.size();
    out.bytes = queue_.bytes();
    out.paused = room_wanted_ ? 1 : 0;
    return out;
  }

  void OnGap(std::uint64_t count) {
    if (options_.dropped != nullptr) options_.dropped->Add(count);
    if (!options_.gap || gap_pending_ || ended_ || last_queued_) return;
    gap_pending_ = true;
    // Told before the first message behind the gap.
    queue_.Insert(front_offset_ > 0 ? 1 : 0, options_.gap, true);
  }

  void Flush() {
    // A seat that is told of room pushes and flushes from within: the loop below goes on with that.
    if (blocked_ || failed_ || !started_ || flushing_) return;
    flushing_ = true;
    Round round = Round::kMore;
    while (round == Round::kMore && !queue_.empty()) {
      // One frame is the rule; an array for many is not worth clearing for it.
      round = queue_.size() == 1 ? WriteUpTo<1>() : WriteUpTo<kGather>();
    }
    flushing_ = false;
    if (round == Round::kBlocked) return Block();
    if (round == Round::kMore && drained_ != nullptr) drained_->Set();
  }

  void OnWritable(ErrorCode ec) override {
    blocked_ = false;
    if (ec) return Fail(ec);
    Flush();
    if (!blocked_ && !ended_) ArmHeartbeat();
  }

  void End(EndReason reason, Status status) {
    if (ended_) return;
    ended_ = true;
    reason_ = reason;
    status_ = std::move(status);
    WheelTimer::Cancel();
    over_.Set();
  }

  Task<void> Finish(std::string last, std::chrono::milliseconds limit) {
    WheelTimer::Cancel();
    ended_ = true;
    if (failed_) co_return;
    if (!last.empty()) queue_.Push(FramePtr::Make(last), true);
    Event drained(worker_);
    drained_ = &drained;
    started_ = true;
    Flush();
    if (!queue_.empty() && !failed_) co_await drained.WaitFor(limit);
    drained_ = nullptr;
  }

  Task<void> Wait() { return over_.Wait(); }  // set once, by End
  EndReason reason() const { return reason_; }

  const StreamOptions& options() const { return options_; }
  const Status& status() const { return status_; }
  bool last_written() const { return last_written_; }
  std::uint64_t frames_written() const { return frames_written_; }
  std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  enum class Round : std::uint8_t { kMore, kBlocked, kStop };

  template <std::size_t kMax>
  Round WriteUpTo() {
    std::array<asio::const_buffer, kMax> buffers;
    std::size_t total = 0;
    const std::size_t count = Gather(buffers, total);
    if (count == 0) return Round::kStop;  // frames of a reader wait for SetAttachment
    ErrorCode ec;
    const std::size_t sent =
        stream_.TryWrite(std::span<const asio::const_buffer>(buffers.data(), count), ec);
    if (ec) {
      Fail(ec);
      return Round::kStop;
    }
    if (sent > 0) {
      progress_ = true;
      bytes_written_ += sent;
      Complete(sent);
    }
    if (failed_) return Round::kStop;
    return sent < total ? Round::kBlocked : Round::kMore;
  }

  // Nobody would learn that these were written; their reader gives them out again.
  void DropUnreported() {
    std::size_t i = front_offset_ > 0 ? 1 : 0;
    while (i < queue_.size()) {
      if (queue_.at(i).own) {
        ++i;
      } else {
        queue_.Remove(i);
      }
    }
  }

  std::size_t Gather(std::span<asio::const_buffer> buffers, std::size_t& total) {
    std::size_t count = 0;
    for (; count < queue_.size() && count < buffers.size(); ++count) {
      FrameQueue::Entry& entry = queue_.at(count);
      const bool begun = count == 0 && front_offset_ > 0;
      if (!entry.own && attachment_ == nullptr && !begun) break;
      std::string_view bytes = entry.frame->bytes();
      if (count == 0) bytes.remove_prefix(front_offset_);
      buffers[count] = asio::const_buffer(bytes.data(), bytes.size());
      total += bytes.size();
    }
    return count;
  }

  void Complete(std::size_t sent) {
    while (!queue_.empty()) {
      FrameQueue::Entry& front = queue_.at(0);
      const std::size_t left = front.frame->bytes().size() - front_offset_;
      if (sent < left) {
        front_offset_ += sent;
        break;
      }
      sent -= left;
      front_offset_ = 0;
      const FrameQueue::Entry done = queue_.Pop();
      if (done.own) {
        gap_pending_ = false;
      } else {
        ++frames_written_;
        if (attachment_ != nullptr) attachment_->OnWritten(done.frame);
        if (done.frame->last()) {
          last_written_ = true;
          End(EndReason::kFailed, InvalidArgument("a message has no form that was asked for"));
        }
      }
      if (sent == 0) break;
    }
    if (room_wanted_ && !ended_ && queue_.size() <= kStreamQueueFrames / 2 &&
        queue_.bytes() <= options_.queue_bytes / 2) {
      room_wanted_ = false;
      if (attachment_ != nullptr) attachment_->OnRoom();
    }
  }

  void Block() {
    blocked_ = true;
    stream_.NotifyWritable(*this);
    if (ended_) return;  // Finish has its own limit
    if (!stall_mode_) {
      stall_mode_ = true;
      idle_periods_ = 0;
      progress_ = false;
      worker_.wheel().Arm(*this, PeriodOf(kStreamStall));
    }
  }

  void Fail(ErrorCode ec) {
    failed_ = true;
    queue_.Clear();
    front_offset_ = 0;
    End(EndReason::kClientGone, Unavailable("write to the client: " + ec.message()));
    if (drained_ != nullptr) drained_->Set();
  }

  void ArmHeartbeat() {
    stall_mode_ = false;
    idle_periods_ = 0;
    if (options_.heartbeat_interval.count() == 0 || !options_.heartbeat) {
      WheelTimer::Cancel();
      return;
    }
    worker_.wheel().Arm(*this, PeriodOf(options_.heartbeat_interval));
  }

  static std::chrono::milliseconds PeriodOf(std::chrono::milliseconds whole) {
    return std::max(std::chrono::milliseconds(1), whole / kPeriods);
  }

  // Runs a few times per interval instead of being armed anew with every write.
  void OnTimer() override {
    if (ended_) return;
    if (std::exchange(progress_, false)) {
      idle_periods_ = 0;
    } else if (++idle_periods_ >= kPeriods) {
      idle_periods_ = 0;
      if (stall_mode_) {
        return End(EndReason::kSlow, DeadlineExceeded("the client takes no data"));
      }
      if (started_) SendOwn(options_.heartbeat);
      progress_ = false;  // the heartbeat itself: the next one is due after a whole interval
      if (failed_ || stall_mode_) return;
    }
    worker_.wheel().Arm(*this, PeriodOf(stall_mode_ ? std::chrono::milliseconds(kStreamStall)
                                                    : options_.heartbeat_interval));
  }

  net::ByteStream& stream_;
  net::Worker& worker_;
  const StreamOptions options_;
  FrameQueue queue_;
  std::size_t front_offset_ = 0;  // bytes of the first frame that are written
  Attachment* attachment_ = nullptr;
  bool started_ = false;
  bool blocked_ = false;
  bool flushing_ = false;
  bool stall_mode_ = false;
  bool failed_ = false;
  bool ended_ = false;
  bool room_wanted_ = false;
  bool last_queued_ = false;  // a frame that ends the stream is in the queue, or was
  bool last_written_ = false;
  bool gap_pending_ = false;  // a gap event is queued and has not gone out
  bool progress_ = false;     // bytes were written since the timer looked
  EndReason reason_ = EndReason::kClientGone;
  int idle_periods_ = 0;  // of the timer, without progress
  std::uint64_t frames_written_ = 0;
  std::uint64_t bytes_written_ = 0;
  Status status_;
  Event over_;
  Event* drained_ = nullptr;
};

StreamSession::StreamSession(net::ByteStream& stream, net::Worker& worker, StreamOptions options)
    : impl_(std::make_unique<Impl>(stream, worker, std::move(options))) {}
StreamSession::~StreamSession() = default;

void StreamSession::SetAttachment(Attachment* attachment) { impl_->Start(attachment); }
bool StreamSession::SendOwn(FramePtr frame) { return impl_->SendOwn(std::move(frame)); }
Task<void> StreamSession::Wait() { return impl_->Wait(); }
EndReason StreamSession::reason() const { return impl_->reason(); }
void StreamSession::Stop(EndReason reason, Status status) {
  impl_->End(reason, std::move(status));
}
const Status& StreamSession::status() const { return impl_->status(); }
Task<void> StreamSession::Finish(std::string last, std::chrono::milliseconds limit) {
  return impl_->Finish(std::move(last), limit);
}
bool StreamSession::last_written() const { return impl_->last_written(); }
std::uint64_t StreamSession::frames_written() const { return impl_->frames_written(); }
std::uint64_t StreamSession::bytes_written() const { return impl_->bytes_written(); }

const std::shared_ptr<const Encoder>& StreamSession::encoder() const {
  return impl_->options().encoder;
}
std::size_t StreamSession::Demand() const { return impl_->Demand(); }
bool StreamSession::Push(FramePtr frame) { return impl_->Push(std::move(frame)); }
void StreamSession::Flush() { impl_->Flush(); }
void StreamSession::OnGap(std::uint64_t count) { impl_->OnGap(count); }
Backlog StreamSession::backlog() const { return impl_->backlog(); }
std::size_t StreamSession::MakeRoom(std::size_t bytes) { return impl_->MakeRoom(bytes); }
std::optional<std::chrono::milliseconds> StreamSession::coalesce() const {
  return impl_->options().coalesce;
}
void StreamSession::OnEnd(EndReason reason, const Status& status) {
  impl_->End(reason, status);
}

}  // namespace tidegate::flow
