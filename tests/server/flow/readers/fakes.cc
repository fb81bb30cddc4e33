#include "tests/server/flow/readers/fakes.h"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace tidegate::flow {
namespace {

const std::string kTopic = "t";

connectors::Position EndOf(const FakeLog& log) {
  connectors::Position end;
  for (std::size_t i = 0; i < log.partitions.size(); ++i) {
    end.Set(kTopic, static_cast<std::int32_t>(i), log.partitions[i].end - 1);
  }
  return end;
}

}  // namespace

// Where acks of group messages go; outlives its source, as a real one's does.
class FakeAcks final : public connectors::AckTarget {
 public:
  FakeAcks(FakeLog& log, FakeGroup& group) : log_(log), group_(group) {}
  const Record& Find(const connectors::AckToken& token) const {
    for (const Record& record : log_.partitions[token.lane].records) {
      if (record.offset == token.tag) return record;
    }
    std::abort();
  }
  void OnAck(const connectors::AckToken& token) override {
    group_.acked.push_back(Find(token).content);
    --group_.in_flight;
  }
  void OnNack(const connectors::AckToken& token, connectors::NackKind) override {
    group_.again.push_back({static_cast<int>(token.lane), Find(token)});
    --group_.in_flight;
    log_.Wake();
  }

 private:
  FakeLog& log_;
  FakeGroup& group_;
};

class FakeSource final : public connectors::Source {
 public:
  FakeSource(FakeConnector& connector, connectors::SourceSpec spec, net::Worker& worker)
      : connector_(connector), log_(connector.log_), spec_(std::move(spec)), worker_(worker),
        wake_(worker) {
    log_.sources.push_back(this);
    if (!is_group()) {
      connector_.most_sources = std::max(connector_.most_sources, ++connector_.open_sources);
    }
    ++connector_.opened;
  }
  ~FakeSource() override {
    EXPECT_CLOSED();
    std::erase(log_.sources, this);
    if (acks_ != nullptr) acks_->Release();
    if (!is_group()) --connector_.open_sources;
  }

  bool recover() const { return connector_.offer.recover; }
  bool is_group() const { return spec_.share == connectors::Share::kGroup; }

  Status Begin() {
    const bool earliest = connector_.real_rule == connectors::Reset::kEarliest;
    for (std::size_t i = 0; i < log_.partitions.size(); ++i) {
      const FakePartition& partition = log_.partitions[i];
      std::int64_t at = partition.end - 1;
      const auto* named = spec_.start == connectors::Start::kPosition
                              ? spec_.position.Find(kTopic, static_cast<std::int32_t>(i))
                              : nullptr;
      if (named != nullptr) {
        at = named->offset;
        if (at == -1) at = std::max<std::int64_t>(at, partition.start - 1);
        if (at + 1 < partition.start || at >= partition.end) {
          return MakeError(ErrorClass::kPositionUnavailable, "open: the position is gone");
        }
      } else if (spec_.start != connectors::Start::kLatest) {
        if (connector_.real_rule == connectors::Reset::kNone) {
          return MakeError(ErrorClass::kPositionUnavailable, "open: no position");
        }
        if (earliest) at = partition.start - 1;
      }
      origin_.Set(kTopic, static_cast<std::int32_t>(i), at);
      at_.push_back(at);
    }
    if (is_group()) {
      FakeGroup& group = connector_.groups[spec_.group];
      group.next.resize(log_.partitions.size(), 0);
      acks_ = new FakeAcks(log_, group);
    }
    return OkStatus();
  }

  Task<StatusOr<std::size_t>> Next(connectors::MessageBatch& batch, std::uint32_t max) override {
    max = std::min(max, connector_.batch_max);
    for (;;) {
      if (closed_) co_return Cancelled("closed");
      if (!log_.failure.ok()) co_return log_.failure;
      if (is_group()) {
        TakeGroup(batch, max);
      } else {
        const Status status = Take(batch, max);
        if (!status.ok()) co_return status;
      }
      if (!batch.empty()) co_return batch.size();
      co_await wake_.Wait();
    }
  }
  const connectors::Position& origin() const override { return recover() ? origin_ : nowhere_; }
  std::optional<connectors::Position> HighWatermark() const override {
    if (!connector_.knows_high || !recover()) return std::nullopt;
    return EndOf(log_);
  }
  std::optional<connectors::Position> Reached() const override {
    if (!connector_.knows_reached || !recover()) return std::nullopt;
    connectors::Position reached;
    for (std::size_t i = 0; i < at_.size(); ++i) {
      const FakePartition& partition = log_.partitions[i];
      const bool at_end = partition.records.empty() || partition.records.back().offset <= at_[i];
      reached.Set(kTopic, static_cast<std::int32_t>(i), at_end ? partition.end - 1 : at_[i]);
    }
    return reached;
  }
  Task<void> Close() override {
    closed_ = true;
    wake_.Set();
    co_return;
  }
  void Wake() { wake_.Set(); }

