#include "server/config/violation.h"

namespace tidegate::config {

std::string ToText(const Violation& violation) {
  std::string out;
  if (!violation.file.empty()) {
    out += violation.file;
    if (violation.line > 0) {
      out += ":" + std::to_string(violation.line) + ":" + std::to_string(violation.column);
    }
    out += ": ";
  }
  if (!violation.resource.empty()) out += violation.resource + ": ";
  if (!violation.path.empty()) out += violation.path + ": ";
  return out + violation.message;
}

Violation FieldViolation(std::string_view path, std::string_view reason,
                         std::string_view message) {
  Violation violation;
  violation.path = std::string(path);
  violation.reason = std::string(reason);
  violation.message = std::string(message);
  return violation;
}

std::string Child(std::string_view path, std::string_view name) {
  std::string out(path);
  if (!out.empty()) out += '.';
  out += name;
  return out;
}

std::string Item(std::string_view path, std::size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

}  // namespace tidegate::config
