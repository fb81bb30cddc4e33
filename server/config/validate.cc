#include "server/config/validate.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <set>

#include "server/base/strings.h"
#include "server/config/field_rules.h"
#include "server/config/formats.h"
#include "server/config/names.h"
#include "server/config/values.h"
#include "tidegate/config/v1/options.pb.h"

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;

constexpr int kTextBytesMax = 64 * 1024;   // unless a field says otherwise
constexpr int kFormedBytesMax = 255;       // the same for texts of a form: names, words
constexpr int kItemsMax = 1000;            // unless a list says otherwise
constexpr int kMapKeyBytesMax = 255;
constexpr std::size_t kViolationsMax = 1000;

// Numbers, sizes and durations compared as one number: billionths of a second for durations.
using Wide = __int128;

class Validator {
 public:
  explicit Validator(Violations& violations) : violations_(violations) {}

  void Message(const pb::Message& message, const std::string& path) {
    const pb::Descriptor* type = message.GetDescriptor();
    const pb::Reflection* reflection = message.GetReflection();
    for (int i = 0; i < type->field_count(); ++i) {
      const pb::FieldDescriptor* field = type->field(i);
      const v1::FieldRules& rules = RulesOf(field);
      if (rules.output_only() || violations_.size() >= kViolationsMax) continue;
      const std::string field_path = Child(path, field->json_name());
      if (field->is_map()) {
        Map(message, field, field_path);
      } else if (field->is_repeated()) {
        List(message, field, field_path);
      } else if (reflection->HasField(message, field)) {
        if (!NotBuilt(rules, field_path)) Value(message, field, -1, field_path);
      } else if (rules.required()) {
        Add(field_path, kRequiredField, "is required");
      }
    }
  }

 private:
  void Add(const std::string& path, std::string_view reason, const std::string& text) {
    violations_.push_back(FieldViolation(path, reason, text));
  }

  bool NotBuilt(const v1::FieldRules& rules, const std::string& path) {
    if (rules.not_built().empty()) return false;
    Add(path, kNotBuilt, NotBuiltText(rules.not_built()));
    return true;
  }

  void Map(const pb::Message& message, const pb::FieldDescriptor* field,
           const std::string& path) {
    const v1::FieldRules& rules = RulesOf(field);
    const pb::Reflection* reflection = message.GetReflection();
    const int count = reflection->FieldSize(message, field);
    if (count > 0 && NotBuilt(rules, path)) return;
    CheckCount(rules, count, path);
    const int max_len = rules.max_len() > 0 ? rules.max_len() : kTextBytesMax;
    for (int i = 0; i < count; ++i) {
      const pb::Message& entry = reflection->GetRepeatedMessage(message, field, i);
      const pb::Descriptor* type = entry.GetDescriptor();
      const std::string key = entry.GetReflection()->GetString(entry, type->map_key());
      const std::string value = entry.GetReflection()->GetString(entry, type->map_value());
      if (key.empty() || key.size() > kMapKeyBytesMax) {
        Add(path, kInvalidField, "keys must have 1 to 255 bytes");
      } else if (static_cast<int>(value.size()) > max_len) {
        Add(path + "[" + key + "]", kInvalidField, "is longer than " + Bytes(max_len));
      }
    }
  }

  void CheckCount(const v1::FieldRules& rules, int count, const std::string& path) {
    const int most = rules.max_items() > 0 ? rules.max_items() : kItemsMax;
    if (count < rules.min_items()) {
      Add(path, kRequiredField, "must have at least " + std::to_string(rules.min_items()) +
                                    (rules.min_items() == 1 ? " item" : " items"));
    }
    if (count > most) {
      Add(path, kInvalidField, "must have at most " + std::to_string(most) + " items");
    }
  }

  void List(const pb::Message& message, const pb::FieldDescriptor* field,
            const std::string& path) {
    const v1::FieldRules& rules = RulesOf(field);
    const int count = message.GetReflection()->FieldSize(message, field);
    if (count > 0 && NotBuilt(rules, path)) return;
    if (count == 0 && rules.required()) {
      Add(path, kRequiredField, "is required");
      return;
    }
    CheckCount(rules, count, path);
    std::set<std::string> seen;
    for (int i = 0; i < count; ++i) {
      const std::string item_path = Item(path, static_cast<std::size_t>(i));
      Value(message, field, i, item_path);
      if (violations_.size() >= kViolationsMax) return;
      const std::string key = KeyOf(message, field, i);
      if (!key.empty() && !seen.insert(key).second) {
        const std::string& unique = rules.unique_key();
        Add(unique.empty() ? item_path : Child(item_path, unique), kDuplicate,
            "stands twice in the list");
      }
    }
  }

