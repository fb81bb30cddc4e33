#include "server/config/values.h"

#include <array>
#include <cctype>
#include <limits>

#include "server/base/strings.h"

namespace tidegate::config {
namespace {

constexpr std::string_view kDurationRule = "must be a duration such as 500ms, 5s, 10m, 24h or 7d";
constexpr std::string_view kSizeRule = "must be a size such as 512B, 64KiB or 1MiB";
constexpr std::string_view kPeriodRule = "must be a period such as 1s, 5m, 2h, 1d, 1w or 1mo";

struct Number {
  std::uint64_t whole = 0;
  std::uint32_t nanos = 0;  // the fraction, in billionths
  std::string_view unit;
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Splits `1.5s` into 1, 500000000 and "s". At most nine digits after the point.
bool SplitNumber(std::string_view text, Number* out) {
  std::size_t i = 0;
  while (i < text.size() && IsDigit(text[i])) ++i;
  const auto whole = ParseUint(text.substr(0, i));
  if (i == 0 || !whole) return false;
  out->whole = *whole;
  if (i < text.size() && text[i] == '.') {
    std::uint32_t scale = 100'000'000;
    const std::size_t start = ++i;
    for (; i < text.size() && IsDigit(text[i]); ++i) {
      if (i - start >= 9) return false;
      out->nanos += static_cast<std::uint32_t>(text[i] - '0') * scale;
      scale /= 10;
    }
    if (i == start) return false;
  }
  out->unit = text.substr(i);
  return true;
}

std::string TwoReadings(std::string_view text, std::string_view first, std::string_view second,
                        std::string_view rule) {
  std::string out = "a bare number has no unit; write " + std::string(text) + std::string(first);
  out += " or " + std::string(text) + std::string(second);
  return out + " (it " + std::string(rule) + ")";
}

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
constexpr std::int64_t kSecond = 1'000'000'000;
// Largest first, for the printer.
constexpr std::array<Unit, 5> kUnits = {{{"d", 86'400 * kSecond},
                                         {"h", 3'600 * kSecond},
                                         {"m", 60 * kSecond},
                                         {"s", kSecond},
                                         {"ms", 1'000'000}}};

}  // namespace

bool ParseDuration(std::string_view text, bool allow_never, DurationValue* out,
                   std::string* error) {
  if (text == "never" && allow_never) {
    *out = {kNeverSeconds, 0};
    return true;
  }
  Number number;
  if (!SplitNumber(text, &number)) {
    *error = std::string(kDurationRule) + (allow_never ? ", or never" : "");
    return false;
  }
  if (number.unit.empty()) {
    *error = TwoReadings(text, "s", "ms", kDurationRule);
    return false;
  }
  for (const Unit& unit : kUnits) {
    if (number.unit != unit.name) continue;
    using Wide = __int128;
    const Wide nanos = static_cast<Wide>(number.whole) * unit.nanos +
                       static_cast<Wide>(number.nanos) * unit.nanos / kSecond;
    if (nanos > static_cast<Wide>(kNeverSeconds) * kSecond) break;
    out->seconds = static_cast<std::int64_t>(nanos / kSecond);
    out->nanos = static_cast<std::int32_t>(nanos % kSecond);
    return true;
  }
  *error = std::string(kDurationRule) + (allow_never ? ", or never" : "");
  return false;
}

std::string PrintDuration(DurationValue value) {
  if (value.seconds == kNeverSeconds && value.nanos == 0) return "never";
  if (value.seconds == 0 && value.nanos == 0) return "0s";
  if (value.nanos % 1'000'000 != 0) {
    std::string fraction = std::to_string(1'000'000'000LL + value.nanos).substr(1);
    while (fraction.back() == '0') fraction.pop_back();
    return std::to_string(value.seconds) + "." + fraction + "s";
  }
  if (value.nanos != 0) {
    return std::to_string(value.seconds * 1000 + value.nanos / 1'000'000) + "ms";
  }
  for (const Unit& unit : kUnits) {
    const std::int64_t seconds = unit.nanos / kSecond;
    if (seconds > 0 && value.seconds % seconds == 0) {
      return std::to_string(value.seconds / seconds) + std::string(unit.name);
    }
  }
  return std::to_string(value.seconds) + "s";
}

bool ParseSize(std::string_view text, std::int64_t* out, std::string* error) {
  Number number;
  if (!SplitNumber(text, &number) || number.nanos != 0) {
    *error = std::string(kSizeRule);
    return false;
  }
  if (number.unit.empty()) {
    *error = TwoReadings(text, "B", "KiB", kSizeRule);
    return false;
  }
  constexpr std::array<std::string_view, 4> kNames = {"B", "KiB", "MiB", "GiB"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (number.unit != kNames[i]) continue;
    const std::uint64_t limit = std::numeric_limits<std::int64_t>::max() >> (10 * i);
    if (number.whole > limit) break;
    *out = static_cast<std::int64_t>(number.whole << (10 * i));
    return true;
  }
  *error = std::string(kSizeRule);
  return false;
}

std::string PrintSize(std::int64_t bytes) {
  constexpr std::array<std::string_view, 4> kNames = {"B", "KiB", "MiB", "GiB"};
  std::size_t i = 0;
  while (bytes != 0 && i + 1 < kNames.size() && bytes % 1024 == 0) {
    bytes /= 1024;
    ++i;
  }
  return std::to_string(bytes) + std::string(kNames[i]);
}

namespace {
constexpr std::array<std::string_view, 7> kPeriodUnits = {"", "s", "m", "h", "d", "w", "mo"};
}  // namespace

bool ParsePeriod(std::string_view text, PeriodValue* out, std::string* error) {
  Number number;
  if (!SplitNumber(text, &number) || number.nanos != 0 || number.whole > 1'000'000'000) {
    *error = std::string(kPeriodRule);
    return false;
  }
  if (number.unit.empty()) {
    *error = TwoReadings(text, "s", "m", kPeriodRule);
    return false;
  }
  for (std::size_t i = 1; i < kPeriodUnits.size(); ++i) {
    if (number.unit != kPeriodUnits[i]) continue;
    *out = {static_cast<std::int32_t>(number.whole), static_cast<std::int32_t>(i)};
    return true;
  }
  *error = std::string(kPeriodRule);
  return false;
}

std::string PrintPeriod(PeriodValue value) {
  const auto unit = static_cast<std::size_t>(value.unit);
  return std::to_string(value.count) +
         std::string(unit < kPeriodUnits.size() ? kPeriodUnits[unit] : "");
}

std::string FoldWord(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (c == '-' || c == '_') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

std::string KebabOfUpper(std::string_view upper_snake) {
  std::string out;
  for (const char c : upper_snake) {
    out += c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

std::string KebabOfCamel(std::string_view camel) {
  std::string out;
  for (const char c : camel) {
    if (c >= 'A' && c <= 'Z') {
      out += '-';
      out += static_cast<char>(c - 'A' + 'a');
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace tidegate::config
