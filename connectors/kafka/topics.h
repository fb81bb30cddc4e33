// Look-ups that wait for brokers: which topics and partitions there are, where their logs begin and
// end, whether a position can be honoured. Runs on the control thread only.
//
// Fails: with the class of the library's error; DestinationMissing when a topic that must exist
// does not; PositionUnavailable when a position lies outside the log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "connectors/api/position.h"
#include "connectors/api/source.h"
#include "connectors/kafka/client.h"

namespace tidegate::kafka {

struct TopicPartitions {
  std::string topic;
  std::int32_t partitions = 0;  // 0: the topic does not exist
};

struct PartitionRange {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t low = 0;   // the first offset that exists
  std::int64_t high = 0;  // one past the last
};

// Whether the look-up serves the errors of the handle meanwhile. Not where they share a queue with
// rebalances (a group's member), which belong to its worker.
enum class Serve : std::uint8_t { kNo, kYes };

// What a source reads: the topics of the request, else the configured ones or those that match the
// pattern. A missing topic is in the result with 0 partitions.
StatusOr<std::vector<TopicPartitions>> FindTopics(rd_kafka_t* rk, const SharedPtr& shared,
                                                  const std::vector<std::string>& requested,
                                                  Serve serve = Serve::kYes);

// Fills low and high of every entry. A leader that is not ready yet is asked again, for at most
// kQueryTimeout each; what is refused for good is told at once.
Status QueryRanges(rd_kafka_t* rk, const SharedPtr& shared, std::vector<PartitionRange>& ranges);

// Where each range is read from (first offset to deliver), by the rules of connectors::Start.
StatusOr<std::vector<std::int64_t>> ChooseStarts(const connectors::SourceSpec& spec, Reset reset,
                                                 const std::vector<PartitionRange>& ranges);

}  // namespace tidegate::kafka
