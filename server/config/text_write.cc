// TextNode as YAML and as JSON.
#include <cstdio>

#include "server/base/strings.h"
#include "server/config/text_tree.h"

namespace tidegate::config {
namespace {

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '/' || c == '.' || c == '-' || c == '+' || c == '@';
}

// Whether a YAML reader of any kind takes the text for something else than a text.
bool LooksTyped(std::string_view text) {
  const std::string folded = ToLower(text);
  for (const std::string_view word :
       {"null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", "-.inf", ".nan"}) {
    if (folded == word) return true;
  }
  if (text.front() == '-') return true;
  if (StartsWith(folded, "0x") || StartsWith(folded, "0o")) return true;
  bool any_digit = false;
  for (const char c : folded) {
    any_digit = any_digit || (c >= '0' && c <= '9');
    const bool numeric = (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-' || c == 'e' ||
                         c == '_' || c == ':';
    if (!numeric) return false;
  }
  return any_digit;
}

// Words, paths and single spaces or colons inside them need no quotes.
bool IsPlain(std::string_view text, bool in_list) {
  if (text.empty()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (IsWordCharacter(text[i])) continue;
    const bool inside = i > 0 && i + 1 < text.size() && IsWordCharacter(text[i - 1]) &&
                        IsWordCharacter(text[i + 1]);
    if (inside && ((text[i] == ' ' && !in_list) || text[i] == ':')) continue;
    return false;
  }
  return text.front() != '@';
}

void AppendCode(std::string& out, const char* format, unsigned code) {
  char escape[16];
  std::snprintf(escape, sizeof escape, format, code);
  out += escape;
}

// Double quotes with escapes; valid UTF-8 besides control and line characters stays as it is.
void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const auto third = i + 2 < text.size() ? static_cast<unsigned char>(text[i + 2]) : 0U;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < 0x20 || c == 0x7F) {
      AppendCode(out, "\\u%04X", c);
    } else if (c == 0xC2 && next >= 0x80 && next < 0xA0) {
      AppendCode(out, "\\u%04X", next);
      ++i;
    } else if (c == 0xE2 && next == 0x80 && (third == 0xA8 || third == 0xA9)) {
      AppendCode(out, "\\u%04X", 0x2000U + third - 0x80);
      i += 2;
    } else if (c == 0xEF && next == 0xBB && third == 0xBF) {
      out += "\\uFEFF";
      i += 2;
    } else {
      out += text[i];
    }
  }
  out += '"';
}

void AppendScalar(std::string& out, const TextNode& node, bool in_list) {
  const bool plain = IsPlain(node.text, in_list) && !(node.quoted && LooksTyped(node.text));
  if (plain) {
    out += node.text;
  } else {
    AppendQuoted(out, node.text);
  }
}

void AppendKey(std::string& out, const std::string& key) {
  if (IsPlain(key, true) && !LooksTyped(key)) {
    out += key;
  } else {
    AppendQuoted(out, key);
  }
}

bool IsScalarList(const TextNode& node) {
  for (const TextNode& item : node.items) {
    if (item.kind != TextNode::Kind::kScalar) return false;
  }
  return true;
}

void AppendFlowList(std::string& out, const TextNode& node) {
  out += '[';
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (i > 0) out += ", ";
    AppendScalar(out, node.items[i], true);
  }
  out += ']';
}

void AppendMap(std::string& out, const TextNode& node, int indent, bool first_indented);

void AppendList(std::string& out, const TextNode& node, int indent) {
  for (const TextNode& item : node.items) {
    out.append(static_cast<std::size_t>(indent), ' ');
    out += "- ";
    if (item.kind == TextNode::Kind::kMap && !item.items.empty()) {
      AppendMap(out, item, indent + 2, true);
    } else if (item.kind == TextNode::Kind::kMap) {
      out += "{}\n";
    } else if (item.kind == TextNode::Kind::kList) {
      AppendFlowList(out, item);
      out += '\n';
    } else {
      AppendScalar(out, item, false);
      out += '\n';
    }
  }
}

void AppendMap(std::string& out, const TextNode& node, int indent, bool first_indented) {
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const TextNode& item = node.items[i];
    if (i > 0 || !first_indented) out.append(static_cast<std::size_t>(indent), ' ');
    AppendKey(out, node.keys[i].text);
    out += ':';
    if (item.kind == TextNode::Kind::kMap && !item.items.empty()) {
      out += '\n';
      AppendMap(out, item, indent + 2, false);
    } else if (item.kind == TextNode::Kind::kMap) {
      out += " {}\n";
    } else if (item.kind == TextNode::Kind::kList && IsScalarList(item)) {
      out += ' ';
      AppendFlowList(out, item);
      out += '\n';
    } else if (item.kind == TextNode::Kind::kList) {
      out += '\n';
      AppendList(out, item, indent + 2);
    } else if (item.kind == TextNode::Kind::kNull) {
      out += " null\n";
    } else {
      out += ' ';
      AppendScalar(out, item, false);
      out += '\n';
    }
  }
}

void AppendJson(std::string& out, const TextNode& node, int indent) {
  const auto line = [&out](int depth) {
    out += '\n';
    out.append(static_cast<std::size_t>(depth) * 2, ' ');
  };
  if (node.kind == TextNode::Kind::kNull) {
    out += "null";
  } else if (node.kind == TextNode::Kind::kScalar) {
    if (node.quoted) {
      AppendJsonString(out, node.text);
    } else {
      out += node.text;
    }
  } else {
    const bool map = node.kind == TextNode::Kind::kMap;
    out += map ? '{' : '[';
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (i > 0) out += ',';
      line(indent + 1);
      if (map) {
        AppendJsonString(out, node.keys[i].text);
        out += ": ";
      }
      AppendJson(out, node.items[i], indent + 1);
    }
    if (!node.items.empty()) line(indent);
    out += map ? '}' : ']';
  }
}

}  // namespace

TextNode TextNode::Scalar(std::string text, bool quoted) {
  TextNode node;
  node.kind = Kind::kScalar;
  node.text = std::move(text);
  node.quoted = quoted;
  return node;
}

void TextNode::Add(std::string key, TextNode value) {
  kind = Kind::kMap;
  keys.push_back({std::move(key), 0, 0});
  items.push_back(std::move(value));
}

std::string WriteYaml(const TextNode& node) {
  std::string out;
  if (node.kind == TextNode::Kind::kMap && !node.items.empty()) {
    AppendMap(out, node, 0, false);
  } else if (node.kind == TextNode::Kind::kList && !node.items.empty()) {
    AppendList(out, node, 0);
  } else {
    AppendJson(out, node, 0);
    out += '\n';
  }
  return out;
}

std::string WriteJson(const TextNode& node) {
  std::string out;
  AppendJson(out, node, 0);
  return out + '\n';
}

}  // namespace tidegate::config