  // What must differ between the items of a list; empty when nothing must.
  static std::string KeyOf(const pb::Message& message, const pb::FieldDescriptor* field, int i) {
    const v1::FieldRules& rules = RulesOf(field);
    const pb::Reflection* reflection = message.GetReflection();
    if (!rules.unique_key().empty()) {
      const pb::Message& item = reflection->GetRepeatedMessage(message, field, i);
      const pb::FieldDescriptor* key = item.GetDescriptor()->FindFieldByName(rules.unique_key());
      return key == nullptr ? "" : item.GetReflection()->GetString(item, key);
    }
    if (!rules.unique()) return "";
    if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING) {
      return reflection->GetRepeatedString(message, field, i);
    }
    if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM) {
      return std::to_string(reflection->GetRepeatedEnumValue(message, field, i));
    }
    if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT32) {
      return std::to_string(reflection->GetRepeatedInt32(message, field, i));
    }
    return "";
  }

  void Value(const pb::Message& message, const pb::FieldDescriptor* field, int index,
             const std::string& path) {
    const pb::Reflection* reflection = message.GetReflection();
    switch (field->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_STRING:
        Text(field,
             index < 0 ? reflection->GetString(message, field)
                       : reflection->GetRepeatedString(message, field, index),
             path);
        break;
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        Enum(index < 0 ? reflection->GetEnumValue(message, field)
                       : reflection->GetRepeatedEnumValue(message, field, index),
             field->enum_type(), path);
        break;
      case pb::FieldDescriptor::CPPTYPE_INT32:
        Range(field,
              index < 0 ? reflection->GetInt32(message, field)
                        : reflection->GetRepeatedInt32(message, field, index),
              path);
        break;
      case pb::FieldDescriptor::CPPTYPE_INT64:
        Range(field,
              index < 0 ? reflection->GetInt64(message, field)
                        : reflection->GetRepeatedInt64(message, field, index),
              path);
        break;
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        Nested(index < 0 ? reflection->GetMessage(message, field)
                         : reflection->GetRepeatedMessage(message, field, index),
               field, path);
        break;
      default:
        break;
    }
  }

  void Nested(const pb::Message& child, const pb::FieldDescriptor* field,
              const std::string& path) {
    if (const auto* duration = dynamic_cast<const pb::Duration*>(&child)) {
      if (RulesOf(field).allow_never() && duration->seconds() == kNeverSeconds) return;
      if (duration->seconds() < 0 || duration->nanos() < 0 || duration->nanos() > 999'999'999) {
        Add(path, kInvalidField, "must not be negative");
        return;
      }
      Range(field, static_cast<Wide>(duration->seconds()) * 1'000'000'000 + duration->nanos(),
            path);
    } else if (!IsTimestamp(field)) {
      CheckArms(child, path);
      Message(child, path);
    }
  }

  // A message that is nothing but a choice must choose: an entrypoint is of some kind. A secret
  // that says only `set` stands for what is stored.
  void CheckArms(const pb::Message& message, const std::string& path) {
    const pb::Descriptor* type = message.GetDescriptor();
    if (const pb::FieldDescriptor* text = TextField(type)) {
      const pb::FieldDescriptor* set = type->FindFieldByName("set");
      const bool kept = set != nullptr && message.GetReflection()->GetBool(message, set);
      const bool given = message.GetReflection()->HasOneof(message, text->containing_oneof());
      if (!kept && !given) Add(path, kRequiredField, "must be a text, {env} or {file}");
      return;
    }
    if (type->real_oneof_decl_count() != 1 || ArmWords(type).empty()) return;
    const pb::OneofDescriptor* oneof = type->oneof_decl(0);
    if (static_cast<int>(ArmWords(type).size()) != oneof->field_count()) return;
    if (message.GetReflection()->GetOneofFieldDescriptor(message, oneof) != nullptr) return;
    Add(path, kRequiredField, "must say one of " + Join(ArmWords(type), ", "));
  }

  void Text(const pb::FieldDescriptor* field, const std::string& text, const std::string& path) {
    const v1::FieldRules& rules = RulesOf(field);
    const bool formed = rules.format() != v1::FORMAT_UNSPECIFIED;
    const int most = rules.max_len() > 0 ? rules.max_len()
                     : formed            ? kFormedBytesMax
                                         : kTextBytesMax;
    if (text.empty() && rules.required() && !field->is_repeated()) {
      Add(path, kRequiredField, "is required");
    } else if (static_cast<int>(text.size()) < rules.min_len() ||
               (text.empty() && (formed || field->is_repeated()))) {
      Add(path, kInvalidField, "must not be empty");
    } else if (static_cast<int>(text.size()) > most) {
      Add(path, kInvalidField, "is longer than " + Bytes(most));
    } else if (formed) {
      const std::string error = CheckFormat(rules.format(), text);
      if (!error.empty()) Add(path, kInvalidField, error);
    }
  }

  void Enum(int number, const pb::EnumDescriptor* type, const std::string& path) {
    const pb::EnumValueDescriptor* value = type->FindValueByNumber(number);
    if (number == 0 || value == nullptr) {
      Add(path, kInvalidField, "must be one of " + Join(EnumWords(type), ", "));
    } else if (const std::string what = NotBuiltName(value); !what.empty()) {
      Add(path, kNotBuilt, NotBuiltText(what));
    }
  }

  static Wide Bound(const pb::FieldDescriptor* field, const std::string& text) {
    std::string error;
    if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
      DurationValue value;
      ParseDuration(text, false, &value, &error);
      return static_cast<Wide>(value.seconds) * 1'000'000'000 + value.nanos;
    }
    std::int64_t value = 0;
    if (RulesOf(field).size()) {
      ParseSize(text, &value, &error);
      return value;
    }
    return static_cast<Wide>(ParseUint(text).value_or(0));
  }

  void Range(const pb::FieldDescriptor* field, Wide value, const std::string& path) {
    const v1::FieldRules& rules = RulesOf(field);
    const bool low = !rules.min().empty() && value < Bound(field, rules.min());
    const bool high = !rules.max().empty() && value > Bound(field, rules.max());
    if (!low && !high) {
      if (value < 0) Add(path, kInvalidField, "must not be negative");
      return;
    }
    if (rules.max().empty()) {
      Add(path, kInvalidField, "must be at least " + rules.min());
    } else if (rules.min().empty()) {
      Add(path, kInvalidField, "must be at most " + rules.max());
    } else {
      Add(path, kInvalidField, "must be from " + rules.min() + " to " + rules.max());
    }
  }

  static std::string Bytes(int count) { return PrintSize(count); }

  Violations& violations_;
};

}  // namespace

void ValidateFields(const pb::Message& message, Violations& violations) {
  Validator(violations).Message(message, "");
}

}  // namespace tidegate::config
