#include "server/config/yaml_printer.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "server/config/bind.h"
#include "server/config/field_rules.h"
#include "server/config/names.h"
#include "server/config/redact.h"
#include "server/config/values.h"
#include "tidegate/config/v1/common.pb.h"
#include "tidegate/config/v1/options.pb.h"

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;

// One value of a field; `index` is -1 for a field that is not a list.
class Value {
 public:
  Value(const pb::Message& message, const pb::FieldDescriptor* field, int index)
      : message_(message), field_(field), index_(index), reflection_(message.GetReflection()) {}

  TextNode Tree(const TreeOptions& options) const {
    switch (field_->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_STRING:
        return TextNode::Scalar(String(), true);
      case pb::FieldDescriptor::CPPTYPE_BOOL: {
        const bool value = index_ < 0 ? reflection_->GetBool(message_, field_)
                                      : reflection_->GetRepeatedBool(message_, field_, index_);
        return TextNode::Scalar(value ? "true" : "false", false);
      }
      case pb::FieldDescriptor::CPPTYPE_ENUM: {
        const pb::EnumValueDescriptor* value =
            index_ < 0 ? reflection_->GetEnum(message_, field_)
                       : reflection_->GetRepeatedEnum(message_, field_, index_);
        return TextNode::Scalar(EnumWord(value), true);
      }
      case pb::FieldDescriptor::CPPTYPE_INT32:
      case pb::FieldDescriptor::CPPTYPE_INT64:
        if (RulesOf(field_).size()) return TextNode::Scalar(PrintSize(Integer()), true);
        return TextNode::Scalar(std::to_string(Integer()), false);
      default:
        return MessageTree(options);
    }
  }

 private:
  std::string String() const {
    return index_ < 0 ? reflection_->GetString(message_, field_)
                      : reflection_->GetRepeatedString(message_, field_, index_);
  }
  std::int64_t Integer() const {
    if (field_->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64) {
      return index_ < 0 ? reflection_->GetInt64(message_, field_)
                        : reflection_->GetRepeatedInt64(message_, field_, index_);
    }
    return index_ < 0 ? reflection_->GetInt32(message_, field_)
                      : reflection_->GetRepeatedInt32(message_, field_, index_);
  }
  const pb::Message& Child() const {
    return index_ < 0 ? reflection_->GetMessage(message_, field_)
                      : reflection_->GetRepeatedMessage(message_, field_, index_);
  }

  TextNode MessageTree(const TreeOptions& options) const {
    const pb::Message& child = Child();
    if (const auto* duration = dynamic_cast<const pb::Duration*>(&child)) {
      return TextNode::Scalar(PrintDuration({duration->seconds(), duration->nanos()}), true);
    }
    if (const auto* time = dynamic_cast<const pb::Timestamp*>(&child)) {
      return TextNode::Scalar(pb::util::TimeUtil::ToString(*time), true);
    }
    if (const auto* period = dynamic_cast<const v1::Period*>(&child)) {
      if (period->count() > 0 && period->unit() != v1::PERIOD_UNIT_UNSPECIFIED) {
        return TextNode::Scalar(PrintPeriod({period->count(), period->unit()}), true);
      }
    }
    if (const auto* secret = dynamic_cast<const v1::Secret*>(&child)) {
      if (options.redact && secret->source_case() == v1::Secret::kText) {
        v1::Secret hidden = *secret;
        Redact(&hidden);
        return TreeOf(hidden, options);
      }
    }
    return Shortened(child, TreeOf(child, options));
  }

  // The word or text that stands for the whole message, where one does.
  static TextNode Shortened(const pb::Message& message, TextNode tree) {
    if (tree.items.size() != 1) return tree;
    const pb::Descriptor* type = message.GetDescriptor();
    const TextNode& only = tree.items.front();
    const pb::FieldDescriptor* text = TextField(type);
    if (text != nullptr && tree.keys.front().text == text->json_name()) return only;
    if (only.kind != TextNode::Kind::kMap || !only.items.empty()) return tree;
    const pb::FieldDescriptor* arm = ArmOfWord(type, tree.keys.front().text);
    if (arm == nullptr) return tree;
    return TextNode::Scalar(KebabOfCamel(arm->json_name()), true);
  }

  const pb::Message& message_;
  const pb::FieldDescriptor* field_;
  int index_;
  const pb::Reflection* reflection_;
};

TextNode MapTree(const pb::Message& message, const pb::FieldDescriptor* field) {
  const pb::Reflection* reflection = message.GetReflection();
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
    const pb::Message& entry = reflection->GetRepeatedMessage(message, field, i);
    const pb::Descriptor* type = entry.GetDescriptor();
    entries.emplace_back(entry.GetReflection()->GetString(entry, type->map_key()),
                         entry.GetReflection()->GetString(entry, type->map_value()));
  }
  std::sort(entries.begin(), entries.end());
  TextNode tree;
  tree.kind = TextNode::Kind::kMap;
  for (auto& [key, value] : entries) tree.Add(key, TextNode::Scalar(value, true));
  return tree;
}

const char* KindOf(const pb::Descriptor* type) {
  for (const char* kind : {"Api", "Application", "Subscription", "Gateway"}) {
    if (type->full_name() == std::string("tidegate.config.v1.") + kind) return kind;
  }
  return nullptr;
}

}  // namespace

TextNode TreeOf(const pb::Message& message, const TreeOptions& options) {
  TextNode tree;
  tree.kind = TextNode::Kind::kMap;
  const pb::Descriptor* type = message.GetDescriptor();
  const pb::Reflection* reflection = message.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const pb::FieldDescriptor* field = type->field(i);
    if (RulesOf(field).output_only() && !options.output_only) continue;
    if (field->is_map()) {
      if (reflection->FieldSize(message, field) == 0) continue;
      tree.Add(field->json_name(), MapTree(message, field));
    } else if (field->is_repeated()) {
      TextNode list;
      list.kind = TextNode::Kind::kList;
      const int count = reflection->FieldSize(message, field);
      for (int item = 0; item < count; ++item) {
        list.items.push_back(Value(message, field, item).Tree(options));
      }
      if (count > 0) tree.Add(field->json_name(), std::move(list));
    } else if (reflection->HasField(message, field)) {
      tree.Add(field->json_name(), Value(message, field, -1).Tree(options));
    }
  }
  return tree;
}

std::string Print(const pb::Message& message, const PrintOptions& options) {
  std::unique_ptr<pb::Message> copy(message.New());
  copy->CopyFrom(message);
  ShortenNames(copy.get());
  TextNode tree;
  tree.kind = TextNode::Kind::kMap;
  const char* kind = KindOf(message.GetDescriptor());
  if (options.kind && kind != nullptr) tree.Add("kind", TextNode::Scalar(kind, true));
  TextNode body = TreeOf(*copy, {options.status, true});
  for (std::size_t i = 0; i < body.items.size(); ++i) {
    tree.Add(body.keys[i].text, std::move(body.items[i]));
  }
  return options.form == PrintForm::kJson ? WriteJson(tree) : WriteYaml(tree);
}

}  // namespace tidegate::config
