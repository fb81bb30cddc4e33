#include "sidecar/ctl/assignments.h"

#include "server/base/strings.h"

namespace tidegate::ctl {
namespace {

using config::TextNode;

TextNode* FindKey(TextNode& map, std::string_view key) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (map.keys[i].text == key) return &map.items[i];
  }
  return nullptr;
}

void MakeMap(TextNode& node) {
  if (node.kind == TextNode::Kind::kMap) return;
  node = TextNode();
  node.kind = TextNode::Kind::kMap;
}

void Remove(TextNode& map, std::string_view key) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (map.keys[i].text != key) continue;
    map.keys.erase(map.keys.begin() + static_cast<std::ptrdiff_t>(i));
    map.items.erase(map.items.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

}  // namespace

bool Assign(const std::string& assignment, TextNode& tree, std::string& error) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    error = "\"" + assignment + "\" is no FIELD=VALUE, as weight=3";
    return false;
  }
  const std::string path = assignment.substr(0, equals);
  const std::string value = assignment.substr(equals + 1);
  std::vector<TextNode> values;
  if (!value.empty()) {
    config::Violations violations;
    config::ParseText(path, value, values, violations);
    if (!violations.empty() || values.size() != 1) {
      error = path + ": the value is not valid YAML" +
              (violations.empty() ? "" : ": " + violations[0].message);
      return false;
    }
  }
  const auto fields = Split(path, '.');
  TextNode* node = &tree;
  MakeMap(*node);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].empty()) {
      error = "\"" + path + "\" has an empty part";
      return false;
    }
    const bool last = i + 1 == fields.size();
    if (last && value.empty()) {
      Remove(*node, fields[i]);
      return true;
    }
    if (FindKey(*node, fields[i]) == nullptr) node->Add(std::string(fields[i]), TextNode());
    node = FindKey(*node, fields[i]);
    if (!last) MakeMap(*node);
  }
  *node = std::move(values[0]);
  return true;
}

void Overlay(const TextNode& over, TextNode& tree) {
  MakeMap(tree);
  for (std::size_t i = 0; i < over.keys.size(); ++i) {
    const std::string& key = over.keys[i].text;
    if (FindKey(tree, key) == nullptr) tree.Add(key, TextNode());
    TextNode& field = *FindKey(tree, key);
    if (over.items[i].kind == TextNode::Kind::kMap) {
      Overlay(over.items[i], field);
    } else {
      field = over.items[i];
    }
  }
}

}  // namespace tidegate::ctl
