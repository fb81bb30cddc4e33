#include "connectors/kafka/topics.h"

#include <librdkafka/rdkafka.h>
#include <re2/re2.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "connectors/kafka/error_map.h"

namespace tidegate::kafka {
namespace {

using connectors::Position;
using connectors::SourceSpec;
using connectors::Start;
using Milliseconds = std::chrono::milliseconds;

constexpr int kTimeoutMs =
    static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kQueryTimeout).count());
constexpr int kFirstSliceMs = 250;
constexpr auto kLeaderPause = std::chrono::milliseconds(100);  // until a leader is asked again
constexpr std::size_t kPartitionsMax = 10'000;  // of one source; each costs a few hundred bytes

struct MetadataDeleter {
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
};
using MetadataPtr = std::unique_ptr<const rd_kafka_metadata_t, MetadataDeleter>;

struct ListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using ListPtr = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;

// Asks in growing slices: the library tells of a refused login or handshake only beside the call,
// which goes on waiting for a broker.
StatusOr<MetadataPtr> Ask(rd_kafka_t* rk, const SharedPtr& shared, const std::string* topic,
                          Serve serve) {
  rd_kafka_topic_t* handle = nullptr;
  if (topic != nullptr) {
    handle = rd_kafka_topic_new(rk, topic->c_str(), nullptr);
    if (handle == nullptr) {
      return MakeError(ErrorClass::kConfigInvalid, "look up kafka topic: the name is refused");
    }
  }
  const TimePoint begin = Clock::now();
  int code = RD_KAFKA_RESP_ERR__TIMED_OUT;
  const rd_kafka_metadata_t* raw = nullptr;
  Status refused;
  int left = kTimeoutMs;
  for (int slice = kFirstSliceMs; left > 0 && refused.ok(); slice *= 2) {
    // The last slice takes what is left: a slow answer must fit somewhere.
    const int allowed = left < 3 * slice ? left : slice;
    code = rd_kafka_metadata(rk, topic == nullptr ? 1 : 0, handle, &raw, allowed);
    if (code != RD_KAFKA_RESP_ERR__TIMED_OUT && code != RD_KAFKA_RESP_ERR__TRANSPORT) break;
    if (serve == Serve::kYes) rd_kafka_poll(rk, 0);
    refused = shared->monitor->RefusalSince(begin);
    left = kTimeoutMs - static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                             Clock::now() - begin).count());
  }
  MetadataPtr metadata(raw);
  if (handle != nullptr) rd_kafka_topic_destroy(handle);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return metadata;
  TG_RETURN_IF_ERROR(refused);
  // No answer at all means that no broker was reached.
  const int said = code == RD_KAFKA_RESP_ERR__TIMED_OUT ? RD_KAFKA_RESP_ERR__TRANSPORT : code;
  const Status status = ErrorOf(said, "look up kafka topics", "", shared->monitor->connected());
  const std::string trouble = shared->monitor->TroubleSince(begin);
  if (said != RD_KAFKA_RESP_ERR__TRANSPORT || trouble.empty()) return status;
  return MakeError(ClassOf(status), MessageOf(status) + ": " + trouble);
}

StatusOr<TopicPartitions> AskOne(rd_kafka_t* rk, const SharedPtr& shared, const std::string& name,
                                 Serve serve) {
  TopicPartitions found;
  found.topic = name;
  const TimePoint until = Clock::now() + kQueryTimeout;
  while (true) {
    auto metadata = Ask(rk, shared, &name, serve);
    if (!metadata.ok()) return metadata.status();
    if ((*metadata)->topic_cnt != 1) {
      return MakeError(ErrorClass::kInternal, "look up kafka topic: an answer without the topic");
    }
    const rd_kafka_metadata_topic_t& topic = (*metadata)->topics[0];
    if (topic.err == RD_KAFKA_RESP_ERR_NO_ERROR) found.partitions = topic.partition_cnt;
    const bool electing = topic.err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    if (topic.err == RD_KAFKA_RESP_ERR_NO_ERROR ||
        topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      return found;
    }
    if (!electing || Clock::now() > until) {
      return ErrorOf(topic.err, "look up kafka topic", name, true);
    }
    std::this_thread::sleep_for(kLeaderPause);
  }
}

