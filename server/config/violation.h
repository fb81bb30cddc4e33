// One thing that is wrong with what a person or a program wrote, and where it stands.
//
// All readers and validators append to a list and go on, so that everything is told at once.
// Texts name the field and the rule; they never repeat a value that could be a secret.
// Thread: values. Owner: the caller's list. Fails: never.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::config {

struct Violation {
  std::string file;      // empty when it did not come from a file
  int line = 0;          // from 1; 0: not known
  int column = 0;        // from 1; 0: not known
  std::string resource;  // full name such as apis/orders; empty when not known
  std::string path;      // as in endpointGroups[0].endpoints[0].kafka.topics
  std::string reason;    // UPPER_SNAKE, at most 63 characters
  std::string message;   // for people, without the path
};

using Violations = std::vector<Violation>;

// `orders.yaml:12:7: apis/orders: listeners[0].path: must start with a slash`
std::string ToText(const Violation& violation);

// The violations' reasons that several files use.
inline constexpr std::string_view kInvalidField = "INVALID_FIELD";
inline constexpr std::string_view kRequiredField = "REQUIRED_FIELD_MISSING";
inline constexpr std::string_view kUnknownField = "UNKNOWN_FIELD";
inline constexpr std::string_view kDuplicate = "DUPLICATE";
inline constexpr std::string_view kNotBuilt = "NOT_BUILT";
inline constexpr std::string_view kSyntax = "SYNTAX";
inline constexpr std::string_view kLimit = "LIMIT_EXCEEDED";
inline constexpr std::string_view kUnresolved = "UNRESOLVED_REFERENCE";
inline constexpr std::string_view kSecretUnresolved = "SECRET_UNRESOLVED";
inline constexpr std::string_view kUnreadable = "FILE_UNREADABLE";

// A violation of a field, without a place in a file.
Violation FieldViolation(std::string_view path, std::string_view reason, std::string_view message);

// path + "." + name, or name alone.
std::string Child(std::string_view path, std::string_view name);
// path + "[index]".
std::string Item(std::string_view path, std::size_t index);

}  // namespace tidegate::config
