// The small texts of the file format: durations, sizes, periods, words.
//
// Parsers take what a person writes and give a value or a text that says what is expected.
// Printers write the shortest form that reads back as the same value.
// Thread: pure functions. Fails: by false and an error text that does not repeat the input, but for
// bare numbers, where the two likeliest readings are offered.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidegate::config {

struct DurationValue {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
};
// What `never` is kept as: the largest google.protobuf.Duration.
inline constexpr std::int64_t kNeverSeconds = 315'576'000'000;

bool ParseDuration(std::string_view text, bool allow_never, DurationValue* out,
                   std::string* error);
std::string PrintDuration(DurationValue value);

bool ParseSize(std::string_view text, std::int64_t* out, std::string* error);
std::string PrintSize(std::int64_t bytes);

struct PeriodValue {
  std::int32_t count = 0;
  std::int32_t unit = 0;  // tidegate.config.v1.PeriodUnit
};
bool ParsePeriod(std::string_view text, PeriodValue* out, std::string* error);
std::string PrintPeriod(PeriodValue value);

// Words compare without case, `-` and `_`: at-least-once = AT_LEAST_ONCE = atLeastOnce.
std::string FoldWord(std::string_view word);
// AT_LEAST_ONCE -> at-least-once.
std::string KebabOfUpper(std::string_view upper_snake);
// weightedRoundRobin -> weighted-round-robin.
std::string KebabOfCamel(std::string_view camel);

}  // namespace tidegate::config