 private:
  // What lives until the next batch.
  struct Passing {
    std::string topic;
    std::string content;
    std::vector<connectors::NamedText> metadata;
  };

  void EXPECT_CLOSED() const {
    if (!closed_ && !begun_failed_) std::abort();  // Close() comes before the end, always
  }
  void Fill(connectors::MessageBatch& batch, int partition, const Record& record) {
    connectors::Message& message = batch.Add();
    message.content = record.content;
    message.topic = kTopic;
    if (recover()) {
      message.partition = partition;
      message.offset = record.offset;
      return;
    }
    Passing& passing = passing_[batch.size() - 1];
    passing.topic = kTopic + "/" + record.content;
    passing.content = record.content;
    passing.metadata.resize(1);
    passing.metadata[0].name = "routingKey";
    passing.metadata[0].value = passing.topic;
    message.topic = passing.topic;
    message.content = passing.content;
    message.metadata = passing.metadata;
  }
  // A topic that grew: its new partitions are read from their first message.
  void LookAgain() {
    for (std::size_t i = at_.size(); i < log_.partitions.size(); ++i) {
      at_.push_back(log_.partitions[i].start - 1);
      origin_.Set(kTopic, static_cast<std::int32_t>(i), at_.back());
    }
  }
  Status Take(connectors::MessageBatch& batch, std::uint32_t max) {
    batch.Reserve(max);
    LookAgain();
    // Round robin over the partitions, one message each, starting elsewhere for each source: two
    // sources never see the same order.
    std::size_t idle = 0;
    while (batch.size() < max && idle < at_.size()) {
      turn_ = (turn_ + 1) % at_.size();
      FakePartition& partition = log_.partitions[turn_];
      if (at_[turn_] + 1 < partition.start) {
        return MakeError(ErrorClass::kPositionUnavailable, "read: retention passed the reader");
      }
      const auto it = std::upper_bound(
          partition.records.begin(), partition.records.end(), at_[turn_],
          [](std::int64_t at, const Record& record) { return at < record.offset; });
      if (it == partition.records.end()) {
        ++idle;
        continue;
      }
      idle = 0;
      at_[turn_] = it->offset;
      Fill(batch, static_cast<int>(turn_), *it);
    }
    return OkStatus();
  }
  void TakeGroup(connectors::MessageBatch& batch, std::uint32_t max) {
    FakeGroup& group = connector_.groups[spec_.group];
    batch.Reserve(max);
    while (batch.size() < max && !group.again.empty()) {
      const auto [partition, record] = group.again.front();
      group.again.pop_front();
      GiveGroup(batch, partition, record.offset);
    }
    for (std::size_t i = 0; i < group.next.size(); ++i) {
      while (batch.size() < max && group.next[i] < log_.partitions[i].records.size()) {
        GiveGroup(batch, static_cast<int>(i), log_.partitions[i].records[group.next[i]++].offset);
      }
    }
  }
  void GiveGroup(connectors::MessageBatch& batch, int partition, std::int64_t offset) {
    connectors::AckToken token;
    token.lane = static_cast<std::uint32_t>(partition);
    token.tag = offset;
    Fill(batch, partition, acks_->Find(token));
    batch[batch.size() - 1].ack = connectors::Ack(*acks_, token);
    ++connector_.groups[spec_.group].in_flight;
  }

  FakeConnector& connector_;
  FakeLog& log_;
  const connectors::SourceSpec spec_;
  net::Worker& worker_;
  Event wake_;
  FakeAcks* acks_ = nullptr;
  connectors::Position origin_;
  const connectors::Position nowhere_;
  std::vector<Passing> passing_ = std::vector<Passing>(256);
  std::vector<std::int64_t> at_;
  std::size_t turn_ = static_cast<std::size_t>(connector_.opened);
  bool closed_ = false;

 public:
  bool begun_failed_ = false;
};

void FakeLog::Append(int partition, std::string content) {
  FakePartition& target = partitions[static_cast<std::size_t>(partition)];
  Record record;
  record.offset = target.end++;
  record.content = std::move(content);
  target.records.push_back(std::move(record));
  Wake();
}

void FakeLog::Wake() {
  for (FakeSource* source : sources) source->Wake();
}

Task<StatusOr<connectors::SourcePtr>> FakeConnector::OpenSource(connectors::SourceSpec spec,
                                                                net::Worker& worker) {
  co_await asio::post(worker.context(), kTask);
  if (!open_failure.ok()) co_return open_failure;
  levels.push_back(spec.qos);
  auto source = std::make_unique<FakeSource>(*this, std::move(spec), worker);
  const Status status = source->Begin();
  if (!status.ok()) {
    source->begun_failed_ = true;
    co_return status;
  }
  connectors::SourcePtr result = std::move(source);
  co_return std::move(result);
}

