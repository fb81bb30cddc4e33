#include "server/config/unknown_fields.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;

constexpr std::size_t kUnknownMax = 40;  // as many as an error may carry

void Find(const pb::Message& message, const std::string& path, Violations& violations) {
  const pb::Reflection* reflection = message.GetReflection();
  const pb::UnknownFieldSet& unknown = reflection->GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count() && violations.size() < kUnknownMax; ++i) {
    violations.push_back(FieldViolation(
        Child(path, std::to_string(unknown.field(i).number())), kUnknownField,
        "is a field of " + message.GetDescriptor()->name() + " that this version does not know"));
  }
  std::vector<const pb::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
    const std::string child = Child(path, field->json_name());
    if (!field->is_repeated()) {
      Find(reflection->GetMessage(message, field), child, violations);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      Find(reflection->GetRepeatedMessage(message, field, i),
           Item(child, static_cast<std::size_t>(i)), violations);
    }
  }
}

}  // namespace

void FindUnknownFields(const pb::Message& message, Violations& violations) {
  Find(message, "", violations);
}

}  // namespace tidegate::config
