#include "server/flow/private_reader.h"

#include <algorithm>
#include <utility>

#include "server/base/limits.h"
#include "server/flow/encodings.h"

namespace tidegate::flow {

PrivateReader::PrivateReader(HubStatePtr hub, connectors::ConnectorPtr connector,
                             const SubscribeSpec& spec, Subscriber& subscriber,
                             net::Worker& worker, connectors::SourcePtr source)
    : hub_(std::move(hub)), connector_(std::move(connector)), qos_(spec.qos),
      traffic_(*OfEndpoint(spec.api, spec.endpoint)), worker_(worker),
      subscriber_(&subscriber), source_(std::move(source)), room_(worker), closed_(worker),
      id_(hub_->next_id.fetch_add(1)), window_(worker, false) {
  text_ = source_->origin();
  written_ = lanes_.FromSource(text_);
  one_counter_ = !text_.empty() && text_.entries().front().topic.empty();
}

Task<StatusOr<AttachmentPtr>> PrivateReader::Attach(HubStatePtr hub,
                                                    connectors::ConnectorPtr connector,
                                                    SubscribeSpec spec, Subscriber& subscriber,
                                                    net::Worker& worker) {
  connectors::SourceSpec wanted;
  wanted.share = connectors::Share::kPrivate;
  wanted.qos = spec.qos;
  wanted.topics = spec.topics;
  if (spec.position) {
    wanted.start = connectors::Start::kPosition;
    wanted.position = *spec.position;
  }
  auto source = co_await connector->OpenSource(std::move(wanted), worker);
  if (!source.ok()) {
    hub->subscribers -= 1;
    co_return source.status();
  }
  auto reader = std::make_shared<PrivateReader>(hub, std::move(connector), spec, subscriber,
                                                worker, std::move(*source));
  {
    const std::lock_guard lock(hub->mutex);
    hub->privates[reader->id_] = reader;
  }
  hub->private_readers += 1;
  worker.Spawn("reader.private", Run(reader));
  AttachmentPtr seat = std::make_unique<PrivateSeat>(std::move(reader));
  co_return std::move(seat);
}

Task<void> PrivateReader::Run(std::shared_ptr<PrivateReader> self) {
  // Nothing is pushed before the caller of Attach has its attachment.
  co_await asio::post(self->worker_.context(), kTask);
  const Status status = co_await self->ReadAll();
  if (self->stopping_) {
    co_await self->closed_.Wait();
  } else {
    self->stopping_ = true;
    const bool completed = ReasonOf(status) == "SOURCE_COMPLETED";
    self->DoEnd(completed ? EndReason::kCompleted : EndReason::kFailed, status);
    co_await self->source_->Close();
  }
  self->source_.reset();
  {
    const std::lock_guard lock(self->hub_->mutex);
    self->hub_->privates.erase(self->id_);
  }
  self->hub_->private_readers -= 1;
}

Task<Status> PrivateReader::ReadAll() {
  connectors::MessageBatch batch;
  while (!stopping_) {
    const std::size_t demand = subscriber_ == nullptr ? 0 : subscriber_->Demand();
    if (demand == 0) {
      co_await room_.Wait();
      continue;
    }
    batch.Clear();
    const auto max = static_cast<std::uint32_t>(std::min(demand, kPollBatchMax));
    waits_ = true;
    auto count = co_await source_->Next(batch, max);
    waits_ = false;
    if (stopping_) break;
    if (!count.ok()) co_return count.status();
    traffic_.received->Add(batch.size());
    for (std::size_t i = 0; i < batch.size() && !stopping_; ++i) co_await Give(batch[i]);
    if (subscriber_ != nullptr) window_.Pushed(*subscriber_, batch.size(), false);
    co_await asio::post(worker_.context(), kTask);
  }
  co_return Cancelled("reader: ended");
}

Task<void> PrivateReader::Give(connectors::Message& message) {
  const std::uint32_t lane = one_counter_ ? 0 : lane_cache_.LaneOf(lanes_, message);
  text_.Set(one_counter_ ? std::string_view() : message.topic,
            one_counter_ ? 0 : message.partition, message.offset);
  id_scratch_.clear();
  if (GivesIds(qos_) && subscriber_ != nullptr && subscriber_->encoder()->wants_id()) {
    connector_->AppendId(text_, id_scratch_);
  }
  if (subscriber_ == nullptr) co_return;
  const Place place(lane, message.partition, message.offset);
  const FramePtr frame =
      EncodeFrame(*subscriber_->encoder(), message, id_scratch_, place, scratch_);
  while (subscriber_ != nullptr && !subscriber_->Push(frame)) {
    subscriber_->Flush();
    co_await room_.Wait();
  }
  if (subscriber_ != nullptr) message.ack.Done();
}

void PrivateReader::End(EndReason reason, Status status) {
  worker_.Post([self = shared_from_this(), reason, status = std::move(status)] {
    self->DoEnd(reason, status);
    self->Stop();
  });
}

void PrivateReader::DoEnd(EndReason reason, const Status& status) {
  if (Subscriber* subscriber = std::exchange(subscriber_, nullptr)) {
    window_.Forget();
    subscriber->Flush();
    subscriber->OnEnd(reason, status);
  }
}

void PrivateReader::Stop() {
  if (stopping_) return;
  stopping_ = true;
  room_.Set();
  worker_.Spawn("reader.close", CloseSource(shared_from_this()));
}

Task<void> PrivateReader::CloseSource(std::shared_ptr<PrivateReader> self) {
  co_await asio::post(self->worker_.context(), kTask);
  co_await self->source_->Close();
  self->closed_.Set();
}

PrivateSeat::~PrivateSeat() {
  reader_->subscriber_ = nullptr;
  reader_->window_.Forget();
  reader_->hub_->subscribers -= 1;
  reader_->Stop();
}

std::string PrivateSeat::Id() const {
  std::string id;
  if (GivesIds(reader_->qos_)) reader_->connector_->AppendId(position(), id);
  return id;
}

const connectors::Position& PrivateSeat::position() const {
  position_ = ToPosition(reader_->lanes_.names(), reader_->written_);
  return position_;
}

void PrivateSeat::OnRoom() { reader_->room_.Set(); }

void PrivateSeat::OnWritten(const FramePtr& frame) {
  SetAt(reader_->written_, frame->place().lane, frame->place().offset);
}

}  // namespace tidegate::flow
