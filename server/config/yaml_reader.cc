#include "server/config/yaml_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "server/base/strings.h"
#include "server/config/bind.h"
#include "server/config/names.h"
#include "server/config/validate.h"
#include "server/config/values.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/gateway.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;

constexpr std::array<std::string_view, 4> kWords = {"Api", "Application", "Subscription",
                                                    "Gateway"};

void Refuse(std::string_view file, int line, int column, std::string_view path,
            std::string_view reason, std::string_view text, Violations& violations) {
  Violation violation = FieldViolation(path, reason, text);
  violation.file = std::string(file);
  violation.line = line;
  violation.column = column;
  violations.push_back(std::move(violation));
}

// The value of a top-level key, or null.
const TextNode* Find(const TextNode& node, std::string_view key) {
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (node.keys[i].text == key) return &node.items[i];
  }
  return nullptr;
}

std::shared_ptr<pb::Message> NewMessage(DocumentKind kind) {
  switch (kind) {
    case DocumentKind::kApi:
      return std::make_shared<v1::Api>();
    case DocumentKind::kApplication:
      return std::make_shared<v1::Application>();
    case DocumentKind::kSubscription:
      return std::make_shared<v1::Subscription>();
    case DocumentKind::kGateway:
      return std::make_shared<v1::Gateway>();
  }
  return nullptr;
}

std::string NameOfMessage(const pb::Message& message) {
  const pb::FieldDescriptor* field = message.GetDescriptor()->FindFieldByName("name");
  return field == nullptr ? "" : message.GetReflection()->GetString(message, field);
}

bool ReadKind(std::string_view file, const TextNode& node, DocumentKind* kind,
              Violations& violations) {
  if (node.kind != TextNode::Kind::kMap) {
    Refuse(file, node.line, node.column, "", kInvalidField,
           "a document must be a mapping with a kind", violations);
    return false;
  }
  const TextNode* version = Find(node, "apiVersion");
  if (version != nullptr && version->text != "tidegate/v1") {
    Refuse(file, version->line, version->column, "apiVersion", kInvalidField,
           "must be tidegate/v1", violations);
  }
  const TextNode* word = Find(node, "kind");
  const std::string rule = "must be one of Api, Application, Subscription, Gateway";
  if (word == nullptr) {
    std::string text = "is missing; it " + rule;
    for (const TextNode::Key& key : node.keys) {
      const std::string shown = Shown(key.text);
      if (!Nearest(shown, {"kind"}).empty()) text += "; did you mean kind by " + shown + "?";
    }
    Refuse(file, node.line, node.column, "kind", kRequiredField, text, violations);
    return false;
  }
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (FoldWord(word->text) == FoldWord(kWords[i])) {
      *kind = static_cast<DocumentKind>(i);
      return true;
    }
  }
  const std::string nearest = Nearest(Shown(word->text), {kWords.begin(), kWords.end()});
  const std::string hint = nearest.empty() ? "" : "; did you mean " + nearest + "?";
  Refuse(file, word->line, word->column, "kind", kInvalidField, rule + hint, violations);
  return false;
}

// One stands within the other, or is it.
bool Related(const std::string& a, const std::string& b) {
  const std::string& shorter = a.size() < b.size() ? a : b;
  const std::string& longer = a.size() < b.size() ? b : a;
  if (longer.compare(0, shorter.size(), shorter) != 0) return false;
  return shorter.empty() || longer.size() == shorter.size() || longer[shorter.size()] == '.' ||
         longer[shorter.size()] == '[';
}

std::string ParentOf(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string::npos ? "" : path.substr(0, dot);
}

// Of a document with errors the rules of single fields are told as well, but what may only follow
// from an error: a value that could not be read, a field that is missing beside a misspelt one.
void AddFieldRules(const Document& document, std::size_t first, Violations& violations) {
  Violations found;
  ValidateFields(*document.message, found);
  std::erase_if(found, [&](const Violation& one) {
    return std::any_of(violations.begin() + static_cast<std::ptrdiff_t>(first), violations.end(),
                       [&](const Violation& read) {
                         const bool misspelt = one.reason == kRequiredField &&
                                               read.reason == kUnknownField &&
                                               ParentOf(one.path) == ParentOf(read.path);
                         return misspelt || Related(one.path, read.path);
                       });
  });
  Locate(document, found);
  violations.insert(violations.end(), found.begin(), found.end());
}

void ReadDocument(std::string_view file, const TextNode& node, std::string_view directory,
                  std::vector<Document>& documents, Violations& violations) {
  const std::size_t first = violations.size();
  Document document;
  if (!ReadKind(file, node, &document.kind, violations)) return;
  document.file = std::string(file);
  document.message = NewMessage(document.kind);
  document.places.emplace("", Place{node.line, node.column});
  BindContext context{file, directory, &document.places, &violations};
  Bind(node, "kind apiVersion", context, document.message.get());
  Violations naming;
  NormalizeNames(document.message.get(), naming);
  document.name = NameOfMessage(*document.message);
  Locate(document, naming);
  violations.insert(violations.end(), naming.begin(), naming.end());
  if (violations.size() > first) AddFieldRules(document, first, violations);
  for (std::size_t i = first; i < violations.size(); ++i) {
    if (violations[i].resource.empty()) violations[i].resource = document.name;
  }
  if (violations.size() == first) documents.push_back(std::move(document));
}

