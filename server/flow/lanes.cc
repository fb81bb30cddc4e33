#include "server/flow/lanes.h"

#include <algorithm>

namespace tidegate::flow {

bool IsComplete(const Offsets& offsets) {
  return std::find(offsets.begin(), offsets.end(), kUnnamed) == offsets.end();
}

bool CoversAll(const Offsets& offsets, const Offsets& other) {
  for (std::size_t lane = 0; lane < other.size(); ++lane) {
    if (At(offsets, lane) < other[lane]) return false;
  }
  for (std::size_t lane = other.size(); lane < offsets.size(); ++lane) {
    if (offsets[lane] < kFromStart) return false;
  }
  return true;
}

std::size_t LanesAhead(const Offsets& offsets, const Offsets& of) {
  std::size_t count = 0;
  for (std::size_t lane = 0; lane < offsets.size(); ++lane) {
    if (offsets[lane] > At(of, lane)) ++count;
  }
  return count;
}

std::int64_t Distance(const Offsets& from, const Offsets& to) {
  std::int64_t sum = 0;
  const std::size_t lanes = std::max(from.size(), to.size());
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (At(from, lane) == kUnnamed || At(to, lane) == kUnnamed) continue;
    sum += At(to, lane) - At(from, lane);
  }
  return sum;
}

connectors::Position ToPosition(const LaneNames& names, const Offsets& offsets) {
  connectors::Position position;
  const std::size_t lanes = std::min(names.size(), offsets.size());
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (offsets[lane] == kUnnamed) continue;
    position.Set(names[lane].topic, names[lane].partition, offsets[lane]);
  }
  return position;
}

std::uint32_t LaneTable::LaneOf(std::string_view topic, std::int32_t partition) {
  const auto next = static_cast<std::uint32_t>(names_.size());
  const auto [it, added] = index_.try_emplace({std::string(topic), partition}, next);
  if (added) {
    LaneName name;
    name.topic = std::string(topic);
    name.partition = partition;
    names_.push_back(std::move(name));
    shared_.reset();
  }
  return it->second;
}

const LaneNamesPtr& LaneTable::shared() {
  if (!shared_) shared_ = std::make_shared<const LaneNames>(names_);
  return shared_;
}

Offsets LaneTable::FromPosition(const connectors::Position& position,
                                std::size_t& unknown) const {
  Offsets offsets(names_.size(), kUnnamed);
  unknown = 0;
  for (const auto& entry : position.entries()) {
    const auto it = index_.find({entry.topic, entry.partition});
    if (it == index_.end()) {
      ++unknown;
    } else {
      offsets[it->second] = entry.offset;
    }
  }
  return offsets;
}

Offsets LaneTable::FromSource(const connectors::Position& position) {
  for (const auto& entry : position.entries()) LaneOf(entry.topic, entry.partition);
  std::size_t unknown = 0;
  return FromPosition(position, unknown);
}

std::uint32_t LaneCache::LaneOf(LaneTable& table, const connectors::Message& message) {
  Key key;
  key.topic = message.topic.data();
  key.partition = message.partition;
  if (key == last_) return last_lane_;
  const auto [it, added] = known_.try_emplace(key, 0);
  if (added) it->second = table.LaneOf(message.topic, message.partition);
  last_ = key;
  last_lane_ = it->second;
  return last_lane_;
}

}  // namespace tidegate::flow
