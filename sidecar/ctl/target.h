// What a person names on the command line: `api/orders`, `plan/orders/gold`, `apis`, or the full
// name `apis/orders/plans/gold`.
//
// Thread: values. Fails: by an error text that says what is expected.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::ctl {

enum class Type { kApi, kPlan, kApplication, kSubscription, kKey, kEndpoint, kListener };

struct Target {
  Type type = Type::kApi;
  // The names after the type, outermost first: {"orders", "gold"}.
  std::vector<std::string> parts;

  // Whether it names one thing, rather than all things of its type (in its parent).
  bool IsOne() const;
  // apis/orders/plans/gold; of a list its parent: apis/orders, or apis/- for all.
  std::string FullName() const;
  std::string Parent() const;
  // plan/orders/gold.
  std::string Text() const;
  // The last part.
  std::string Id() const;
};

// `api`, `plan`, …
std::string_view TypeWord(Type type);
// How many names follow the type: 1 for an API, 2 for a plan, 3 for a key.
std::size_t Depth(Type type);
// The words that people may write for types, in the order of help and completion.
const std::vector<std::string_view>& TypeWords();

bool ParseTarget(std::string_view text, Target& target, std::string& error);

// apis/orders/plans/gold -> plan/orders/gold; a text that is no full name stays as it is.
std::string ShortName(std::string_view full_name);
// apis/orders/revisions/7 -> 7.
std::string LastPart(std::string_view full_name);

}  // namespace tidegate::ctl
