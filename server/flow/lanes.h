// Positions as arrays: a reader of *each* numbers the partitions it meets (lanes), and everything
// per message compares and stores integers instead of topic names.
//
// Thread: LaneTable and LaneCache belong to the reader's home worker; LaneNames is immutable.
// Owner: EachReader. Fails: never.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "connectors/api/message.h"
#include "connectors/api/position.h"

namespace tidegate::flow {

// The last offset seen, by lane. A lane beyond the end was found after this was written, so its
// partition is new: it is read from its first message.
using Offsets = std::vector<std::int64_t>;
inline constexpr std::int64_t kFromStart = -1;
inline constexpr std::int64_t kUnnamed = std::numeric_limits<std::int64_t>::min();

inline std::int64_t At(const Offsets& offsets, std::size_t lane) {
  return lane < offsets.size() ? offsets[lane] : kFromStart;
}
inline void SetAt(Offsets& offsets, std::size_t lane, std::int64_t offset) {
  if (lane >= offsets.size()) offsets.resize(lane + 1, kFromStart);
  offsets[lane] = offset;
}

bool IsComplete(const Offsets& offsets);                          // no lane is kUnnamed
bool CoversAll(const Offsets& offsets, const Offsets& other);     // at least as far in every lane
std::size_t LanesAhead(const Offsets& offsets, const Offsets& of);  // lanes farther than `of`
std::int64_t Distance(const Offsets& from, const Offsets& to);    // messages, over all lanes

struct LaneName {
  std::string topic;
  std::int32_t partition = 0;
};
using LaneNames = std::vector<LaneName>;
using LaneNamesPtr = std::shared_ptr<const LaneNames>;

connectors::Position ToPosition(const LaneNames& names, const Offsets& offsets);

class LaneTable {
 public:
  std::uint32_t LaneOf(std::string_view topic, std::int32_t partition);
  std::size_t size() const { return names_.size(); }
  const LaneNames& names() const { return names_; }
  // For other workers; made anew only after the table has grown.
  const LaneNamesPtr& shared();
  // Lanes that `position` does not name are kUnnamed. A client's position never adds a lane: what
  // it names beyond the table is counted in `unknown`.
  Offsets FromPosition(const connectors::Position& position, std::size_t& unknown) const;
  // A source's own account adds what it names.
  Offsets FromSource(const connectors::Position& position);

 private:
  LaneNames names_;
  std::map<std::pair<std::string, std::int32_t>, std::uint32_t> index_;
  LaneNamesPtr shared_;
};

// Finds a message's lane without comparing text: topic names are interned by their source.
class LaneCache {
 public:
  std::uint32_t LaneOf(LaneTable& table, const connectors::Message& message);

 private:
  struct Key {
    const char* topic = nullptr;
    std::int32_t partition = -1;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<const void*>()(key.topic) * 31 + static_cast<std::size_t>(key.partition);
    }
  };
  Key last_;
  std::uint32_t last_lane_ = 0;
  std::unordered_map<Key, std::uint32_t, Hash> known_;
};

}  // namespace tidegate::flow
