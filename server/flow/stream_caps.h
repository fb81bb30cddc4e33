// How many streams one subscription and one client address hold, over all workers.
//
// Thread: any; one short lock per opened stream, of one of several shards, none per message.
// Owner: DataPlane; it outlives every place. Fails: Enter by false, counting nothing.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tidegate::flow {

class StreamCaps {
 public:
  StreamCaps(std::uint32_t per_subscription, std::uint32_t per_address)
      : per_subscription_(per_subscription), per_address_(per_address) {}

  // `subscription` with its API, empty for none. False: one of the two has all it may have.
  bool Enter(const std::string& subscription, const std::string& address);
  // Of an Enter that returned true.
  void Leave(const std::string& subscription, const std::string& address);

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::uint32_t> open;
  };
  static constexpr std::size_t kShards = 16;

  bool Add(const std::string& key, std::uint32_t most);
  void Remove(const std::string& key);
  Shard& ShardOf(const std::string& key);

  const std::uint32_t per_subscription_;
  const std::uint32_t per_address_;
  std::array<Shard, kShards> shards_;
};

}  // namespace tidegate::flow