Task<StatusOr<std::optional<connectors::Position>>> FakeConnector::Load(std::string name,
                                                                        net::Worker& worker) {
  co_await asio::post(worker.context(), kTask);
  std::optional<connectors::Position> found;
  const auto it = stored.find(name);
  if (it != stored.end()) found = *connectors::Position::Parse(it->second);
  co_return found;
}

Task<Status> FakeConnector::Store(std::string name, connectors::Position position,
                                  net::Worker& worker) {
  co_await asio::post(worker.context(), kTask);
  stored[name] = position.Format();
  co_return OkStatus();
}

void FakeEncoder::Encode(const connectors::Message& message, std::string_view id,
                         std::string& out) const {
  ++encoded;
  out += id;
  out += '|';
  out += message.content;
}

bool FakeSubscriber::Push(FramePtr frame) {
  if (refuses || queue.size() >= capacity) {
    refused_ = true;
    return false;
  }
  queue.push_back(std::move(frame));
  return true;
}

void FakeSubscriber::Flush() {
  if (reading) Write(queue.size());
}

void FakeSubscriber::Write(std::size_t count) {
  for (; count > 0 && !queue.empty(); --count) {
    const FramePtr frame = queue.front();
    queue.pop_front();
    const std::string_view bytes = frame->bytes();
    const std::size_t bar = bytes.find('|');
    if (keeps) {
      ids.emplace_back(bytes.substr(0, bar));
      written.emplace_back(bytes.substr(bar + 1));
      places.push_back(frame->place());
    }
    out_of_order = out_of_order || (received > 0 && frame->place().offset != last_ + 1);
    last_ = frame->place().offset;
    ++received;
    if (attachment != nullptr) attachment->OnWritten(frame);
  }
  if (refused_ && queue.size() <= capacity / 2) {
    refused_ = false;
    if (attachment != nullptr) attachment->OnRoom();
  }
}

void FakeSubscriber::SetReading(bool on) {
  reading = on;
  if (on) Write(queue.size());
}

std::size_t FakeSubscriber::MakeRoom(std::size_t) {
  if (queue.empty()) return 0;
  queue.pop_front();
  return 1;
}

void FakeSubscriber::OnEnd(EndReason why, const Status& text) {
  ended = true;
  reason = why;
  status = text;
}

Bench::Bench(int partitions, std::size_t workers)
    : pool(workers), log(partitions), connector(std::make_shared<FakeConnector>(log)),
      hub(MakeReaderHub(pool)), now_(Clock::now()) {}

Bench::~Bench() {
  pool.at(0).Spawn("test.shutdown", hub->Shutdown(TimePoint(), pool.at(0)));
  Turn();
}

void Bench::Turn() {
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t i = 0; i < pool.size(); ++i) {
      pool.at(i).context().restart();
      if (pool.at(i).context().poll() > 0) moved = true;
    }
  }
}

void Bench::Pass(std::chrono::milliseconds time) {
  Turn();
  now_ = std::max(now_, Clock::now());
  // In ticks, as time does it: what a tick sets off runs before the next.
  for (auto left = time; left.count() > 0; left -= std::chrono::milliseconds(100)) {
    now_ += std::chrono::milliseconds(100);
    for (std::size_t i = 0; i < pool.size(); ++i) pool.at(i).wheel().Advance(now_);
    Turn();
  }
}

std::shared_ptr<AttachResult> Bench::StartAttach(FakeSubscriber& subscriber, SubscribeSpec spec,
                                                 std::size_t worker) {
  auto result = std::make_shared<AttachResult>();
  struct Local {
    static Task<void> Run(Bench& bench, FakeSubscriber& subscriber, SubscribeSpec spec,
                          std::size_t worker, std::shared_ptr<AttachResult> result) {
      result->value = co_await bench.hub->Attach(bench.connector, std::move(spec), subscriber,
                                                 bench.pool.at(worker));
      result->done = true;
      if (result->value.ok()) subscriber.attachment = result->value->get();
    }
  };
  pool.at(worker).Spawn("test.attach",
                        Local::Run(*this, subscriber, std::move(spec), worker, result));
  return result;
}

StatusOr<AttachmentPtr> Bench::Attach(FakeSubscriber& subscriber, SubscribeSpec spec,
                                      std::size_t worker) {
  const auto result = StartAttach(subscriber, std::move(spec), worker);
  Turn();
  for (int i = 0; i < 50 && !result->done; ++i) Pass(std::chrono::milliseconds(200));
  return std::move(result->value);
}

SubscribeSpec Bench::Spec(connectors::Qos qos, std::string position) const {
  SubscribeSpec spec;
  spec.qos = qos;
  spec.share = connectors::Share::kEach;
  if (!position.empty()) spec.position = *connectors::Position::Parse(position);
  return spec;
}

}  // namespace tidegate::flow
