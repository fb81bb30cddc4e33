// fuzz-deps: tg_http
// Chunked bodies: whole and byte by byte give the same data and the same verdict.
#include <cstdlib>
#include <string>

#include "server/http/body_decoder.h"

namespace {

struct Result {
  std::string data;
  std::size_t consumed = 0;
  bool done = false;
  tidegate::http::Rule rule = tidegate::http::Rule::kNone;
  bool operator==(const Result&) const = default;
};

Result Decode(std::string_view bytes, std::size_t piece) {
  auto decoder = tidegate::http::BodyDecoder::Chunked();
  Result result;
  for (std::size_t at = 0; at < bytes.size() && !decoder.done() && !decoder.failed();) {
    const std::size_t end = std::min(bytes.size(), at + piece);
    const auto step = decoder.Feed(bytes.substr(at, end - at));
    result.data += step.data;
    at += step.consumed;
    result.consumed = at;
    if (step.consumed == 0) break;
  }
  result.done = decoder.done();
  result.rule = decoder.rule();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Result whole = Decode(bytes, size + 1);
  Result parts = Decode(bytes, 1);
  if (whole.rule != tidegate::http::Rule::kNone) whole.consumed = parts.consumed = 0;
  if (!(whole == parts)) std::abort();
  return 0;
}
