// What a group member commits, and how far it is behind.
#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "connectors/kafka/error_map.h"
#include "connectors/kafka/group_core.h"
#include "server/base/limits.h"

namespace tidegate::kafka {
namespace {

constexpr auto kHandOverWait = std::chrono::seconds(10);  // a commit that hand-over waits for

// The assignment has changed: somebody else delivers what was not committed.
bool IsGenerationError(int code) {
  return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
         code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
         code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
         code == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST || code == RD_KAFKA_RESP_ERR__STATE;
}

}  // namespace

std::uint64_t GroupCore::Commit() {
  if (!Commits() || closed_) return 0;
  rd_kafka_topic_partition_list_t* list = nullptr;
  for (const LanePtr& lane : lanes_) {
    if (!lane->window.dirty()) continue;
    if (list == nullptr) list = rd_kafka_topic_partition_list_new(8);
    rd_kafka_topic_partition_list_add(list, lane->topic.c_str(), lane->partition)->offset =
        lane->window.commit_offset();
  }
  if (list == nullptr) return 0;
  const std::uint64_t number = commits_ + 1;
  const rd_kafka_resp_err_t code = rd_kafka_commit_queue(
      handles_->rk(), list, handles_->commits(), nullptr,
      reinterpret_cast<void*>(number));  // NOLINT: a number in pointer bits
  rd_kafka_topic_partition_list_destroy(list);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    shared_->monitor->Failed(code, "commit offsets");
    return 0;
  }
  return commits_ = number;
}

Task<int> GroupCore::CommitAndWait(TimePoint deadline) {
  const auto self = shared_from_this();
  const std::uint64_t number = Commit();
  if (number == 0) co_return RD_KAFKA_RESP_ERR_NO_ERROR;
  auto wait = std::make_shared<CommitWait>();
  waits_[number] = wait;
  co_await wait->parking.Wait(worker_.wheel(), deadline);
  waits_.erase(number);
  co_return wait->done ? wait->code : RD_KAFKA_RESP_ERR__TIMED_OUT;
}

std::vector<std::uint32_t> GroupCore::DirtyLanes() const {
  std::vector<std::uint32_t> dirty;
  for (const LanePtr& lane : lanes_) {
    if (lane->window.dirty()) dirty.push_back(lane->number);
  }
  return dirty;
}

bool GroupCore::HasLanes(const std::vector<std::uint32_t>& numbers) const {
  return std::all_of(numbers.begin(), numbers.end(), [this](std::uint32_t number) {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [number](const LanePtr& lane) { return lane->number == number; });
  });
}

// That nothing is left to commit is no commit: it could not be sent, or its partition went in the
// meantime.
Task<Status> GroupCore::CommitBeforeHandOver() {
  const auto self = shared_from_this();
  const TimePoint deadline = Clock::now() + kHandOverWait;
  const std::vector<std::uint32_t> handed = DirtyLanes();
  while (true) {
    int code = co_await CommitAndWait(deadline);
    if (!HasLanes(handed)) code = RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && DirtyLanes().empty()) co_return OkStatus();
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    const ErrorClass error_class = ClassOfCode(code, true);
    if (closed_ || IsGenerationError(code)) {
      co_return MakeError(ErrorClass::kConnectionClosed, "commit kafka offsets: reassigned");
    }
    if (error_class == ErrorClass::kNotAuthorized || Clock::now() >= deadline) {
      failed_ = ErrorOf(code, "commit kafka offsets", "", false);
      co_return failed_;
    }
    co_await worker_.wheel().Sleep(2 * kWheelTick);
  }
}

void GroupCore::TakeCommits() {
  while (rd_kafka_event_t* event = rd_kafka_queue_poll(handles_->commits(), 0)) {
    const int code = rd_kafka_event_error(event);
    const auto number = reinterpret_cast<std::uint64_t>(rd_kafka_event_opaque(event));
    const rd_kafka_topic_partition_list_t* list = rd_kafka_event_topic_partition_list(event);
    int worst = code;  // of one partition the event itself does not tell
    for (int i = 0; list != nullptr && i < list->cnt; ++i) {
      const rd_kafka_topic_partition_t& entry = list->elems[i];
      if (worst == RD_KAFKA_RESP_ERR_NO_ERROR) worst = entry.err;
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR || entry.err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
      for (const LanePtr& lane : lanes_) {
        if (lane->partition == entry.partition && lane->topic == entry.topic) {
          lane->window.Committed(entry.offset);
        }
      }
    }
    rd_kafka_event_destroy(event);
    commits_answered_ = std::max(commits_answered_, number);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      shared_->monitor->Failed(code, rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code)));
    }
    const auto wait = waits_.find(number);
    if (wait == waits_.end()) continue;
    const auto kept = wait->second;
    kept->code = worst;
    kept->done = true;
    kept->parking.Wake();
    if (closed_ && !bridge_) return;
  }
}

void GroupCore::ShowLag() {
  std::map<std::string, Monitor::TopicLag> behind;
  for (const LanePtr& lane : lanes_) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    const std::int64_t next = lane->window.commit_offset();
    Monitor::TopicLag& lag = behind[lane->topic];
    lag.topic = lane->topic;
    if (next < 0 || rd_kafka_get_watermark_offsets(handles_->rk(), lane->topic.c_str(),
                                                   lane->partition, &low, &high) !=
                        RD_KAFKA_RESP_ERR_NO_ERROR) {
      continue;
    }
    lag.Add(std::max<std::int64_t>(0, high - next));
  }
  std::vector<Monitor::TopicLag> lag;
  for (auto& entry : behind) lag.push_back(std::move(entry.second));
  shared_->monitor->SetLag(this, std::move(lag));
}

}  // namespace tidegate::kafka