bool IsDefinitionFile(std::string_view name) {
  if (name.empty() || name.front() == '.') return false;
  for (const std::string_view end : {".yaml", ".yml", ".json"}) {
    if (name.size() > end.size() && name.substr(name.size() - end.size()) == end) return true;
  }
  return false;
}

// The files that a path means, in order of their names.
std::vector<std::string> Expand(const std::string& path, Violations& violations) {
  struct stat info = {};
  if (path == "-" || stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return {path};
  std::vector<std::string> files;
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) {
    Refuse(path, 0, 0, "", kUnreadable, std::string("cannot list: ") + std::strerror(errno),
           violations);
    return files;
  }
  while (const dirent* entry = readdir(directory)) {
    if (!IsDefinitionFile(entry->d_name)) continue;
    std::string file = path + (path.back() == '/' ? "" : "/") + entry->d_name;
    if (stat(file.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) continue;
    files.push_back(std::move(file));
  }
  closedir(directory);
  std::sort(files.begin(), files.end());
  return files;
}

std::string DirectoryOf(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : file.substr(0, slash);
}

void CheckDuplicates(const std::vector<Document>& documents, Violations& violations) {
  std::unordered_map<std::string, const Document*> seen;
  for (const Document& document : documents) {
    const std::string key = std::string(WordOf(document.kind)) + " " + document.name;
    if (document.kind != DocumentKind::kGateway && document.name.empty()) continue;
    const auto [at, fresh] = seen.emplace(key, &document);
    if (fresh) continue;
    const Document& other = *at->second;
    const auto place = other.places.find("");
    const int line = place == other.places.end() ? 0 : place->second.line;
    Violations found = {FieldViolation("", kDuplicate,
                                       "stands twice, first in " + other.file + " line " +
                                           std::to_string(line))};
    Locate(document, found);
    violations.push_back(std::move(found.front()));
  }
}

}  // namespace

bool ReadWholeFile(const std::string& path, std::size_t limit, std::string* out,
                   std::string* error) {
  const int fd = path == "-" ? dup(0) : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    *error = std::string("cannot open the file: ") + std::strerror(errno);
    return false;
  }
  char buffer[65536];
  ssize_t got = 0;
  while (out->size() <= limit) {
    got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    out->append(buffer, static_cast<std::size_t>(got));
  }
  const int cause = errno;
  close(fd);
  if (got < 0) *error = std::string("cannot read the file: ") + std::strerror(cause);
  if (out->size() > limit) *error = "the file is larger than " + PrintSize(
                               static_cast<std::int64_t>(limit));
  return got >= 0 && out->size() <= limit;
}

std::vector<Document> ReadText(std::string_view file, std::string_view text,
                               std::string_view directory, Violations& violations) {
  std::vector<TextNode> nodes;
  ParseText(file, text, nodes, violations);
  std::vector<Document> documents;
  for (const TextNode& node : nodes) ReadDocument(file, node, directory, documents, violations);
  return documents;
}

std::vector<Document> ReadFiles(const std::vector<std::string>& paths, Violations& violations) {
  std::vector<Document> documents;
  for (const std::string& path : paths) {
    for (const std::string& file : Expand(path, violations)) {
      std::string text;
      std::string error;
      const std::string label = file == "-" ? "standard input" : file;
      if (!ReadWholeFile(file, kFileBytesMax, &text, &error)) {
        Refuse(label, 0, 0, "", kUnreadable, error, violations);
        continue;
      }
      std::vector<Document> read = ReadText(label, text, DirectoryOf(file), violations);
      for (Document& document : read) documents.push_back(std::move(document));
      if (documents.size() > kDocumentsMax) {
        Refuse(label, 0, 0, "", kLimit, "more than 10,000 documents in all", violations);
        return documents;
      }
    }
  }
  CheckDuplicates(documents, violations);
  return documents;
}

std::unique_ptr<pb::Message> ReadMessage(const pb::Descriptor* type, std::string_view file,
                                         std::string_view text, Violations& violations) {
  std::unique_ptr<pb::Message> message(
      pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
  std::vector<TextNode> nodes;
  ParseText(file, text, nodes, violations);
  if (nodes.size() != 1 || nodes[0].kind != TextNode::Kind::kMap) {
    Refuse(file, 1, 1, "", kInvalidField, "must be one mapping", violations);
    return message;
  }
  BindContext context{file, "", nullptr, &violations};
  Bind(nodes[0], "kind apiVersion", context, message.get());
  NormalizeNames(message.get(), violations);
  return message;
}

void Locate(const Document& document, Violations& violations, std::size_t first) {
  for (std::size_t i = first; i < violations.size(); ++i) {
    Violation& violation = violations[i];
    if (violation.line > 0) continue;
    violation.file = document.file;
    if (violation.resource.empty()) violation.resource = document.name;
    std::string path = violation.path;
    for (;;) {
      const auto place = document.places.find(path);
      if (place != document.places.end()) {
        violation.line = place->second.line;
        violation.column = place->second.column;
        break;
      }
      if (path.empty()) break;
      const std::size_t cut = path.find_last_of(".[");
      path.resize(cut == std::string::npos ? 0 : cut);
    }
  }
}

std::string_view WordOf(DocumentKind kind) { return kWords[static_cast<std::size_t>(kind)]; }

}  // namespace tidegate::config
