// The one printer: messages in the short form that people write, as YAML or JSON, so that reading
// what was printed changes nothing.
//
// Keys are camelCase, values kebab-case; a message of one empty arm is a word; names are short.
// Secret texts are never printed: they show as `{set: true, fingerprint: ...}`; references stay.
// Thread: pure functions. Fails: never.
#pragma once

#include <string>

#include "server/config/yaml_reader.h"

namespace tidegate::config {

enum class PrintForm { kYaml, kJson };

struct PrintOptions {
  PrintForm form = PrintForm::kYaml;
  bool status = false;  // what only the gateway sets (state, etag, times) is printed as well
  bool kind = true;     // `kind: Api` stands first, where the message is of a kind
};

// One document, without `---`.
std::string Print(const google::protobuf::Message& message, const PrintOptions& options = {});

}  // namespace tidegate::config
