#include "server/flow/group_reader.h"

#include <algorithm>
#include <utility>

#include "server/base/limits.h"
#include "server/base/log.h"

namespace tidegate::flow {
namespace {

std::string GroupKey(const SubscribeSpec& spec) {
  // Another promise is another member of the same group: the broker is told when what was handed
  // over may be forgotten.
  std::string name = spec.broker_name + "\n" + std::string(connectors::NameOf(spec.qos));
  for (const std::string& topic : spec.topics) name += "\n" + topic;
  return name;
}

}  // namespace

GroupReader::GroupReader(HubStatePtr hub, ReaderKey key, connectors::ConnectorPtr connector,
                         const SubscribeSpec& spec, net::Worker& home)
    : hub_(std::move(hub)), key_(std::move(key)), connector_(std::move(connector)),
      qos_(spec.qos), group_(spec.broker_name), topics_(spec.topics),
      traffic_(*OfEndpoint(spec.api, spec.endpoint)), home_(home), demand_(home),
      closed_(home) {}

StatusOr<std::shared_ptr<GroupReader>> GroupReader::FindOrMake(const HubStatePtr& hub,
                                                               connectors::ConnectorPtr connector,
                                                               const SubscribeSpec& spec,
                                                               net::Worker& worker) {
  ReaderKey key;
  key.connector = connector.get();
  key.name = GroupKey(spec);
  std::shared_ptr<GroupReader> evicted;
  std::vector<std::shared_ptr<GroupReader>> former;
  std::shared_ptr<GroupReader> made;
  {
    const std::lock_guard lock(hub->mutex);
    if (hub->shut) return MakeError(ErrorClass::kOverloaded, "attach: readers are shut");
    const auto it = hub->groups.find(key);
    if (it != hub->groups.end()) {
      ++it->second.users;
      return it->second.reader;
    }
    std::size_t same = 0;
    auto idle = hub->groups.end();
    const bool process_full = hub->groups.size() >= kGroupsPerProcessMax;
    for (auto at = hub->groups.begin(); at != hub->groups.end(); ++at) {
      const bool ours = at->first.connector == key.connector;
      if (ours) ++same;
      if (at->second.users == 0 && (ours || process_full)) idle = at;
    }
    if (process_full || same >= kGroupsPerEndpointMax) {
      // One that only lingers makes room.
      if (idle == hub->groups.end()) {
        return WithReason(ResourceExhausted("attach: too many groups of consumers"),
                          "BROKER_CLIENTS_EXHAUSTED");
      }
      evicted = std::move(idle->second.reader);
      hub->groups.erase(idle);
    }
    // One that only lingers under the same name at the broker, of a connector that a change has
    // replaced or of another promise, would have its share of the messages, or the place itself.
    for (auto at = hub->groups.begin(); at != hub->groups.end();) {
      if (at->second.users == 0 && at->second.reader->group_ == spec.broker_name) {
        former.push_back(std::move(at->second.reader));
        at = hub->groups.erase(at);
      } else {
        ++at;
      }
    }
    made = std::make_shared<GroupReader>(hub, key, std::move(connector), spec, worker);
    HubState::Seat<GroupReader>& entry = hub->groups[key];
    entry.reader = made;
    entry.users = 1;
  }
  if (evicted) evicted->End(EndReason::kGoaway, OkStatus());
  hub->group_readers += 1;
  RunAfter(std::move(former), made);
  return made;
}

void GroupReader::RunAfter(std::vector<std::shared_ptr<GroupReader>> before,
                           std::shared_ptr<GroupReader> self) {
  if (before.empty()) {
    self->OnHome([](GroupReader& reader) {
      reader.home_.Spawn("reader.group", Run(reader.shared_from_this()));
    });
    return;
  }
  const std::shared_ptr<GroupReader> one = std::move(before.back());
  before.pop_back();
  one->OnHome([before = std::move(before), self = std::move(self)](GroupReader& former) mutable {
    former.Over(EndReason::kGoaway, OkStatus());
    std::function<void()> next = [before = std::move(before), self = std::move(self)]() mutable {
      RunAfter(std::move(before), std::move(self));
    };
    if (former.closing_ && !former.source_closed_) {
      former.after_close_ = std::move(next);
    } else {
      next();
    }
  });
}

Task<StatusOr<AttachmentPtr>> GroupReader::Attach(HubStatePtr hub,
                                                  connectors::ConnectorPtr connector,
                                                  SubscribeSpec spec, Subscriber& subscriber,
                                                  net::Worker& worker) {
  auto reader = FindOrMake(hub, std::move(connector), spec, worker);
  if (!reader.ok()) {
    hub->subscribers -= 1;
    co_return reader.status();
  }
  auto seat = std::make_unique<GroupSeat>(*reader, hub->next_id.fetch_add(1), spec.qos,
                                          subscriber, worker);
  Member member;
  member.id = seat->id_;
  member.link = seat->link_;
  member.encoder = subscriber.encoder();
  (*reader)->OnHome([member = std::move(member)](GroupReader& self) mutable {
    self.Join(std::move(member));
  });
  const Status status = co_await seat->WaitForPlace();
  if (!status.ok()) co_return status;
  AttachmentPtr attachment = std::move(seat);
  co_return std::move(attachment);
}

Task<void> GroupReader::Run(std::shared_ptr<GroupReader> self) {
  co_await asio::post(self->home_.context(), kTask);
  const Status status = co_await self->ReadAll();
  if (!self->over_ && ReasonOf(status) != "SOURCE_COMPLETED") {
    Log(LogLevel::kWarn, "reader.group_failed",
        {{"group", self->group_}, {"cause", MessageOf(status)}});
  }
  const bool completed = ReasonOf(status) == "SOURCE_COMPLETED";
  self->Over(completed ? EndReason::kCompleted : EndReason::kFailed, status);
  if (self->closing_) co_await self->closed_.Wait();
  self->source_.reset();
  self->hub_->group_readers -= 1;
}

Task<void> GroupReader::CloseSource(std::shared_ptr<GroupReader> self) {
  co_await asio::post(self->home_.context(), kTask);
  co_await self->source_->Close();
  self->source_closed_ = true;
  self->closed_.Set();
  if (self->after_close_) std::exchange(self->after_close_, nullptr)();
}

Task<Status> GroupReader::ReadAll() {
  connectors::SourceSpec spec;
  spec.share = connectors::Share::kGroup;
  spec.qos = qos_;
  spec.start = connectors::Start::kCommitted;
  spec.group = group_;
  spec.topics = topics_;
  auto opened = co_await connector_->OpenSource(std::move(spec), home_);
  if (!opened.ok()) co_return opened.status();
  source_ = std::move(*opened);
  if (over_) {
    co_await source_->Close();
    co_return Cancelled("reader: ended while it opened");
  }
  open_ = true;
  for (Member& member : members_) Placed(member, OkStatus());
  connectors::MessageBatch batch;
  batch.Reserve(kPollBatchMax);
  while (!over_) {
    const std::size_t credit = TotalCredit();
    if (credit == 0) {
      co_await WaitForDemand();
      continue;
    }
    batch.Clear();
    const auto max = static_cast<std::uint32_t>(std::min(credit, kPollBatchMax));
    auto count = co_await source_->Next(batch, max);
    if (!count.ok()) co_return count.status();
    traffic_.received->Add(batch.size());
    const TimePoint now = Clock::now();
    for (std::size_t i = 0; i < batch.size() && !over_;) {
      // Whoever had demand may have gone while the source was asked.
      Member* member = NextWithCredit();
      if (member == nullptr) {
        Send();
        co_await WaitForDemand();
        continue;
      }
      Hand(*member, batch[i++], now);
    }
    Send();
    co_await asio::post(home_.context(), kTask);
  }
  co_return Cancelled("reader: ended");
}

std::size_t GroupReader::TotalCredit() const {
  std::size_t total = 0;
  for (const Member& member : members_) {
    if (!member.link->full()) total += member.credit;
  }
  return total;
}

Task<void> GroupReader::WaitForDemand() {
  for (const Member& member : members_) {
    if (member.credit > 0) member.link->awaited = true;
  }
  // A seat may have made room before it could know that it is waited for.
  if (TotalCredit() > 0) co_return;
  co_await demand_.Wait();
}

GroupReader::Member* GroupReader::NextWithCredit() {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    turn_ = (turn_ + 1) % members_.size();
    const Member& member = members_[turn_];
    if (member.credit > 0 && !member.link->full()) return &members_[turn_];
  }
  return nullptr;
}

