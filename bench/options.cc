#include "bench/options.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace tidegate::bench {

void Fail(const std::string& text, int code) {
  std::fprintf(stderr, "bench: %s\n", text.c_str());
  std::exit(code);
}

Options::Options(int count, char** values, std::initializer_list<std::string_view> known) {
  for (int index = 0; index < count; index += 2) {
    const std::string_view flag = values[index];
    if (!flag.starts_with("--") ||
        std::find(known.begin(), known.end(), flag.substr(2)) == known.end()) {
      std::string text = "unknown flag " + std::string(flag) + "; there are:";
      for (const auto name : known) text += " --" + std::string(name);
      Fail(text, 2);
    }
    if (index + 1 == count) Fail(std::string(flag) + " needs a value", 2);
    flags_.emplace_back(flag.substr(2), values[index + 1]);
  }
}

const std::string* Options::Find(std::string_view name) const {
  const std::string* last = nullptr;  // the last one stands
  for (const auto& [flag, value] : flags_) {
    if (flag == name) last = &value;
  }
  return last;
}

std::string Options::Get(std::string_view name, std::string_view fallback) const {
  const std::string* value = Find(name);
  return value != nullptr ? *value : std::string(fallback);
}

std::string Options::Need(std::string_view name) const {
  const std::string* value = Find(name);
  if (value == nullptr) Fail("--" + std::string(name) + " is needed", 2);
  return *value;
}

double Options::Number(std::string_view name, double fallback) const {
  const std::string* value = Find(name);
  if (value == nullptr) return fallback;
  char* end = nullptr;
  const double number = std::strtod(value->c_str(), &end);
  if (end == value->c_str() || *end != '\0' || number < 0) {
    Fail("--" + std::string(name) + " needs a number", 2);
  }
  return number;
}

std::vector<std::string> Options::All(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [flag, value] : flags_) {
    if (flag == name) values.push_back(value);
  }
  return values;
}

std::vector<int> Options::Pids() const {
  std::vector<int> pids;
  for (const auto& value : All("pid")) {
    const int pid = std::atoi(value.c_str());
    if (pid <= 0) Fail("--pid needs a process id", 2);
    pids.push_back(pid);
  }
  return pids;
}

}  // namespace tidegate::bench
