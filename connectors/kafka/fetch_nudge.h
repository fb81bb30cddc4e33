// Makes the library ask the broker again as soon as a reader has emptied its queue.
//
// librdkafka 2.0.2 stops fetching when that queue has reached its bound, and looks again only when
// its broker thread wakes for another reason: up to a second later (its issue 2879;
// fetch.queue.backoff.ms came with 2.2). A backlog was read in bursts of one queue a second. Any
// request wakes the thread; asking for the end of a partition is the cheapest that the API has.
//
// Thread: the reader's worker; the question is asked on the client threads. Owner: the reader.
// Fails: never; without a nudge the library wakes by itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connectors/kafka/client.h"

namespace tidegate::kafka {

class FetchNudge {
 public:
  // A record was taken from the queue. `topic` is copied.
  void Took(const std::string& topic, std::int32_t partition, std::size_t bytes);
  // The queue is empty. Whether enough came since the last time that it may have been full.
  bool Due() const { return bytes_ >= kAfterBytes && !*asking_; }
  // Asks the brokers that records came from.
  void Ask(const SharedPtr& shared, ClientPtr client);

 private:
  static constexpr std::size_t kAfterBytes = 512 * 1024;  // a question for this many
  static constexpr std::size_t kPartitions = 16;          // asked about at once
  struct Part {
    std::string topic;
    std::int32_t partition = -1;
  };

  std::size_t bytes_ = 0;
  std::vector<Part> parts_;  // that records came from since the last question
  std::shared_ptr<std::atomic<bool>> asking_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace tidegate::kafka
