// fuzz-deps: tg_http
// A response is read the same way however its bytes are split, and never beyond its limits.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/http/client_response.h"
#include "server/http/client_url.h"

namespace {

using tidegate::http::ResponseLimits;
using tidegate::http::ResponseReader;

constexpr std::size_t kBodyMax = 64;

ResponseReader Read(std::string_view bytes, std::size_t piece) {
  ResponseLimits limits;
  limits.head_bytes = 256;
  limits.fields = 8;
  limits.body_bytes = kBodyMax;
  ResponseReader reader(limits);
  for (std::size_t at = 0; at < bytes.size(); at += piece) reader.Feed(bytes.substr(at, piece));
  reader.End();
  return reader;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ResponseReader whole = Read(bytes, size == 0 ? 1 : size);
  ResponseReader split = Read(bytes, 1);
  if (whole.failed() != split.failed() || whole.done() != split.done()) std::abort();
  if (!whole.failed() && !whole.done()) std::abort();
  if (whole.response().body.size() > kBodyMax) std::abort();
  if (!whole.failed() && (whole.response().body != split.response().body ||
                          whole.response().status != split.response().status ||
                          whole.response().headers != split.response().headers)) {
    std::abort();
  }
  const auto url = tidegate::http::ParseUrl(bytes);
  if (url.ok() && (url->target.empty() || url->target.front() != '/' || url->port == 0)) {
    std::abort();
  }
  return 0;
}
