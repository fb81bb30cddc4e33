// fuzz-deps: tg_http
// Heads: the first byte says where the bytes are split. The verdict must not depend on the split,
// and a head that passes must hold what the guard promises.
#include <cstdlib>
#include <string_view>

#include "server/http/head_parser.h"

namespace {

using tidegate::http::HeadLimits;
using tidegate::http::HeadScanner;
using tidegate::http::Rule;

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckHead(const tidegate::http::RequestHead& head) {
  Require(!head.path.empty() && head.path.front() == '/');
  Require(!(head.chunked && head.content_length));
  Require(tidegate::http::CheckFieldValue(head.host) == Rule::kNone);
  for (const auto& header : head.headers) {
    Require(tidegate::http::IsToken(header.name));
    Require(tidegate::http::CheckFieldValue(header.value) == Rule::kNone);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t split = size > 1 ? data[0] * (size - 1) / 255 : 0;
  const HeadLimits limits;
  HeadScanner whole;
  HeadScanner parts;
  const auto verdict = whole.Scan(bytes, limits);
  auto other = parts.Scan(bytes.substr(0, split), limits);
  if (other == HeadScanner::State::kNeedMore) other = parts.Scan(bytes, limits);
  Require(verdict == other && whole.rule() == parts.rule());
  if (verdict != HeadScanner::State::kComplete) return 0;
  Require(whole.head_size() == parts.head_size() && whole.head_size() <= bytes.size());
  tidegate::http::RequestHead head;
  tidegate::http::HeadScratch scratch;
  const std::string_view raw = bytes.substr(0, whole.head_size());
  if (ParseHead(raw, limits, head, scratch) == Rule::kNone) CheckHead(head);
  return 0;
}
