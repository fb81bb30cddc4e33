#include "connectors/kafka/group_handles.h"

#include <librdkafka/rdkafka.h>

#include <memory>

#include "connectors/kafka/error_map.h"
#include "connectors/kafka/topics.h"
#include "server/base/log.h"

namespace tidegate::kafka {
namespace {

struct ListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using ListPtr = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;

ListPtr ListOf(const std::vector<GroupPartition>& partitions) {
  ListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const GroupPartition& entry : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), entry.topic.c_str(), entry.partition)->offset =
        entry.offset;
  }
  return list;
}

bool IsCooperative(rd_kafka_t* rk) {
  const char* protocol = rd_kafka_rebalance_protocol(rk);
  return protocol != nullptr && std::string_view(protocol) == "COOPERATIVE";
}

void Note(const char* event, const Monitor& monitor, rd_kafka_error_t* error) {
  if (error == nullptr) return;
  Log(LogLevel::kWarn, event,
      {{"api", monitor.api()}, {"endpoint", monitor.endpoint()},
       {"cause", rd_kafka_error_string(error)}});
  rd_kafka_error_destroy(error);
}

std::vector<std::string> NamesOf(const std::vector<TopicPartitions>& topics) {
  std::vector<std::string> names;
  for (const TopicPartitions& topic : topics) names.push_back(topic.topic);
  return names;
}

}  // namespace

GroupHandles::GroupHandles(SharedPtr shared, Listener& listener)
    : shared_(std::move(shared)), listener_(listener) {}

StatusOr<std::shared_ptr<GroupHandles>> GroupHandles::Join(SharedPtr shared,
                                                           const connectors::SourceSpec& spec,
                                                           Listener& listener) {
  auto handles = std::make_shared<GroupHandles>(shared, listener);
  ConfSpec conf;
  conf.role = Role::kGroup;
  conf.group = spec.group;
  conf.reset = shared->config.consumer.reset;
  conf.latest = spec.start == connectors::Start::kLatest;
  TG_ASSIGN_OR_RETURN(handles->client_,
                      Client::Make(shared, conf, &GroupHandles::OnRebalance, handles.get()));
  // One round trip before the join: says at once when nobody is there.
  TG_ASSIGN_OR_RETURN(const std::vector<TopicPartitions> topics,
                      FindTopics(handles->rk(), shared, spec.topics));
  for (const TopicPartitions& topic : topics) {
    if (topic.partitions > 0 || !shared->config.consumer.check_topic_existence) continue;
    return MakeError(ErrorClass::kDestinationMissing,
                     "read kafka topic " + topic.topic + ": it does not exist");
  }
  rd_kafka_poll_set_consumer(handles->rk());
  handles->membership_ = rd_kafka_queue_get_consumer(handles->rk());
  handles->records_ = rd_kafka_queue_new(handles->rk());
  handles->commits_ = rd_kafka_queue_new(handles->rk());
  handles->requested_ = spec.topics;
  handles->Subscribe(NamesOf(topics));
  return handles;
}

void GroupHandles::Subscribe(const std::vector<std::string>& topics) {
  std::vector<GroupPartition> partitions;
  for (const std::string& topic : topics) {
    GroupPartition entry;
    entry.topic = topic;
    entry.partition = -1;
    partitions.push_back(std::move(entry));
  }
  const ListPtr list = ListOf(partitions);
  const rd_kafka_resp_err_t code = rd_kafka_subscribe(rk(), list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) shared_->monitor->Failed(code, rd_kafka_err2str(code));
  subscribed_ = topics;
}

void GroupHandles::LookAgain() {
  if (leaving_ || !requested_.empty() || shared_->config.consumer.topics_pattern.empty()) return;
  const auto topics = FindTopics(rk(), shared_, requested_, Serve::kNo);
  if (!topics.ok() || topics->empty()) return;
  const std::vector<std::string> names = NamesOf(*topics);
  if (names != subscribed_) Subscribe(names);
}

void GroupHandles::Assign(const std::vector<GroupPartition>& partitions) {
  if (leaving_) return;
  for (const GroupPartition& entry : partitions) {
    // Records go to a queue of their own, so that rebalances are served while nobody reads.
    rd_kafka_queue_t* queue =
        rd_kafka_queue_get_partition(rk(), entry.topic.c_str(), entry.partition);
    if (queue == nullptr) continue;
    rd_kafka_queue_forward(queue, records_);
    rd_kafka_queue_destroy(queue);
  }
  const ListPtr list = ListOf(partitions);
  if (IsCooperative(rk())) {
    Note("kafka.assign_failed", *shared_->monitor, rd_kafka_incremental_assign(rk(), list.get()));
  } else {
    rd_kafka_assign(rk(), list.get());
  }
}

void GroupHandles::Unassign(const std::vector<GroupPartition>& partitions) {
  if (leaving_) return;
  if (IsCooperative(rk())) {
    const ListPtr list = ListOf(partitions);
    Note("kafka.unassign_failed", *shared_->monitor,
         rd_kafka_incremental_unassign(rk(), list.get()));
  } else {
    rd_kafka_assign(rk(), nullptr);
  }
}

void GroupHandles::OnRebalance(rd_kafka_t* rk, int code, rd_kafka_topic_partition_list_t* list,
                               void* target) {
  auto* self = static_cast<GroupHandles*>(target);
  const bool assigned = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  if (self->leaving_) {
    // Served by Leave on the control thread: nothing is waited for any more.
    if (IsCooperative(rk)) {
      rd_kafka_error_t* error = assigned ? rd_kafka_incremental_assign(rk, list)
                                         : rd_kafka_incremental_unassign(rk, list);
      if (error != nullptr) rd_kafka_error_destroy(error);
    } else {
      rd_kafka_assign(rk, nullptr);
    }
    return;
  }
  std::vector<GroupPartition> partitions;
  for (int i = 0; i < list->cnt; ++i) {
    GroupPartition entry;
    entry.topic = list->elems[i].topic;
    entry.partition = list->elems[i].partition;
    entry.offset = list->elems[i].offset;
    partitions.push_back(std::move(entry));
  }
  if (assigned) {
    self->listener_.OnAssigned(std::move(partitions));
  } else {
    self->listener_.OnRevoked(std::move(partitions), rd_kafka_assignment_lost(rk) != 0);
  }
}

void GroupHandles::Leave() {
  if (leaving_.exchange(true)) return;
  // Records that are still queued refer to their partitions: freed first.
  while (rd_kafka_message_t* record = rd_kafka_consume_queue(records_, 0)) {
    rd_kafka_message_destroy(record);
  }
  rd_kafka_queue_destroy(membership_);
  rd_kafka_consumer_close(rk());
  while (rd_kafka_message_t* record = rd_kafka_consume_queue(records_, 0)) {
    rd_kafka_message_destroy(record);
  }
  rd_kafka_queue_destroy(records_);
  rd_kafka_queue_destroy(commits_);
}

}  // namespace tidegate::kafka
