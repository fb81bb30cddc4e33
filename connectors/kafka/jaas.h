// A SASL login as Java writes it: `module flag key=value …;`, read as strictly as Java does.
//
// Words end at white space and at ; = / " '. A '/' outside quotes begins a comment, also in the
// middle of a value: `keyTab=/etc/x` has no value in Java either, so paths are quoted. Quoted texts
// end at the line's end at the latest and know the escapes of Java's tokenizer.
// Thread: pure functions. Fails: InvalidArgument saying what is missing where; values and unknown
// words, which may be pieces of a password, are never in the text.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "server/base/status.h"

namespace tidegate::kafka {

inline constexpr std::size_t kJaasBytesMax = 64 * 1024;
inline constexpr std::size_t kJaasOptionsMax = 100;

struct JaasLogin {
  std::string module;  // the class name, as written
  std::map<std::string, std::string> options;  // of two with one key the last, as in Java

  // The last part of the class name: "PlainLoginModule".
  std::string_view kind() const;
};

// Exactly one entry: the clients refuse several.
StatusOr<JaasLogin> ParseJaas(std::string_view text);

}  // namespace tidegate::kafka
