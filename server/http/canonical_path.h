// The canonical path: computed once per request and the only one used for routing, plan and flow
// selection, limits, logs and forwarding (DESIGN §4; reliability.md §4.2).
//
// Unreserved escapes are decoded, other escapes get upper-case digits, `.` and `..` are resolved,
// `//` is merged. Refused: malformed escapes, encoded slash, backslash or NUL, raw backslash,
// escapes that are not UTF-8, dot segments with parameters (`..;x`), paths that leave their root.
// CanonicalPath(CanonicalPath(x)) == CanonicalPath(x). Thread: pure. Fails: by Rule.
#pragma once

#include <string>
#include <string_view>

#include "server/http/guard.h"

namespace tidegate::http {

// `raw` begins with '/'. `path` becomes a view of `raw` when that is canonical already, else of
// `scratch`.
Rule CanonicalPath(std::string_view raw, std::string& scratch, std::string_view& path);

}  // namespace tidegate::http