StatusOr<std::vector<TopicPartitions>> AskPattern(rd_kafka_t* rk, const SharedPtr& shared,
                                                  Serve serve) {
  const RE2 pattern(shared->config.consumer.topics_pattern, RE2::Quiet);
  if (!pattern.ok()) {
    return MakeError(ErrorClass::kConfigInvalid, "kafka topicsPattern: not a regular expression");
  }
  auto metadata = Ask(rk, shared, nullptr, serve);
  if (!metadata.ok()) return metadata.status();
  std::vector<TopicPartitions> found;
  for (int i = 0; i < (*metadata)->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& topic = (*metadata)->topics[i];
    const std::string_view name = topic.topic;
    if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    if (name.substr(0, 2) == "__") continue;  // the brokers' own
    if (!RE2::FullMatch(re2::StringPiece(name.data(), name.size()), pattern)) continue;
    TopicPartitions entry;
    entry.topic = std::string(name);
    entry.partitions = topic.partition_cnt;
    found.push_back(std::move(entry));
  }
  std::sort(found.begin(), found.end(),
            [](const TopicPartitions& a, const TopicPartitions& b) { return a.topic < b.topic; });
  return found;
}

// One request per leader for all partitions: the library passes the logical offsets END and
// BEGINNING on as the timestamps that mean exactly that in the protocol. Returns its code.
int AskOffsets(rd_kafka_t* rk, std::int64_t logical, int timeout_ms,
               std::vector<PartitionRange>& ranges, std::int64_t PartitionRange::* field) {
  ListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(ranges.size())));
  for (const PartitionRange& range : ranges) {
    rd_kafka_topic_partition_list_add(list.get(), range.topic.c_str(), range.partition)->offset =
        logical;
  }
  const rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(rk, list.get(), timeout_ms);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return code;
  for (int i = 0; i < list->cnt; ++i) {  // in the order in which they were added
    const rd_kafka_topic_partition_t& entry = list->elems[i];
    if (entry.err != RD_KAFKA_RESP_ERR_NO_ERROR) return entry.err;
    if (entry.offset < 0) return RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE;  // nobody answered for it
    ranges[static_cast<std::size_t>(i)].*field = entry.offset;
  }
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

// What a broker answers while the leader of a partition is not ready: it was elected, or the topic
// created, a moment ago and it has not taken it up, though metadata name it already. The clients of
// Apache Kafka ask again for the same codes; the library leaves that to us.
bool PassesByItself(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
      return true;
    default: return false;
  }
}

Status QueryLogical(rd_kafka_t* rk, const SharedPtr& shared, std::int64_t logical,
                    std::vector<PartitionRange>& ranges, std::int64_t PartitionRange::* field) {
  const TimePoint until = Clock::now() + kQueryTimeout;
  const std::string& topic = ranges.front().topic;
  const bool single = std::all_of(ranges.begin(), ranges.end(),
                                  [&](const auto& range) { return range.topic == topic; });
  Status said;
  for (auto left = Milliseconds(kQueryTimeout); left.count() > 0;
       left = std::chrono::ceil<Milliseconds>(until - Clock::now())) {
    const int code = AskOffsets(rk, logical, static_cast<int>(left.count()), ranges, field);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return OkStatus();
    said = ErrorOf(code, "query kafka offsets", single ? topic : std::string(),
                   shared->monitor->connected());
    if (!PassesByItself(code)) break;
    std::this_thread::sleep_for(kLeaderPause);
    // Who leads now: the library looks that up again by itself only for topics that it reads.
    const auto renewed = Ask(rk, shared, single ? &topic : nullptr, Serve::kNo);
    if (!renewed.ok()) return renewed.status();
  }
  return said;
}

