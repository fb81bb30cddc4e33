// fuzz-deps: tg_http
// Canonical paths are idempotent, have no dot segments and no empty segments.
#include <cstdlib>
#include <string>

#include "server/http/canonical_path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tidegate::http::Rule;
  const std::string raw = "/" + std::string(reinterpret_cast<const char*>(data), size);
  std::string scratch;
  std::string_view path;
  if (tidegate::http::CanonicalPath(raw, scratch, path) != Rule::kNone) return 0;
  const std::string once(path);
  std::string again;
  if (tidegate::http::CanonicalPath(once, again, path) != Rule::kNone || path != once) std::abort();
  const std::string framed = once + "/";
  if (framed.find("/../") != std::string::npos || framed.find("/./") != std::string::npos ||
      once.find("//") != std::string::npos) {
    std::abort();
  }
  return 0;
}
