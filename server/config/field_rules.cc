#include "server/config/field_rules.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <limits>

#include "server/base/strings.h"
#include "server/config/values.h"
#include "server/config/violation.h"
#include "tidegate/config/v1/common.pb.h"
#include "tidegate/config/v1/options.pb.h"

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;

bool IsMessage(const pb::FieldDescriptor* field, std::string_view full_name) {
  return field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE &&
         field->message_type()->full_name() == full_name;
}

// The values of an enum carry its name as a prefix: QOS_ of Qos.
std::string_view WithoutPrefix(const pb::EnumValueDescriptor* value) {
  std::string prefix;
  for (const char c : value->type()->name()) {
    if (c >= 'A' && c <= 'Z' && !prefix.empty()) prefix += '_';
    prefix += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  const std::string_view name = value->name();
  return StartsWith(name, prefix) && name.size() > prefix.size() ? name.substr(prefix.size() + 1)
                                                                 : name;
}

bool ParseInteger(std::string_view text, std::int64_t* out) {
  const bool negative = !text.empty() && text.front() == '-';
  const auto digits = ParseUint(negative ? text.substr(1) : text);
  if (!digits || *digits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return false;
  }
  *out = negative ? -static_cast<std::int64_t>(*digits) : static_cast<std::int64_t>(*digits);
  return true;
}

pb::Message* Target(pb::Message* message, const pb::FieldDescriptor* field, bool append) {
  const pb::Reflection* reflection = message->GetReflection();
  return append ? reflection->AddMessage(message, field)
                : reflection->MutableMessage(message, field);
}

bool SetMessageFromText(pb::Message* message, const pb::FieldDescriptor* field,
                        std::string_view text, bool append, std::string* error) {
  if (IsDuration(field)) {
    DurationValue value;
    if (!ParseDuration(text, RulesOf(field).allow_never(), &value, error)) return false;
    pb::Duration duration;
    duration.set_seconds(value.seconds);
    duration.set_nanos(value.nanos);
    Target(message, field, append)->CopyFrom(duration);
    return true;
  }
  if (IsPeriod(field)) {
    PeriodValue value;
    if (!ParsePeriod(text, &value, error)) return false;
    v1::Period period;
    period.set_count(value.count);
    period.set_unit(static_cast<v1::PeriodUnit>(value.unit));
    Target(message, field, append)->CopyFrom(period);
    return true;
  }
  pb::Timestamp time;
  if (!IsTimestamp(field) || !pb::util::TimeUtil::FromString(std::string(text), &time)) {
    *error = "must be a time such as 2030-01-01T00:00:00Z";
    return false;
  }
  Target(message, field, append)->CopyFrom(time);
  return true;
}

bool SetEnumFromText(pb::Message* message, const pb::FieldDescriptor* field,
                     std::string_view text, bool append, std::string* error) {
  const pb::EnumValueDescriptor* value = EnumOfWord(field->enum_type(), text);
  if (value == nullptr) {
    const std::vector<std::string> words = EnumWords(field->enum_type());
    *error = "must be one of " + Join(words, ", ");
    const std::string nearest = Nearest(KebabOfUpper(text.substr(0, 64)), words);
    if (!nearest.empty()) *error += "; did you mean " + nearest + "?";
    return false;
  }
  const pb::Reflection* reflection = message->GetReflection();
  if (append) {
    reflection->AddEnum(message, field, value);
  } else {
    reflection->SetEnum(message, field, value);
  }
  return true;
}

bool SetIntegerFromText(pb::Message* message, const pb::FieldDescriptor* field,
                        std::string_view text, bool append, std::string* error) {
  std::int64_t value = 0;
  if (RulesOf(field).size()) {
    if (!ParseSize(text, &value, error)) return false;
  } else if (!ParseInteger(text, &value)) {
    *error = "must be a whole number";
    return false;
  }
  const pb::Reflection* reflection = message->GetReflection();
  if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64) {
    append ? reflection->AddInt64(message, field, value)
           : reflection->SetInt64(message, field, value);
    return true;
  }
  if (value < std::numeric_limits<std::int32_t>::min() ||
      value > std::numeric_limits<std::int32_t>::max()) {
    *error = "must be a whole number of at most 2147483647";
    return false;
  }
  const auto narrow = static_cast<std::int32_t>(value);
  append ? reflection->AddInt32(message, field, narrow)
         : reflection->SetInt32(message, field, narrow);
  return true;
}

bool SetBoolFromText(pb::Message* message, const pb::FieldDescriptor* field,
                     std::string_view text, bool append, std::string* error) {
  const std::string word = ToLower(text);
  if (word != "true" && word != "false") {
    *error = "must be true or false";
    return false;
  }
  const pb::Reflection* reflection = message->GetReflection();
  append ? reflection->AddBool(message, field, word == "true")
         : reflection->SetBool(message, field, word == "true");
  return true;
}

}  // namespace