std::string NameOf(const PartitionRange& range) {
  return range.topic + "@" + std::to_string(range.partition);
}

StatusOr<std::int64_t> ResetOf(Reset reset, const PartitionRange& range) {
  switch (reset) {
    case Reset::kLatest: return range.high;
    case Reset::kEarliest: return range.low;
    case Reset::kNone: break;
  }
  return MakeError(ErrorClass::kPositionUnavailable,
                   "read " + NameOf(range) + ": no position, and autoOffsetReset is none");
}

}  // namespace

StatusOr<std::vector<TopicPartitions>> FindTopics(rd_kafka_t* rk, const SharedPtr& shared,
                                                  const std::vector<std::string>& requested,
                                                  Serve serve) {
  const KafkaConfig::Consumer& consumer = shared->config.consumer;
  std::vector<TopicPartitions> found;
  if (requested.empty() && !consumer.topics_pattern.empty()) {
    TG_ASSIGN_OR_RETURN(found, AskPattern(rk, shared, serve));
  } else {
    for (const std::string& name : requested.empty() ? consumer.topics : requested) {
      TG_ASSIGN_OR_RETURN(TopicPartitions entry, AskOne(rk, shared, name, serve));
      found.push_back(std::move(entry));
    }
  }
  shared->monitor->Alive();
  std::size_t partitions = 0;
  for (const TopicPartitions& entry : found) {
    partitions += static_cast<std::size_t>(entry.partitions);
  }
  if (partitions > kPartitionsMax) {
    return MakeError(ErrorClass::kOverloaded, "read kafka topics: more than 10000 partitions");
  }
  return found;
}

Status QueryRanges(rd_kafka_t* rk, const SharedPtr& shared, std::vector<PartitionRange>& ranges) {
  if (ranges.empty()) return OkStatus();
  TG_RETURN_IF_ERROR(
      QueryLogical(rk, shared, RD_KAFKA_OFFSET_BEGINNING, ranges, &PartitionRange::low));
  return QueryLogical(rk, shared, RD_KAFKA_OFFSET_END, ranges, &PartitionRange::high);
}

StatusOr<std::vector<std::int64_t>> ChooseStarts(const SourceSpec& spec, Reset reset,
                                                 const std::vector<PartitionRange>& ranges) {
  std::vector<std::int64_t> starts;
  if (spec.start == Start::kPosition) {
    for (const Position::Entry& entry : spec.position.entries()) {
      const bool ours = std::any_of(ranges.begin(), ranges.end(), [&](const PartitionRange& range) {
        return range.topic == entry.topic && range.partition == entry.partition;
      });
      if (!ours) {
        return WithReason(MakeError(ErrorClass::kPositionUnavailable,
                                    "read kafka: the position names a partition that is not there"),
                          "POSITION_FOREIGN");
      }
    }
  }
  for (const PartitionRange& range : ranges) {
    const Position::Entry* entry = spec.start == Start::kPosition
                                       ? spec.position.Find(range.topic, range.partition)
                                       : nullptr;
    if (spec.start == Start::kLatest) {
      starts.push_back(range.high);
    } else if (entry == nullptr) {
      TG_ASSIGN_OR_RETURN(const std::int64_t start, ResetOf(reset, range));
      starts.push_back(start);
    } else if (entry->offset < 0) {
      starts.push_back(range.low);
    } else if (entry->offset + 1 < range.low || entry->offset + 1 > range.high) {
      return MakeError(ErrorClass::kPositionUnavailable,
                       "read " + NameOf(range) + ": the position is outside the log");
    } else {
      starts.push_back(entry->offset + 1);
    }
  }
  return starts;
}

}  // namespace tidegate::kafka
