#include "connectors/api/position.h"

#include <algorithm>
#include <limits>

#include "server/base/limits.h"
#include "server/base/strings.h"

namespace tidegate::connectors {
namespace {

Status Malformed(std::string_view rule) {
  return WithReason(InvalidArgument("position is malformed: " + std::string(rule)),
                    "CURSOR_MALFORMED");
}

bool IsTopic(std::string_view topic) {
  if (topic.empty() || topic.size() > 249) return false;
  return std::all_of(topic.begin(), topic.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
  });
}

// Decimal without leading zeros; -1 only where `allow_minus_one`.
bool ParseNumber(std::string_view text, std::int64_t max, std::int64_t& out) {
  if (text == "-1") {
    out = -1;
    return true;
  }
  if (text.size() > 1 && text[0] == '0') return false;
  const auto value = ParseUint(text);
  if (!value || *value > static_cast<std::uint64_t>(max)) return false;
  out = static_cast<std::int64_t>(*value);
  return true;
}

bool Less(const Position::Entry& entry, std::string_view topic, std::int32_t partition) {
  const int order = std::string_view(entry.topic).compare(topic);
  return order != 0 ? order < 0 : entry.partition < partition;
}

}  // namespace

StatusOr<Position> Position::Parse(std::string_view text) {
  constexpr auto kOffsetMax = std::numeric_limits<std::int64_t>::max() - 1;
  Position position;
  if (text.empty()) return Malformed("it is empty");
  if (text.size() > kPositionBytesMax) return Malformed("it is longer than 4096 bytes");
  std::int64_t counter = 0;
  if (ParseNumber(text, kOffsetMax, counter)) {
    position.Set("", 0, counter);
    return position;
  }
  for (std::string_view part : Split(text, ';')) {
    const std::size_t at = part.find('@');
    if (at == std::string_view::npos) return Malformed("a topic is followed by @");
    const std::string_view topic = part.substr(0, at);
    if (!IsTopic(topic)) return Malformed("a topic has a character that topics cannot have");
    for (std::string_view pair : Split(part.substr(at + 1), ',')) {
      const std::size_t hash = pair.find('#');
      if (hash == std::string_view::npos) return Malformed("a partition is followed by #");
      std::int64_t partition = 0;
      std::int64_t offset = 0;
      constexpr auto kPartitionMax = std::numeric_limits<std::int32_t>::max();
      if (!ParseNumber(pair.substr(0, hash), kPartitionMax, partition) || partition < 0) {
        return Malformed("a partition is a whole number");
      }
      if (!ParseNumber(pair.substr(hash + 1), kOffsetMax, offset)) {
        return Malformed("an offset is a whole number");
      }
      if (position.Find(topic, static_cast<std::int32_t>(partition)) != nullptr) {
        return Malformed("a partition is named twice");
      }
      position.Set(topic, static_cast<std::int32_t>(partition), offset);
    }
  }
  return position;
}

void Position::AppendTo(std::string& out) const {
  const Entry* previous = nullptr;
  for (const Entry& entry : entries_) {
    if (entry.topic.empty()) {
      out += std::to_string(entry.offset);
      return;
    }
    if (previous != nullptr && previous->topic == entry.topic) {
      out += ',';
    } else {
      if (previous != nullptr) out += ';';
      out += entry.topic;
      out += '@';
    }
    out += std::to_string(entry.partition);
    out += '#';
    out += std::to_string(entry.offset);
    previous = &entry;
  }
}

std::string Position::Format() const {
  std::string out;
  AppendTo(out);
  return out;
}

void Position::Set(std::string_view topic, std::int32_t partition, std::int64_t offset) {
  auto it = std::lower_bound(
      entries_.begin(), entries_.end(), 0,
      [&](const Entry& entry, int) { return Less(entry, topic, partition); });
  if (it != entries_.end() && it->partition == partition && it->topic == topic) {
    it->offset = offset;
    return;
  }
  Entry entry;
  entry.topic = std::string(topic);
  entry.partition = partition;
  entry.offset = offset;
  entries_.insert(it, std::move(entry));
}

const Position::Entry* Position::Find(std::string_view topic, std::int32_t partition) const {
  auto it = std::lower_bound(
      entries_.begin(), entries_.end(), 0,
      [&](const Entry& entry, int) { return Less(entry, topic, partition); });
  if (it == entries_.end() || it->partition != partition || it->topic != topic) return nullptr;
  return &*it;
}

bool Position::Covers(const Position& other) const {
  return std::all_of(other.entries_.begin(), other.entries_.end(), [&](const Entry& entry) {
    const Entry* mine = Find(entry.topic, entry.partition);
    return mine != nullptr && mine->offset >= entry.offset;
  });
}

}  // namespace tidegate::connectors
