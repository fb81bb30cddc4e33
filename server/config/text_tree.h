// A parsed text before it has a type: what the YAML reader binds and the printer writes.
//
// Thread: values. Owner: the caller. Fails: parsing by violations; a document that has one is
// dropped as a whole.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/violation.h"

namespace tidegate::config {

// The reader's limits: what a person writes stays far below, what a program crafts is refused.
inline constexpr std::size_t kFileBytesMax = 4 * 1024 * 1024;
inline constexpr int kDepthMax = 64;
inline constexpr std::size_t kDocumentsMax = 10'000;
inline constexpr std::size_t kNodesMax = 1'000'000;

struct TextNode {
  enum class Kind { kNull, kScalar, kMap, kList };

  Kind kind = Kind::kNull;
  int line = 0;    // from 1
  int column = 0;  // from 1
  std::string text;      // of a scalar
  bool quoted = false;   // of a scalar; printer: is a text rather than a number or true/false
  std::vector<TextNode> items;  // of a list; of a map the values
  struct Key {
    std::string text;
    int line = 0;
    int column = 0;
  };
  std::vector<Key> keys;  // of a map, beside items

  static TextNode Scalar(std::string text, bool quoted);
  void Add(std::string key, TextNode value);
};

// Appends the documents of a YAML or JSON text. `file` only labels violations.
void ParseText(std::string_view file, std::string_view text, std::vector<TextNode>& documents,
               Violations& violations);

// Block style YAML with two spaces; ends with a newline.
std::string WriteYaml(const TextNode& node);
// Indented JSON of the same content; ends with a newline.
std::string WriteJson(const TextNode& node);

// A word of a file as errors show it: not longer than 64 bytes.
std::string Shown(std::string_view word);

}  // namespace tidegate::config
