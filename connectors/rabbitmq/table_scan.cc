#include "connectors/rabbitmq/table_scan.h"

#include "connectors/rabbitmq/frame.h"

namespace tidegate::rabbitmq {
namespace {

// Cuts `size` bytes off the front; false when they are not there.
bool Skip(std::string_view& bytes, std::size_t size) {
  if (bytes.size() < size) return false;
  bytes.remove_prefix(size);
  return true;
}

// Cuts a length of 32 bits and as many bytes; they are in `content`.
bool TakeLong(std::string_view& bytes, std::string_view& content) {
  if (bytes.size() < 4) return false;
  const std::size_t size = Read32(bytes.data());
  bytes.remove_prefix(4);
  if (bytes.size() < size) return false;
  content = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

bool SkipShortText(std::string_view& bytes) {
  return !bytes.empty() && Skip(bytes, 1U + static_cast<unsigned char>(bytes[0]));
}

bool IsSoundArray(std::string_view bytes, int depth);

bool SkipValue(std::string_view& bytes, int depth) {
  if (bytes.empty()) return false;
  const char kind = bytes[0];
  bytes.remove_prefix(1);
  std::string_view content;
  switch (kind) {
    case 'V': return true;
    case 't':
    case 'b':
    case 'B': return Skip(bytes, 1);
    case 's':
    case 'u': return Skip(bytes, 2);
    case 'I':
    case 'i':
    case 'f': return Skip(bytes, 4);
    case 'D': return Skip(bytes, 5);
    case 'l':
    case 'L':
    case 'd':
    case 'T': return Skip(bytes, 8);
    case 'S':
    case 'x': return TakeLong(bytes, content);
    case 'F': return TakeLong(bytes, content) && IsSoundTable(content, depth - 1);
    case 'A': return TakeLong(bytes, content) && IsSoundArray(content, depth - 1);
    default: return false;
  }
}

bool IsSoundArray(std::string_view bytes, int depth) {
  if (depth <= 0) return false;
  while (!bytes.empty()) {
    if (!SkipValue(bytes, depth)) return false;
  }
  return true;
}

}  // namespace

bool IsSoundTable(std::string_view bytes, int depth) {
  if (depth <= 0) return false;
  while (!bytes.empty()) {
    if (!SkipShortText(bytes) || !SkipValue(bytes, depth)) return false;
  }
  return true;
}

bool AreSoundProperties(std::string_view bytes) {
  constexpr unsigned kContentType = 1U << 15;
  constexpr unsigned kContentEncoding = 1U << 14;
  constexpr unsigned kHeaders = 1U << 13;
  constexpr unsigned kMoreFlags = 1U;
  if (bytes.size() < 2) return false;
  const unsigned flags = Read16(bytes.data());
  bytes.remove_prefix(2);
  if ((flags & kMoreFlags) != 0) return false;  // basic has 14 properties
  if ((flags & kContentType) != 0 && !SkipShortText(bytes)) return false;
  if ((flags & kContentEncoding) != 0 && !SkipShortText(bytes)) return false;
  if ((flags & kHeaders) == 0) return true;
  std::string_view table;
  return TakeLong(bytes, table) && IsSoundTable(table, kTableDepthMax);
}

}  // namespace tidegate::rabbitmq