void GroupReader::Hand(Member& member, connectors::Message& message, TimePoint now) {
  --member.credit;
  if (message.redelivered) traffic_.redelivered->Add();
  id_scratch_.clear();
  if (GivesIds(qos_) && member.encoder->wants_id() && message.offset >= 0) {
    connectors::Position place;
    place.Set(message.topic, message.partition, message.offset);
    connector_->AppendId(place, id_scratch_);
  }
  const Place place(0, message.partition, message.offset);
  GroupItem item;
  item.frame = EncodeFrame(*member.encoder, message, id_scratch_, place, scratch_);
  item.ack = CountedAck(std::move(message.ack), traffic_, now);
  member.link->bytes += item.frame->bytes().size();
  member.out.push_back(std::move(item));
}

void GroupReader::Send() {
  for (Member& member : members_) {
    if (member.out.empty()) continue;
    // A link whose seat has gone drops the items, and with them their acks.
    member.link->worker.Post([link = member.link, items = std::exchange(member.out, {})]() mutable {
      if (link->seat != nullptr) link->seat->Take(std::move(items));
    });
  }
}

void GroupReader::Placed(const Member& member, const Status& status) {
  member.link->worker.Post([link = member.link, status] {
    if (link->seat != nullptr) link->seat->Placed(status);
  });
}

