// The one reader of what people write: YAML events and descriptors walked together, by the rules
// of the definitions format (sidecar/README.md).
//
// ReadText is pure; ReadFiles adds the file system. Every error carries file, line, column and
// path, and all errors of all files come at once. Documents that have errors are left out, so
// that others can still be checked; a caller that finds violations uses none of them.
// Names are made full (apis/orders); messages are as written, without defaults.
// Thread: any, no shared state. Owner: the caller owns documents and violations.
// Fails: by violations only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/config/violation.h"

namespace google::protobuf {
class Descriptor;
class Message;
}  // namespace google::protobuf

namespace tidegate::config {

enum class DocumentKind { kApi, kApplication, kSubscription, kGateway };

struct Place {
  int line = 0;
  int column = 0;
};
// Where each path of a document stands.
using Places = std::unordered_map<std::string, Place>;

struct Document {
  DocumentKind kind = DocumentKind::kApi;
  std::string file;
  std::string name;  // full, as in apis/orders; empty for the gateway
  std::shared_ptr<google::protobuf::Message> message;  // Api, Application, Subscription, Gateway
  Places places;
};

// The documents of one text. `directory` is where `contentFrom` looks; empty refuses it.
std::vector<Document> ReadText(std::string_view file, std::string_view text,
                               std::string_view directory, Violations& violations);

// Files and directories (*.yaml *.yml *.json, not recursive, no leading dot), `-` is standard
// input. The same resource twice is a violation.
std::vector<Document> ReadFiles(const std::vector<std::string>& paths, Violations& violations);

// A message of a known type, as from `edit`, without `kind`.
std::unique_ptr<google::protobuf::Message> ReadMessage(const google::protobuf::Descriptor* type,
                                                       std::string_view file,
                                                       std::string_view text,
                                                       Violations& violations);

// Gives violations of a document (path only) their file, line, column and resource: the place of
// the path, or of the nearest one above it.
void Locate(const Document& document, Violations& violations, std::size_t first = 0);

std::string_view WordOf(DocumentKind kind);  // "Api"

}  // namespace tidegate::config
