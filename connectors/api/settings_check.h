// What the readers of connectors' settings share: where violations go, how members of lists are
// named.
//
// Thread: one reader. Owner: the reader; the list of violations is its caller's.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::connectors {

struct Violation {
  std::string field;  // "producer.topics[1]"
  std::string rule;   // what is allowed, without the value
};

class SettingsCheck {
 public:
  explicit SettingsCheck(std::vector<Violation>& out) : out_(out) {}
  void Add(std::string field, std::string_view rule) {
    Violation violation;
    violation.field = std::move(field);
    violation.rule = std::string(rule);
    out_.push_back(std::move(violation));
  }

 private:
  std::vector<Violation>& out_;
};

// `producer.topics[3]`.
inline std::string At(std::string_view list, int index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

}  // namespace tidegate::connectors
