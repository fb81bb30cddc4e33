#include "connectors/kafka/each_handles.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "connectors/kafka/error_map.h"
#include "server/base/check.h"

namespace tidegate::kafka {

using connectors::SourceSpec;

StatusOr<std::shared_ptr<EachHandles>> EachHandles::Open(SharedPtr shared, ClientPtr client,
                                                         const SourceSpec& spec, Found& found) {
  if (!client) {
    ConfSpec conf;
    conf.role = Role::kEach;
    TG_ASSIGN_OR_RETURN(client, Client::Make(shared, conf));
  }
  auto handles = std::make_shared<EachHandles>(shared, client);
  handles->queue_ = rd_kafka_queue_new(client->rk());
  handles->main_queue_ = rd_kafka_queue_get_main(client->rk());
  TG_ASSIGN_OR_RETURN(std::vector<PartitionRange> ranges,
                      handles->FindNew(spec.topics, found.missing));
  const KafkaConfig::Consumer& consumer = shared->config.consumer;
  if (!found.missing.empty() && consumer.check_topic_existence) {
    return MakeError(ErrorClass::kDestinationMissing,
                     "read kafka topic " + found.missing.front() + ": it does not exist");
  }
  TG_RETURN_IF_ERROR(QueryRanges(client->rk(), shared, ranges));
  TG_ASSIGN_OR_RETURN(const std::vector<std::int64_t> starts,
                      ChooseStarts(spec, consumer.reset, ranges));
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    Started part;
    part.range = std::move(ranges[i]);
    part.start = starts[i];
    found.started.push_back(std::move(part));
  }
  TG_RETURN_IF_ERROR(handles->Start(found.started));
  return handles;
}

EachHandles::~EachHandles() {
  if (shut_) return;
  // Dropped without Shut (an open that came too late): stopping may wait, so it is a job too.
  auto rest = std::make_shared<EachHandles>(shared_, client_);
  rest->queue_ = queue_;
  rest->main_queue_ = main_queue_;
  rest->topics_ = std::move(topics_);
  shared_->threads.Post([rest] { rest->Shut(); }, kDestroyDeadline);
}

StatusOr<std::vector<PartitionRange>> EachHandles::FindNew(
    const std::vector<std::string>& requested, std::vector<std::string>& missing) {
  TG_ASSIGN_OR_RETURN(const std::vector<TopicPartitions> topics,
                      FindTopics(rk(), shared_, requested));
  std::lock_guard lock(mutex_);
  std::vector<PartitionRange> ranges;
  for (const TopicPartitions& topic : topics) {
    if (topic.partitions == 0) missing.push_back(topic.topic);
    const auto known = std::find_if(topics_.begin(), topics_.end(), [&](const Topic& entry) {
      return entry.name == topic.topic;
    });
    const std::int32_t first = known == topics_.end() ? 0 : known->partitions;
    for (std::int32_t i = first; i < topic.partitions; ++i) {
      PartitionRange range;
      range.topic = topic.topic;
      range.partition = i;
      ranges.push_back(std::move(range));
    }
  }
  return ranges;
}

Status EachHandles::Start(const std::vector<Started>& parts) {
  std::lock_guard lock(mutex_);
  if (shut_) return Cancelled("read kafka: closed");
  for (const Started& part : parts) {
    auto topic = std::find_if(topics_.begin(), topics_.end(), [&](const Topic& entry) {
      return entry.name == part.range.topic;
    });
    if (topic == topics_.end()) {
      Topic entry;
      entry.name = part.range.topic;
      entry.handle = rd_kafka_topic_new(rk(), entry.name.c_str(), nullptr);
      if (entry.handle == nullptr) {
        return MakeError(ErrorClass::kConfigInvalid, "read kafka topic: the name is refused");
      }
      topic = topics_.insert(topics_.end(), std::move(entry));
    }
    if (part.range.partition != topic->partitions) continue;  // another look-up was faster
    if (rd_kafka_consume_start_queue(topic->handle, part.range.partition, part.start, queue_) !=
        0) {
      return ErrorOf(rd_kafka_last_error(), "read kafka topic", topic->name, true);
    }
    ++topic->partitions;
  }
  return OkStatus();
}

StatusOr<Found> EachHandles::LookAgain(const std::vector<std::string>& requested) {
  Found found;
  TG_ASSIGN_OR_RETURN(std::vector<PartitionRange> ranges, FindNew(requested, found.missing));
  TG_RETURN_IF_ERROR(QueryRanges(rk(), shared_, ranges));
  for (PartitionRange& range : ranges) {
    Started part;
    part.start = range.low;  // everything in it came after the reader began
    part.range = std::move(range);
    found.started.push_back(std::move(part));
  }
  TG_RETURN_IF_ERROR(Start(found.started));
  return found;
}

void EachHandles::Shut() {
  std::lock_guard lock(mutex_);
  if (shut_) return;
  shut_ = true;
  for (const Topic& topic : topics_) {
    for (std::int32_t i = 0; i < topic.partitions; ++i) rd_kafka_consume_stop(topic.handle, i);
  }
  // What is still queued refers to the partitions: freed first.
  while (rd_kafka_message_t* record = rd_kafka_consume_queue(queue_, 0)) {
    rd_kafka_message_destroy(record);
  }
  for (const Topic& topic : topics_) rd_kafka_topic_destroy(topic.handle);
  topics_.clear();
  rd_kafka_queue_destroy(queue_);
  rd_kafka_queue_destroy(main_queue_);
}

}  // namespace tidegate::kafka
