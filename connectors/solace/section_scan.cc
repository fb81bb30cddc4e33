#include "connectors/solace/section_scan.h"

#include <cstddef>
#include <cstdint>

namespace tidegate::solace {
namespace {

// Section codes (OASIS AMQP 1.0 part 3, 3.2).
constexpr std::uint64_t kHeader = 0x70;
constexpr std::uint64_t kFooter = 0x78;
constexpr int kDescriptorsMax = 4;  // of one value: more has no meaning

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

// The upper half of a constructor says how wide a value is (part 1, 1.2).
bool SkipValue(std::string_view& rest, int descriptors) {
  std::string_view part;
  if (!Cut(rest, 1, part)) return false;
  const auto code = static_cast<unsigned char>(part.front());
  if (code == 0x00) {
    return descriptors < kDescriptorsMax && SkipValue(rest, descriptors + 1) &&
           SkipValue(rest, descriptors + 1);
  }
  const int width = code >> 4;
  if (width == 0x4) return true;
  if (width >= 0x5 && width <= 0x9) return Cut(rest, 1U << (width - 5), part);
  if (width < 0xA) return false;
  if (!Cut(rest, width % 2 == 0 ? 1 : 4, part)) return false;
  return Cut(rest, Number(part), part);
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