const v1::FieldRules& RulesOf(const pb::FieldDescriptor* field) {
  return field->options().GetExtension(v1::field);
}

std::string NotBuiltName(const pb::EnumValueDescriptor* value) {
  return value->options().GetExtension(v1::value).not_built();
}

std::string NotBuiltText(std::string_view what) {
  return std::string(what) + " are not built yet in this version";
}

const pb::FieldDescriptor* TextField(const pb::Descriptor* type) {
  const std::string& name = type->options().GetExtension(v1::message).text_field();
  return name.empty() ? nullptr : type->FindFieldByName(name);
}

bool IsArm(const pb::FieldDescriptor* field) {
  return field->real_containing_oneof() != nullptr &&
         field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE;
}

const pb::FieldDescriptor* ArmOfWord(const pb::Descriptor* type, std::string_view word) {
  if (type->real_oneof_decl_count() != 1) return nullptr;
  const pb::OneofDescriptor* oneof = type->oneof_decl(0);
  const std::string folded = FoldWord(word);
  for (int i = 0; i < oneof->field_count(); ++i) {
    const pb::FieldDescriptor* field = oneof->field(i);
    if (IsArm(field) && FoldWord(field->name()) == folded) return field;
  }
  return nullptr;
}

std::vector<std::string> ArmWords(const pb::Descriptor* type) {
  std::vector<std::string> words;
  if (type->real_oneof_decl_count() != 1) return words;
  const pb::OneofDescriptor* oneof = type->oneof_decl(0);
  for (int i = 0; i < oneof->field_count(); ++i) {
    if (IsArm(oneof->field(i))) words.push_back(KebabOfCamel(oneof->field(i)->json_name()));
  }
  return words;
}

std::vector<std::string> EnumWords(const pb::EnumDescriptor* type) {
  std::vector<std::string> words;
  for (int i = 0; i < type->value_count(); ++i) {
    if (type->value(i)->number() != 0) words.push_back(EnumWord(type->value(i)));
  }
  return words;
}

std::string EnumWord(const pb::EnumValueDescriptor* value) {
  return KebabOfUpper(WithoutPrefix(value));
}

const pb::EnumValueDescriptor* EnumOfWord(const pb::EnumDescriptor* type, std::string_view word) {
  const std::string folded = FoldWord(word);
  for (int i = 0; i < type->value_count(); ++i) {
    const pb::EnumValueDescriptor* value = type->value(i);
    if (value->number() == 0) continue;
    if (FoldWord(WithoutPrefix(value)) == folded || FoldWord(value->name()) == folded) {
      return value;
    }
  }
  return nullptr;
}

bool IsDuration(const pb::FieldDescriptor* field) {
  return IsMessage(field, "google.protobuf.Duration");
}
bool IsTimestamp(const pb::FieldDescriptor* field) {
  return IsMessage(field, "google.protobuf.Timestamp");
}
bool IsPeriod(const pb::FieldDescriptor* field) {
  return IsMessage(field, "tidegate.config.v1.Period");
}
bool IsSecret(const pb::FieldDescriptor* field) {
  return IsMessage(field, "tidegate.config.v1.Secret");
}

bool SetFromText(pb::Message* message, const pb::FieldDescriptor* field, std::string_view text,
                 bool append, std::string* error) {
  const pb::Reflection* reflection = message->GetReflection();
  switch (field->cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_STRING:
      append ? reflection->AddString(message, field, std::string(text))
             : reflection->SetString(message, field, std::string(text));
      return true;
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return SetBoolFromText(message, field, text, append, error);
    case pb::FieldDescriptor::CPPTYPE_INT32:
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return SetIntegerFromText(message, field, text, append, error);
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return SetEnumFromText(message, field, text, append, error);
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      return SetMessageFromText(message, field, text, append, error);
    default:
      *error = "is of a type that cannot be written as a text";
      return false;
  }
}

void ApplyDefaults(pb::Message* message) {
  const pb::Descriptor* type = message->GetDescriptor();
  const pb::Reflection* reflection = message->GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const pb::FieldDescriptor* field = type->field(i);
    if (field->is_repeated()) {
      if (field->is_map() || field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
      const int count = reflection->FieldSize(*message, field);
      for (int item = 0; item < count; ++item) {
        ApplyDefaults(reflection->MutableRepeatedMessage(message, field, item));
      }
      continue;
    }
    if (!reflection->HasField(*message, field)) {
      const std::string& text = RulesOf(field).default_();
      std::string error;
      if (!text.empty()) SetFromText(message, field, text, false, &error);
      continue;
    }
    if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE && !IsDuration(field) &&
        !IsTimestamp(field)) {
      ApplyDefaults(reflection->MutableMessage(message, field));
    }
  }
}

}  // namespace tidegate::config
