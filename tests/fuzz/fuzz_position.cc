// fuzz-deps: tg_connectors_api
// A cursor that is accepted says the same after it was written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "connectors/api/position.h"
#include "server/base/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tidegate::connectors::Position;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto plain = tidegate::Base64Decode(text)) {
    if (tidegate::Base64(*plain) != text) std::abort();
  }
  const auto position = Position::Parse(text);
  if (!position.ok()) {
    if (tidegate::ReasonOf(position.status()) != "CURSOR_MALFORMED") std::abort();
    return 0;
  }
  const auto again = Position::Parse(position->Format());
  if (!again.ok() || !(*again == *position)) std::abort();
  return 0;
}
