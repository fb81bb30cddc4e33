#include "server/config/diff.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>

#include "server/config/bind.h"
#include "server/config/names.h"

namespace tidegate::config {
namespace {

std::string Flat(const TextNode& node) {
  if (node.kind == TextNode::Kind::kScalar) return node.text;
  std::string json = WriteJson(node);
  // One line: newlines and the indentation after them stand only between values.
  std::string out;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '\n') {
      out += json[i];
      continue;
    }
    while (i + 1 < json.size() && json[i + 1] == ' ') ++i;
    if (!out.empty() && out.back() == ',') out += ' ';
  }
  return out;
}

// The name of a list's item: its `name`, else empty.
std::string NameOf(const TextNode& item) {
  for (std::size_t i = 0; i < item.keys.size(); ++i) {
    if (item.keys[i].text == "name") return item.items[i].text;
  }
  return "";
}

const TextNode* Find(const TextNode& map, const std::string& key) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (map.keys[i].text == key) return &map.items[i];
  }
  return nullptr;
}

void Compare(const std::string& path, const TextNode* before, const TextNode* after,
             std::vector<FieldDifference>& out);

void CompareMaps(const std::string& path, const TextNode& before, const TextNode& after,
                 std::vector<FieldDifference>& out) {
  for (std::size_t i = 0; i < before.keys.size(); ++i) {
    const std::string& key = before.keys[i].text;
    Compare(Child(path, key), &before.items[i], Find(after, key), out);
  }
  for (std::size_t i = 0; i < after.keys.size(); ++i) {
    const std::string& key = after.keys[i].text;
    if (Find(before, key) == nullptr) Compare(Child(path, key), nullptr, &after.items[i], out);
  }
}

bool AllNamed(const TextNode& list) {
  return std::all_of(list.items.begin(), list.items.end(),
                     [](const TextNode& item) { return !NameOf(item).empty(); });
}

const TextNode* FindNamed(const TextNode& list, const std::string& name) {
  for (const TextNode& item : list.items) {
    if (NameOf(item) == name) return &item;
  }
  return nullptr;
}

void CompareLists(const std::string& path, const TextNode& before, const TextNode& after,
                  std::vector<FieldDifference>& out) {
  if (!AllNamed(before) || !AllNamed(after)) {
    const std::size_t count = std::max(before.items.size(), after.items.size());
    for (std::size_t i = 0; i < count; ++i) {
      Compare(Item(path, i), i < before.items.size() ? &before.items[i] : nullptr,
              i < after.items.size() ? &after.items[i] : nullptr, out);
    }
    return;
  }
  for (const TextNode& item : before.items) {
    const std::string name = NameOf(item);
    Compare(path + "[" + name + "]", &item, FindNamed(after, name), out);
  }
  for (const TextNode& item : after.items) {
    const std::string name = NameOf(item);
    if (FindNamed(before, name) == nullptr) {
      Compare(path + "[" + name + "]", nullptr, &item, out);
    }
  }
  // The order of plans and endpoints has a meaning.
  std::string old_order;
  std::string new_order;
  for (const TextNode& item : before.items) {
    if (FindNamed(after, NameOf(item))) old_order += NameOf(item) + " ";
  }
  for (const TextNode& item : after.items) {
    if (FindNamed(before, NameOf(item))) new_order += NameOf(item) + " ";
  }
  if (old_order != new_order) {
    old_order.pop_back();
    new_order.pop_back();
    out.push_back({path + "[order]", old_order, new_order});
  }
}

void Compare(const std::string& path, const TextNode* before, const TextNode* after,
             std::vector<FieldDifference>& out) {
  if (before != nullptr && after != nullptr && before->kind == after->kind) {
    if (before->kind == TextNode::Kind::kMap) return CompareMaps(path, *before, *after, out);
    if (before->kind == TextNode::Kind::kList) return CompareLists(path, *before, *after, out);
  }
  const std::string old_value = before == nullptr ? "" : Flat(*before);
  const std::string new_value = after == nullptr ? "" : Flat(*after);
  const bool same = (before == nullptr) == (after == nullptr) && old_value == new_value;
  if (!same) out.push_back({path, old_value, new_value});
}

TextNode ShortTree(const google::protobuf::Message& message) {
  const std::unique_ptr<google::protobuf::Message> copy(message.New());
  copy->CopyFrom(message);
  ShortenNames(copy.get());
  return TreeOf(*copy, {});
}

}  // namespace

std::vector<FieldDifference> Diff(const google::protobuf::Message& before,
                                  const google::protobuf::Message& after) {
  std::vector<FieldDifference> out;
  CompareMaps("", ShortTree(before), ShortTree(after), out);
  return out;
}

}  // namespace tidegate::config
