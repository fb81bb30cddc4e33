// A broker in memory for the readers' tests: logs with partitions and retention, sources that read
// them under the test's control, and subscribers that take as much as the test says.
//
// Everything runs on workers that were never started: Turn() runs what was posted, so a test
// decides when something happens. Nothing waits for time.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/flow/event.h"
#include "server/flow/reader_hub.h"

namespace tidegate::flow {

struct Record {
  std::int64_t offset = 0;
  std::string content;
};

struct FakePartition {
  std::vector<Record> records;   // offsets may have gaps
  std::int64_t start = 0;        // retention: lower offsets are gone
  std::int64_t end = 0;          // the offset of the next record
};

class FakeSource;

class FakeLog {
 public:
  explicit FakeLog(int partitions) : partitions(static_cast<std::size_t>(partitions)) {}
  void Append(int partition, std::string content);
  // A record that no source hands out (a control record): the end moves, no message comes.
  void AppendMarker(int partition) { ++partitions[static_cast<std::size_t>(partition)].end; }
  void Wake();

  std::vector<FakePartition> partitions;
  std::vector<FakeSource*> sources;
  Status failure;  // of every Next from now on; Wake() tells the sources
};

// Group sources share what is not given out.
struct FakeGroup {
  std::vector<std::size_t> next;            // by partition: index of the next record
  std::deque<std::pair<int, Record>> again; // nacked
  std::vector<std::string> acked;
  std::size_t in_flight = 0;
};

class FakeConnector final : public connectors::Connector, private connectors::PositionStore {
 public:
  explicit FakeConnector(FakeLog& log) : log_(log) { offer.recover = true; }

  std::string_view kind() const override { return "fake"; }
  const connectors::Capabilities& capabilities() const override { return offer; }
  Task<StatusOr<connectors::SourcePtr>> OpenSource(connectors::SourceSpec spec,
                                                   net::Worker& worker) override;
  StatusOr<connectors::Sink*> SinkFor(net::Worker&) override { return Unimplemented("fake"); }
  std::optional<connectors::Reset> reset_rule() const override { return rule; }
  connectors::PositionStore* positions() override { return remembers ? this : nullptr; }
  void AppendId(const connectors::Position& position, std::string& out) const override {
    position.AppendTo(out);
  }
  StatusOr<connectors::Position> ParseId(std::string_view id) const override {
    return connectors::Position::Parse(id);
  }
  connectors::Health health() const override { return {}; }
  Task<std::vector<connectors::TestStage>> Test(net::Worker&) override { co_return stages_; }
  Task<void> Drain(TimePoint, net::Worker&) override { co_return; }

  // Without RECOVER sources tell no positions, and messages have neither offset nor partition and
  // live in a buffer that the next batch overwrites. Set before the first reader.
  connectors::Capabilities offer;
  std::optional<connectors::Reset> rule = connectors::Reset::kLatest;  // what reset_rule() says
  connectors::Reset real_rule = connectors::Reset::kLatest;            // what sources do
  bool remembers = false;
  bool knows_reached = true;
  bool knows_high = true;
  Status open_failure;
  std::map<std::string, std::string> stored;
  std::map<std::string, FakeGroup> groups;
  int open_sources = 0;   // each and private, now
  int most_sources = 0;
  int opened = 0;
  std::vector<connectors::Qos> levels;  // of the sources that were opened
  std::uint32_t batch_max = 7;  // messages per Next, to make many small batches

 private:
  friend class FakeSource;
  Task<StatusOr<std::optional<connectors::Position>>> Load(std::string name,
                                                           net::Worker& worker) override;
  Task<Status> Store(std::string name, connectors::Position position,
                     net::Worker& worker) override;

  FakeLog& log_;
  std::vector<connectors::TestStage> stages_;
};

// `content` per message, ids before it where there is one: "id|content\n".
class FakeEncoder final : public Encoder {
 public:
  explicit FakeEncoder(std::string key = "text") : key_(std::move(key)) {}
  std::string_view key() const override { return key_; }
  bool wants_headers() const override { return false; }
  bool wants_id() const override { return true; }
  void Encode(const connectors::Message& message, std::string_view id,
              std::string& out) const override;
  mutable int encoded = 0;

 private:
  const std::string key_;
};

class FakeSubscriber final : public Subscriber {
 public:
  explicit FakeSubscriber(std::shared_ptr<const Encoder> encoder) : encoder_(std::move(encoder)) {}

  const std::shared_ptr<const Encoder>& encoder() const override { return encoder_; }
  std::size_t Demand() const override {
    return queue.size() < capacity ? std::max(promised, capacity - queue.size()) : 0;
  }
  bool Push(FramePtr frame) override;
  void Flush() override;
  void OnGap(std::uint64_t count) override { gaps += count; ++gap_events; }
  std::size_t MakeRoom(std::size_t bytes) override;
  void OnEnd(EndReason reason, const Status& status) override;

  // Takes up to `count` queued frames as a socket would.
  void Write(std::size_t count);
  void SetReading(bool on);

  std::size_t capacity = 100;
  std::size_t promised = 0;  // demand beyond that: its frames are larger than it thought
  bool reading = true;   // Flush writes at once
  bool refuses = false;  // takes nothing, as when its bytes are at their limit
  Attachment* attachment = nullptr;
  std::deque<FramePtr> queue;
  bool keeps = true;  // else only `received` and `out_of_order` tell what came
  std::size_t received = 0;
  bool out_of_order = false;
  std::vector<std::string> written;  // contents
  std::vector<std::string> ids;
  std::vector<Place> places;
  std::uint64_t gaps = 0;
  int gap_events = 0;
  bool ended = false;
  EndReason reason = EndReason::kCompleted;
  Status status;

 private:
  std::shared_ptr<const Encoder> encoder_;
  bool refused_ = false;
  std::int64_t last_ = -1;
};

struct AttachResult {
  bool done = false;
  StatusOr<AttachmentPtr> value = StatusOr<AttachmentPtr>(Unavailable("not answered"));
};

// Workers that are driven by hand, a hub, a log.
class Bench {
 public:
  explicit Bench(int partitions = 1, std::size_t workers = 1);
  ~Bench();

  // Runs everything that is ready, on all workers, until nothing is.
  void Turn();
  // Makes the wheels believe that so much time has passed since the last call.
  void Pass(std::chrono::milliseconds time);
  // Attach and run until it is answered or nothing moves any more.
  StatusOr<AttachmentPtr> Attach(FakeSubscriber& subscriber, SubscribeSpec spec,
                                 std::size_t worker = 0);
  // The same without running: many can be under way at once.
  std::shared_ptr<AttachResult> StartAttach(FakeSubscriber& subscriber, SubscribeSpec spec,
                                            std::size_t worker = 0);
  SubscribeSpec Spec(connectors::Qos qos, std::string position = "") const;

  net::WorkerPool pool;
  FakeLog log;
  std::shared_ptr<FakeConnector> connector;
  std::unique_ptr<ReaderHub> hub;
  std::shared_ptr<FakeEncoder> encoder = std::make_shared<FakeEncoder>();

 private:
  TimePoint now_;
};

}  // namespace tidegate::flow
