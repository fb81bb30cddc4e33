// A parsed text given its type: TextNode and descriptor walked together. Inside server/config only.
// Thread: any. Fails: by violations with file, line, column and path; what is right is still set.
#pragma once

#include <string_view>

#include "server/config/text_tree.h"
#include "server/config/yaml_reader.h"

namespace tidegate::config {

struct BindContext {
  std::string_view file;
  std::string_view directory;  // for contentFrom; empty refuses it
  Places* places = nullptr;
  Violations* violations = nullptr;
};

// Keys in `ignored` (space separated) are left to the caller.
void Bind(const TextNode& node, std::string_view ignored, const BindContext& context,
          google::protobuf::Message* message);

// Message as tree: keys camelCase, words kebab-case, defaults that are absent stay absent.
struct TreeOptions {
  bool output_only = false;     // what only the gateway sets is written as well
  bool redact = true;           // secrets show `set` and a fingerprint
};
TextNode TreeOf(const google::protobuf::Message& message, const TreeOptions& options);

// The whole content of a file of at most `limit` bytes; false when it cannot be read.
bool ReadWholeFile(const std::string& path, std::size_t limit, std::string* out,
                   std::string* error);

}  // namespace tidegate::config
