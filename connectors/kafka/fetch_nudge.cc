#include "connectors/kafka/fetch_nudge.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>

#include "connectors/kafka/client_thread.h"

namespace tidegate::kafka {
namespace {

constexpr int kAnswerMs = 500;

}  // namespace

void FetchNudge::Took(const std::string& topic, std::int32_t partition, std::size_t bytes) {
  bytes_ += bytes;
  const auto same = [&](const Part& part) {
    return part.partition == partition && part.topic == topic;
  };
  // Records of one partition come together: mostly it is the last one.
  if (!parts_.empty() && same(parts_.back())) return;
  if (parts_.size() >= kPartitions || std::any_of(parts_.begin(), parts_.end(), same)) return;
  Part& part = parts_.emplace_back();
  part.topic = topic;
  part.partition = partition;
}

void FetchNudge::Ask(const SharedPtr& shared, ClientPtr client) {
  bytes_ = 0;
  *asking_ = true;
  auto job = [client = std::move(client), parts = std::exchange(parts_, {}), asking = asking_] {
    for (const Part& part : parts) {
      std::int64_t low = 0;
      std::int64_t high = 0;
      // The answer is of no interest: the broker's thread is awake.
      (void)rd_kafka_query_watermark_offsets(client->rk(), part.topic.c_str(), part.partition,
                                             &low, &high, kAnswerMs);
    }
    *asking = false;
  };
  shared->threads.Post(std::move(job),
                       std::chrono::milliseconds(kAnswerMs * (static_cast<int>(kPartitions) + 1)));
}

}  // namespace tidegate::kafka
