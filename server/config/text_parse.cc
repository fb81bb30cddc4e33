// YAML and JSON into TextNode, over yaml-cpp's events: YAML::Node would hide duplicate keys and
// expand aliases.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <unordered_map>

#include "server/base/strings.h"
#include "server/config/text_tree.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kViolationsMax = 1000;  // more help nobody, and would fill the memory

class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view file, std::vector<TextNode>& documents, Violations& violations)
      : file_(file), documents_(documents), violations_(violations) {
    last_quoted_.pos = -1;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++started_ > kDocumentsMax) Fail(mark, kLimit, "more than 10,000 documents");
    // Where a document cannot start (with a comma, a closing bracket), yaml-cpp reads an empty one
    // and stays where it is, for ever.
    if (started_ > 1 && mark.pos == last_start_) Fail(mark, kSyntax, "a value cannot stand here");
    last_start_ = mark.pos;
    stack_.clear();
    root_ = TextNode();
    document_failed_ = false;
  }
  void OnDocumentEnd() override {
    if (failed_ || document_failed_ || root_.kind == TextNode::Kind::kNull) return;
    documents_.push_back(std::move(root_));
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Leaf(mark, TextNode::Kind::kNull, {}, false);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, kSyntax, "aliases are not read; write the value out");
    Leaf(mark, TextNode::Kind::kNull, {}, false);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    CheckTag(mark, tag);
    if (tag == "!") last_quoted_ = mark;
    Leaf(mark, TextNode::Kind::kScalar, value, tag == "!");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    CheckTag(mark, tag);
    Open(mark, TextNode::Kind::kList);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    CheckTag(mark, tag);
    Open(mark, TextNode::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

  // yaml-cpp takes the end of the file for the end of a quoted text; a file that was cut off must
  // not pass for a whole one.
  void CheckLastQuote(std::string_view text) {
    if (failed_ || last_quoted_.pos < 0) return;
    std::size_t at = 0;
    for (int line = 0; line < last_quoted_.line && at < text.size(); ++line) {
      at = text.find('\n', at);
      at = at == std::string_view::npos ? text.size() : at + 1;
    }
    at += static_cast<std::size_t>(last_quoted_.column);
    if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return;
    const char quote = text[at];
    for (++at; at < text.size(); ++at) {
      const bool doubled = quote == '\'' && text.substr(at, 2) == "''";
      if (doubled || (quote == '"' && text[at] == '\\')) {
        ++at;
      } else if (text[at] == quote) {
        break;
      }
    }
    if (at >= text.size()) Fail(last_quoted_, kSyntax, "a quoted text has no end");
  }
  bool failed() const { return failed_; }

  // Tells what is wrong and ignores the rest of the file.
  void Fail(const YAML::Mark& mark, std::string_view reason, std::string_view message) {
    if (failed_) return;
    failed_ = true;
    Refuse(mark, reason, message);
  }

 private:
  struct Level {
    TextNode node;
    std::unordered_map<std::string, int> lines;  // of a map: where each key stands
  };

  static TextNode At(const YAML::Mark& mark, TextNode::Kind kind) {
    TextNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void Refuse(const YAML::Mark& mark, std::string_view reason, std::string_view message) {
    document_failed_ = true;
    if (violations_.size() >= kViolationsMax) return;
    Violation violation = FieldViolation("", reason, message);
    violation.file = file_;
    violation.line = mark.line + 1;
    violation.column = mark.column + 1;
    violations_.push_back(std::move(violation));
  }

  void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (failed_ || tag.empty() || tag == "?" || tag == "!") return;
    Refuse(mark, kSyntax, "tags are not read");
  }

  bool Count(const YAML::Mark& mark) {
    if (!failed_ && ++nodes_ > kNodesMax) Fail(mark, kLimit, "more than 1,000,000 values");
    return !failed_;
  }

  bool ExpectsKey() const {
    if (stack_.empty()) return false;
    const TextNode& top = stack_.back().node;
    return top.kind == TextNode::Kind::kMap && top.keys.size() == top.items.size();
  }

  void TakeKey(const YAML::Mark& mark, const std::string& text) {
    Level& top = stack_.back();
    const auto [at, fresh] = top.lines.emplace(text, mark.line + 1);
    if (!fresh) {
      Refuse(mark, kDuplicate,
             "the key " + Shown(text) + " stands twice, first in line " +
                 std::to_string(at->second));
    }
    top.node.keys.push_back({text, mark.line + 1, mark.column + 1});
  }

  void Leaf(const YAML::Mark& mark, TextNode::Kind kind, const std::string& text, bool quoted) {
    if (!Count(mark)) return;
    if (ExpectsKey()) {
      if (kind == TextNode::Kind::kScalar) {
        TakeKey(mark, text);
      } else {
        Fail(mark, kSyntax, "a key must be a text");
      }
      return;
    }
    TextNode node = At(mark, kind);
    node.text = text;
    node.quoted = quoted;
    Put(std::move(node));
  }

  void Open(const YAML::Mark& mark, TextNode::Kind kind) {
    if (!Count(mark)) return;
    if (static_cast<int>(stack_.size()) >= kDepthMax) {
      Fail(mark, kLimit, "nested deeper than 64 levels");
    } else if (ExpectsKey()) {
      Fail(mark, kSyntax, "a key must be a text");
    } else {
      stack_.push_back({At(mark, kind), {}});
    }
  }

  void Close() {
    if (failed_ || stack_.empty()) return;
    TextNode node = std::move(stack_.back().node);
    stack_.pop_back();
    Put(std::move(node));
  }

  void Put(TextNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
    } else {
      stack_.back().node.items.push_back(std::move(node));
    }
  }

  const std::string file_;
  std::vector<TextNode>& documents_;
  Violations& violations_;
  std::vector<Level> stack_;
  TextNode root_;
  bool document_failed_ = false;
  bool failed_ = false;
  std::size_t nodes_ = 0;
  std::size_t started_ = 0;  // documents, the empty ones too
  int last_start_ = -1;
  YAML::Mark last_quoted_;
};

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The four digits of `\uXXXX` at `at`, or -1.
int UnicodeEscape(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int code = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    const int digit = HexValue(text[i]);
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code;
}

