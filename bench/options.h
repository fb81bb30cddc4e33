// Flags of the bench programs: `--name value`, any number of times.
//
// Thread: one. Fails: an unknown flag or a value that is no number ends the program with code 2.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::bench {

// Says why and ends the program: these are tools, nothing survives a failed measurement.
[[noreturn]] void Fail(const std::string& text, int code = 1);

class Options {
 public:
  // `known`: every flag that the program has.
  Options(int count, char** values, std::initializer_list<std::string_view> known);

  std::string Get(std::string_view name, std::string_view fallback) const;
  // As Get, but the flag is needed.
  std::string Need(std::string_view name) const;
  double Number(std::string_view name, double fallback) const;
  std::vector<std::string> All(std::string_view name) const;
  std::vector<int> Pids() const;

 private:
  const std::string* Find(std::string_view name) const;

  std::vector<std::pair<std::string, std::string>> flags_;
};

}  // namespace tidegate::bench
