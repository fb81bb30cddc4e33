#include "tests/server/config/descriptor_rules.h"

#include <algorithm>

#include "tidegate/config/v1/options.pb.h"

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;

bool IsLowerSnake(const std::string& name) {
  if (name.empty() || name.front() < 'a' || name.front() > 'z' || name.back() == '_') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool IsPascal(const std::string& name) {
  return !name.empty() && name.front() >= 'A' && name.front() <= 'Z' &&
         name.find('_') == std::string::npos;
}

std::string UpperSnake(const std::string& pascal) {
  std::string out;
  for (const char c : pascal) {
    if (c >= 'A' && c <= 'Z' && !out.empty()) out += '_';
    out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool NamesASecret(const std::string& name) {
  for (const char* word : {"password", "secret", "token", "key", "credential", "plaintext"}) {
    if (name == word) return true;
  }
  return EndsWith(name, "_password") || EndsWith(name, "_secret");
}

class Checker {
 public:
  void File(const pb::FileDescriptor* file) {
    std::string folder = file->package() + ".";
    std::replace(folder.begin(), folder.end(), '.', '/');
    if (file->name().compare(0, folder.size(), folder) != 0) {
      Add(file->name(), "its folder is not its package");
    }
    if (file->message_type_count() > 20) Add(file->name(), "has more than 20 messages");
    for (int i = 0; i < file->message_type_count(); ++i) Message(file->message_type(i));
    for (int i = 0; i < file->enum_type_count(); ++i) Enum(file->enum_type(i));
    for (int i = 0; i < file->service_count(); ++i) Service(file->service(i));
  }

  std::vector<std::string> problems;

 private:
  void Add(const std::string& name, const std::string& text) {
    problems.push_back(name + ": " + text);
  }

  template <typename D>
  void Comment(const D* descriptor) {
    pb::SourceLocation location;
    if (!descriptor->GetSourceLocation(&location) || location.leading_comments.empty()) {
      Add(descriptor->full_name(), "has no comment");
    }
  }

  void Message(const pb::Descriptor* type) {
    if (type->options().map_entry()) return;
    Comment(type);
    if (!IsPascal(type->name())) Add(type->full_name(), "is not PascalCase");
    for (int i = 0; i < type->field_count(); ++i) Field(type->field(i));
    for (int i = 0; i < type->real_oneof_decl_count(); ++i) {
      Comment(type->oneof_decl(i));
      if (!IsLowerSnake(type->oneof_decl(i)->name())) {
        Add(type->oneof_decl(i)->full_name(), "is not lower_snake_case");
      }
    }
    for (int i = 0; i < type->nested_type_count(); ++i) Message(type->nested_type(i));
    for (int i = 0; i < type->enum_type_count(); ++i) Enum(type->enum_type(i));
  }

  void Field(const pb::FieldDescriptor* field) {
    Comment(field);
    if (!IsLowerSnake(field->name())) Add(field->full_name(), "is not lower_snake_case");
    const v1::FieldRules& rules = field->options().GetExtension(v1::field);
    const bool text = field->cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING;
    if (text && NamesASecret(field->name()) && !rules.sensitive()) {
      Add(field->full_name(), "is named like a secret and is not sensitive");
    }
    if (!rules.default_().empty() && !field->has_presence()) {
      Add(field->full_name(), "has a default and is not optional");
    }
    if (rules.required() && !rules.default_().empty()) {
      Add(field->full_name(), "is required and has a default");
    }
  }

  void Enum(const pb::EnumDescriptor* type) {
    Comment(type);
    const std::string prefix = UpperSnake(type->name()) + "_";
    for (int i = 0; i < type->value_count(); ++i) {
      const pb::EnumValueDescriptor* value = type->value(i);
      Comment(value);
      if (value->name().compare(0, prefix.size(), prefix) != 0) {
        Add(value->full_name(), "does not begin with " + prefix);
      }
    }
    if (type->value(0)->number() != 0 || !EndsWith(type->value(0)->name(), "_UNSPECIFIED")) {
      Add(type->full_name(), "does not begin with an _UNSPECIFIED of 0");
    }
  }

  void Service(const pb::ServiceDescriptor* service) {
    Comment(service);
    if (!EndsWith(service->name(), "Service")) Add(service->full_name(), "is not a ...Service");
    for (int i = 0; i < service->method_count(); ++i) {
      const pb::MethodDescriptor* method = service->method(i);
      Comment(method);
      if (!IsPascal(method->name())) Add(method->full_name(), "is not PascalCase");
      if (method->input_type()->name() != method->name() + "Request") {
        Add(method->full_name(), "does not take a " + method->name() + "Request");
      }
    }
  }
};

}  // namespace

std::vector<std::string> CheckFile(const pb::FileDescriptor* file) {
  Checker checker;
  checker.File(file);
  return checker.problems;
}

}  // namespace tidegate::config