// JSON writes characters beyond the basic plane as two escapes, which YAML does not know.
std::string JoinSurrogates(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const int high = UnicodeEscape(text, i);
    const int low = high >= 0xD800 && high < 0xDC00 ? UnicodeEscape(text, i + 6) : -1;
    if (low >= 0xDC00 && low < 0xE000) {
      char joined[16];
      std::snprintf(joined, sizeof joined, "\\U%08X",
                    static_cast<unsigned>(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)));
      out += joined;
      i += 12;
    } else {
      const std::size_t size = text[i] == '\\' && i + 1 < text.size() ? 2 : 1;
      out += text.substr(i, size);
      i += size;
    }
  }
  return out;
}

Violation WholeFile(std::string_view file, std::string_view reason, std::string_view message) {
  Violation violation = FieldViolation("", reason, message);
  violation.file = std::string(file);
  return violation;
}

// The first line that is not UTF-8: no character of the encoding spans a line's end.
int BadLine(std::string_view text) {
  int line = 1;
  for (;;) {
    const std::size_t end = text.find('\n');
    if (!IsValidUtf8(text.substr(0, end)) || end == std::string_view::npos) return line;
    text.remove_prefix(end + 1);
    ++line;
  }
}

}  // namespace

std::string Shown(std::string_view word) {
  constexpr std::size_t kBytesShown = 64;
  const std::string text(word.substr(0, kBytesShown));
  return word.size() <= kBytesShown ? text : text + "...";
}

void ParseText(std::string_view file, std::string_view text, std::vector<TextNode>& documents,
               Violations& violations) {
  if (text.size() > kFileBytesMax) {
    violations.push_back(WholeFile(file, kLimit, "the file is larger than 4 MiB"));
    return;
  }
  if (!IsValidUtf8(text)) {
    Violation violation = WholeFile(file, kSyntax, "the file is not valid UTF-8");
    violation.line = BadLine(text);
    violation.column = 1;
    violations.push_back(std::move(violation));
    return;
  }
  const bool json = file.size() >= 5 && file.substr(file.size() - 5) == ".json";
  const std::size_t first = documents.size();
  const std::string source = json ? JoinSurrogates(text) : std::string(text);
  std::istringstream stream(source);
  Builder builder(file, documents, violations);
  try {
    YAML::Parser parser(stream);
    while (!builder.failed() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    builder.Fail(error.mark, kSyntax, error.msg);
  }
  builder.CheckLastQuote(source);
  if (builder.failed()) documents.resize(first);
}

}  // namespace tidegate::config
