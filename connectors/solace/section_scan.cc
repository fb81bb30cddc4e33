#include "connectors/solace/section_scan.h"

#include <cstddef>
#include <cstdint>

namespace tidegate::solace {
namespace {

// Section codes (OASIS AMQP 1.0 part 3, 3.2).
constexpr std::uint64_t kHeader = 0x70;
constexpr std::uint64_t kFooter = 0x78;
// Values within values. Proton decodes a value by calling itself for each level of it, and whoever
// publishes chooses how many there are: a stack is finite.
constexpr int kNestingMax = 64;

std::uint64_t Number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// Cuts `size` bytes off the front; false when there are fewer.
bool Cut(std::string_view& rest, std::uint64_t size, std::string_view& part) {
  if (size > rest.size()) return false;
  part = rest.substr(0, static_cast<std::size_t>(size));
  rest.remove_prefix(static_cast<std::size_t>(size));
  return true;
}

bool SkipValue(std::string_view& rest, int depth);
bool AreItems(std::string_view items, std::size_t number_bytes, bool array, int depth);

// What follows a constructor, whose upper half says how wide it is (part 1, 1.2).
bool SkipContent(std::string_view& rest, unsigned char code, int depth) {
  const int width = code >> 4;
  std::string_view part;
  if (width == 0x4) return true;
  if (width >= 0x5 && width <= 0x9) return Cut(rest, 1U << (width - 5), part);
  if (width < 0xA) return false;
  const std::size_t number_bytes = width % 2 == 0 ? 1 : 4;
  if (!Cut(rest, number_bytes, part) || !Cut(rest, Number(part), part)) return false;
  return width <= 0xB || AreItems(part, number_bytes, width >= 0xE, depth + 1);
}

// The items of a list, a map or an array: as many as it says, and nothing behind them.
bool AreItems(std::string_view items, std::size_t number_bytes, bool array, int depth) {
  std::string_view part;
  if (depth > kNestingMax || !Cut(items, number_bytes, part)) return false;
  std::uint64_t count = Number(part);
  if (!array) {
    while (count-- > 0) {
      if (!SkipValue(items, depth)) return false;
    }
    return items.empty();
  }
  if (count == 0 && items.empty()) return true;
  if (!Cut(items, 1, part)) return false;
  if (part.front() == 0x00 && (!SkipValue(items, depth + 1) || !Cut(items, 1, part))) return false;
  const auto code = static_cast<unsigned char>(part.front());
  if (code >> 4 == 0x4) return items.empty();  // true, null, …: nothing stands for an item
  while (count-- > 0) {
    if (!SkipContent(items, code, depth)) return false;
  }
  return items.empty();
}

bool SkipValue(std::string_view& rest, int depth) {
  std::string_view part;
  if (depth > kNestingMax || !Cut(rest, 1, part)) return false;
  const auto code = static_cast<unsigned char>(part.front());
  if (code == 0x00) return SkipValue(rest, depth + 1) && SkipValue(rest, depth + 1);
  return SkipContent(rest, code, depth);
}

// The code of the section that begins here, written as a small or a full ulong; 0: none.
std::uint64_t CutSection(std::string_view& rest) {
  std::string_view part;
  if (!Cut(rest, 2, part) || part[0] != 0x00) return 0;
  const auto type = static_cast<unsigned char>(part[1]);
  if (type != 0x53 && type != 0x80) return 0;
  if (!Cut(rest, type == 0x53 ? 1 : 8, part)) return 0;
  return Number(part);
}

}  // namespace

bool IsMessage(std::string_view bytes) {
  if (bytes.empty()) return false;
  while (!bytes.empty()) {
    const std::uint64_t code = CutSection(bytes);
    if (code < kHeader || code > kFooter || !SkipValue(bytes, 0)) return false;
  }
  return true;
}

}  // namespace tidegate::solace
