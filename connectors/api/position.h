// Where a reader stands: for every partition of every topic the offset of the last message seen.
//
// The text form is `orders@0#5,1#9;returns@2#1` (partitions by comma, topics by semicolon, both
// sorted) and is exclusive: reading goes on after it. Partitions that are not named have no offset.
// A connector with a single counter (mock) uses one entry with an empty topic, written as `5`.
// Thread: a value. Fails: Parse refuses anything but the exact form, InvalidArgument, reason
// CURSOR_MALFORMED, at most kPositionBytesMax bytes.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/status.h"

namespace tidegate::connectors {

class Position {
 public:
  struct Entry {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = -1;  // last seen; -1: from the first message of the partition
    bool operator==(const Entry&) const = default;
  };

  static StatusOr<Position> Parse(std::string_view text);
  std::string Format() const;
  void AppendTo(std::string& out) const;

  void Set(std::string_view topic, std::int32_t partition, std::int64_t offset);
  // nullptr when the partition is not named.
  const Entry* Find(std::string_view topic, std::int32_t partition) const;
  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

  // Every entry of `other` is named here with an offset at least as high.
  bool Covers(const Position& other) const;
  bool operator==(const Position&) const = default;

 private:
  std::vector<Entry> entries_;  // sorted by topic, partition
};

}  // namespace tidegate::connectors