void GroupReader::Join(Member member) {
  if (over_) {
    return Placed(member, MakeError(ErrorClass::kOverloaded, "attach: the reader has ended"));
  }
  Cancel();
  if (open_) Placed(member, OkStatus());
  members_.push_back(std::move(member));
}

void GroupReader::Grant(std::uint64_t id, std::size_t credit) {
  for (Member& member : members_) {
    if (member.id == id) member.credit += credit;
  }
  demand_.Set();
}

void GroupReader::Leave(std::uint64_t id, bool unused) {
  std::erase_if(members_, [id](const Member& member) { return member.id == id; });
  turn_ = 0;
  if (unused && !over_) home_.wheel().Arm(*this, kReaderLinger);
}

void GroupReader::OnTimer() {
  std::shared_ptr<GroupReader> self;  // found by nobody any more once it has left the registry
  {
    const std::lock_guard lock(hub_->mutex);
    const auto it = hub_->groups.find(key_);
    if (it != hub_->groups.end() && it->second.reader.get() == this) {
      if (it->second.users > 0) return;
      self = std::move(it->second.reader);
      hub_->groups.erase(it);
    }
  }
  Over(EndReason::kGoaway, OkStatus());
}

void GroupReader::End(EndReason reason, Status status) {
  OnHome([reason, status = std::move(status)](GroupReader& self) { self.Over(reason, status); });
}

void GroupReader::Over(EndReason reason, const Status& status) {
  if (over_) return;
  over_ = true;
  const std::shared_ptr<GroupReader> self = shared_from_this();
  {
    const std::lock_guard lock(hub_->mutex);
    const auto it = hub_->groups.find(key_);
    if (it != hub_->groups.end() && it->second.reader.get() == this) hub_->groups.erase(it);
  }
  Cancel();
  for (const Member& member : std::exchange(members_, {})) {
    member.link->worker.Post([link = member.link, reason, status] {
      if (link->seat != nullptr) link->seat->End(reason, status);
    });
  }
  demand_.Set();
  if (source_ && !closing_) {
    closing_ = true;
    home_.Spawn("reader.close", CloseSource(self));
  }
}

}  // namespace tidegate::flow
