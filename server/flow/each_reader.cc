#include "server/flow/each_reader.h"

#include <algorithm>
#include <utility>

#include "server/base/check.h"
#include "server/base/limits.h"
#include "server/base/log.h"

namespace tidegate::flow {

EachReader::EachReader(HubStatePtr hub, ReaderKey key, connectors::ConnectorPtr connector,
                       const SubscribeSpec& spec, std::shared_ptr<PositionKeeper> keeper,
                       net::Worker& home, std::size_t workers)
    : hub_(std::move(hub)), key_(std::move(key)), connector_(std::move(connector)),
      topics_(spec.topics), keeper_(std::move(keeper)),
      traffic_(*OfEndpoint(spec.api, spec.endpoint)), home_(home),
      recover_(connector_->capabilities().recover), closed_(home),
      ring_(kRingBytes), fan_by_worker_(workers), catch_up_(*this) {}

EachReader::~EachReader() = default;

std::shared_ptr<EachFan> EachReader::FanFor(net::Worker& worker) {
  std::weak_ptr<EachFan>& slot = fan_by_worker_[worker.index()];
  std::shared_ptr<EachFan> fan = slot.lock();
  if (!fan) {
    // Its timer is linked into its own worker's wheel, so it must go there, too.
    const auto destroy = [](EachFan* gone) {
      std::unique_ptr<EachFan> owned(gone);
      net::Worker* current = net::Worker::Current();
      if (current == nullptr || current == &gone->worker()) return;
      gone->worker().Post([owned = std::move(owned)] {});
    };
    fan = std::shared_ptr<EachFan>(new EachFan(shared_from_this(), worker), destroy);
    slot = fan;
  }
  return fan;
}

void EachReader::Start() {
  hub_->live_readers += 1;
  home_.Spawn("reader.each", Run(shared_from_this()));
}

Task<void> EachReader::Run(std::shared_ptr<EachReader> self) {
  // Not from inside whoever made it: that one may hold the registry's lock.
  co_await asio::post(self->home_.context(), kTask);
  const Status status = co_await self->ReadAll();
  const bool completed = ReasonOf(status) == "SOURCE_COMPLETED";
  if (!self->over_ && !completed) {
    Log(LogLevel::kWarn, "reader.failed",
        {{"connector", self->connector_->kind()}, {"cause", MessageOf(status)}});
  }
  self->Over(completed ? EndReason::kCompleted : EndReason::kFailed, status);
  if (self->closing_) co_await self->closed_.Wait();
  self->source_.reset();
  self->hub_->live_readers -= 1;
}

Task<void> EachReader::CloseSource(std::shared_ptr<EachReader> self) {
  co_await asio::post(self->home_.context(), kTask);
  co_await self->source_->Close();
  self->closed_.Set();
}

Task<Status> EachReader::ReadAll() {
  connectors::SourceSpec spec;
  spec.share = connectors::Share::kEach;
  spec.start = connectors::Start::kLatest;
  spec.topics = topics_;
  auto opened = co_await connector_->OpenSource(std::move(spec), home_);
  if (!opened.ok()) co_return opened.status();
  source_ = std::move(*opened);
  if (over_) {
    co_await source_->Close();
    co_return Cancelled("reader: ended while it opened");
  }
  BeginLive();
  open_ = true;
  std::vector<AdmitRequest> early = std::move(early_);
  for (AdmitRequest& request : early) DoAdmit(std::move(request));
  connectors::MessageBatch batch;
  batch.Reserve(kPollBatchMax);
  while (!over_) {
    batch.Clear();
    auto count = co_await source_->Next(batch, kPollBatchMax);
    if (!count.ok()) co_return count.status();
    CountReceived(batch);
    Dispatch(batch);
    // Others of this worker take their turn, also when the source never waits.
    co_await asio::post(home_.context(), kTask);
    while (FansBehind() && !over_) co_await home_.wheel().Sleep(kWheelTick);
  }
  co_return Cancelled("reader: ended");
}

void EachReader::CountReceived(connectors::MessageBatch& batch) {
  traffic_.received->Add(batch.size());
  if (recover_) return;  // a log tells nobody what it has delivered before
  for (const connectors::Message& message : batch) {
    if (message.redelivered) traffic_.redelivered->Add();
  }
}

void EachReader::BeginLive() {
  if (recover_) {
    at_ = lanes_.FromSource(source_->origin());
    text_ = source_->origin();
  } else {
    SetAt(at_, lanes_.LaneOf("", 0), 0);  // one lane, numbered from 1
  }
  ring_.Begin(at_);
}

Place EachReader::PlaceOf(const connectors::Message& message) {
  if (!recover_) return Place(0, message.partition, At(at_, 0) + 1);
  return Place(lane_cache_.LaneOf(lanes_, message), message.partition, message.offset);
}

bool EachReader::FansBehind() const {
  return std::any_of(fans_.begin(), fans_.end(), [](const KnownFan& known) {
    return known.sent - known.done->load(std::memory_order_relaxed) > kBatchesAheadMax;
  });
}

void EachReader::Dispatch(connectors::MessageBatch& batch) {
  std::shared_ptr<LiveBatch> out = std::move(spare_);
  if (!out) out = std::make_shared<LiveBatch>();
  out->first = ring_.end();
  out->items.clear();
  out->encodings.clear();
  out->frames.clear();
  for (const Encodings::Encoding& encoding : encodings_.all()) {
    if (encoding.live > 0) out->encodings.push_back(encoding.number);
  }
  for (connectors::Message& message : batch) {
    const Place place = PlaceOf(message);
    if (place.offset <= At(at_, place.lane)) continue;  // again after a reconnect
    SetAt(at_, place.lane, place.offset);
    if (recover_) text_.Set(message.topic, message.partition, message.offset);
    LiveBatch::Item seen;
    seen.lane = place.lane;
    seen.offset = place.offset;
    out->items.push_back(seen);
    message.ack.Done();
    Ring::Item& item = ring_.Add(message, place.lane);
    item.offset = place.offset;
    EncodeLive(item, *out);
    ring_.Settle(item);
  }
  const auto bytes = static_cast<std::int64_t>(ring_.bytes());
  hub_->ring_bytes += bytes - ring_bytes_counted_;
  ring_bytes_counted_ = bytes;
  Publish(std::move(out));
  PumpTail();
}

void EachReader::EncodeLive(Ring::Item& item, LiveBatch& out) {
  bool have_id = false;
  const Place place(item.lane, item.message.partition, item.offset);
  for (const Encodings::Encoding& encoding : encodings_.all()) {
    if (encoding.live == 0) continue;
    if (encoding.with_id && !have_id) {
      id_scratch_.clear();
      connector_->AppendId(text_, id_scratch_);
      have_id = true;
    }
    const std::string_view id = encoding.with_id ? std::string_view(id_scratch_) : "";
    FramePtr frame = EncodeFrame(*encoding.encoder, item.message, id, place, scratch_);
    item.Remember(encoding.number, frame);
    out.frames.push_back(std::move(frame));
  }
}

FramePtr EachReader::Encode(const Encodings::Encoding& encoding,
                            const connectors::Message& message, Place place,
                            const connectors::Position& text) {
  id_scratch_.clear();
  if (encoding.with_id) connector_->AppendId(text, id_scratch_);
  return EncodeFrame(*encoding.encoder, message, id_scratch_, place, scratch_);
}

// One post per batch and worker; the home worker's own fan is called at once.
void EachReader::Publish(std::shared_ptr<LiveBatch> out) {
  bool posted = false;
  if (!out->items.empty()) {
    for (KnownFan& known : fans_) {
      if (&known.fan->worker() == &home_) {
        known.fan->Take(out, lanes_.shared());
        continue;
      }
      posted = true;
      ++known.sent;
      known.fan->worker().Post([fan = known.fan, batch = LiveBatchPtr(out),
                                names = lanes_.shared(), done = known.done]() mutable {
        fan->Take(std::move(batch), std::move(names));
        done->fetch_add(1, std::memory_order_relaxed);
      });
    }
  }
  // A window of the home fan may still hold it.
  if (!posted && out.use_count() == 1) spare_ = std::move(out);
}

void EachReader::End(EndReason reason, Status status) {
  OnHome([reason, status = std::move(status)](EachReader& self) { self.Over(reason, status); });
}

void EachReader::OnTimer() {
  std::shared_ptr<EachReader> self;
  {
    const std::lock_guard lock(hub_->mutex);
    const auto it = hub_->each.find(key_);
    if (it != hub_->each.end() && it->second.reader.get() == this) {
      if (it->second.users > 0) return;
      // Under the same lock: whoever comes now makes a new reader instead of finding this one.
      self = std::move(it->second.reader);
      hub_->each.erase(it);
    }
  }
  Over(EndReason::kGoaway, OkStatus());
}

void EachReader::Over(EndReason reason, const Status& status) {
  if (over_) return;
  over_ = true;
  const std::shared_ptr<EachReader> self = shared_from_this();
  {
    const std::lock_guard lock(hub_->mutex);
    const auto it = hub_->each.find(key_);
    if (it != hub_->each.end() && it->second.reader.get() == this) hub_->each.erase(it);
  }
  Cancel();
  Status refusal = status;
  if (refusal.ok()) refusal = MakeError(ErrorClass::kOverloaded, "attach: the reader has ended");
  for (AdmitRequest& request : std::exchange(early_, {})) {
    ToFan(*request.fan, [id = request.id, refusal](EachFan& fan) {
      fan.Placed(id, refusal, Offsets(), nullptr);
    });
  }
  catch_up_.StopAll();
  for (KnownFan& known : std::exchange(fans_, {})) {
    ToFan(*known.fan, [reason, status](EachFan& fan) { fan.EndAll(reason, status); });
  }
  waiters_.clear();
  seats_.clear();
  tail_.clear();
  hub_->ring_bytes -= std::exchange(ring_bytes_counted_, 0);
  if (source_ && !closing_) {
    closing_ = true;
    home_.Spawn("reader.close", CloseSource(self));
  }
}

}  // namespace tidegate::flow
