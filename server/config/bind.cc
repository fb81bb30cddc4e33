#include "server/config/bind.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "server/base/strings.h"
#include "server/config/field_rules.h"
#include "server/config/values.h"
#include "tidegate/config/v1/options.pb.h"

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;

constexpr std::size_t kViolationsMax = 1000;  // more help nobody, and would fill the memory

class Binder {
 public:
  explicit Binder(const BindContext& context) : context_(context) {}

  void Root(const TextNode& node, std::string_view ignored, pb::Message* message) {
    BindMap(node, ignored, message, "");
  }

 private:
  void Refuse(int line, int column, const std::string& path, std::string_view reason,
              const std::string& text) {
    if (context_.violations->size() >= kViolationsMax) return;
    Violation violation = FieldViolation(path, reason, text);
    violation.file = std::string(context_.file);
    violation.line = line;
    violation.column = column;
    context_.violations->push_back(std::move(violation));
  }
  void Refuse(const TextNode& node, const std::string& path, std::string_view reason,
              const std::string& text) {
    Refuse(node.line, node.column, path, reason, text);
  }

  // As much of a key as helps to find it.

  const pb::FieldDescriptor* FindField(const pb::Descriptor* type, const std::string& key) {
    for (int i = 0; i < type->field_count(); ++i) {
      if (type->field(i)->json_name() == key) return type->field(i);
    }
    for (int i = 0; i < type->field_count(); ++i) {
      const pb::FieldDescriptor* field = type->field(i);
      if (IsArm(field) && FoldWord(field->name()) == FoldWord(key)) return field;
    }
    return nullptr;
  }

  void RefuseUnknown(const pb::Descriptor* type, const TextNode::Key& key,
                     const std::string& path) {
    std::vector<std::string> names;
    for (int i = 0; i < type->field_count(); ++i) names.push_back(type->field(i)->json_name());
    const std::string nearest = Nearest(Shown(key.text), names);
    std::string text = "is not a field of " + type->name();
    if (!nearest.empty()) {
      text += "; did you mean " + nearest + "?";
    } else if (!names.empty()) {
      text += "; its fields are " + Join(names, ", ");
    }
    Refuse(key.line, key.column, Child(path, Shown(key.text)), kUnknownField, text);
  }

  void BindMap(const TextNode& node, std::string_view ignored, pb::Message* message,
               const std::string& path) {
    const pb::Descriptor* type = message->GetDescriptor();
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (context_.violations->size() >= kViolationsMax) return;
      const TextNode::Key& key = node.keys[i];
      if (!ignored.empty() && IsIgnored(ignored, key.text)) continue;
      const pb::FieldDescriptor* field = FindField(type, key.text);
      if (field == nullptr && key.text == "contentFrom" && type->FindFieldByName("content")) {
        BindContentFrom(node.items[i], message, Child(path, key.text));
        continue;
      }
      if (field == nullptr) {
        RefuseUnknown(type, key, path);
        continue;
      }
      const std::string field_path = Child(path, field->json_name());
      if (context_.places) context_.places->emplace(field_path, Place{key.line, key.column});
      if (!CheckOneof(*message, field, key, field_path)) continue;
      BindField(node.items[i], message, field, field_path);
    }
  }

  static bool IsIgnored(std::string_view ignored, std::string_view key) {
    for (const std::string_view word : Split(ignored, ' ')) {
      if (word == key) return true;
    }
    return false;
  }

  bool CheckOneof(const pb::Message& message, const pb::FieldDescriptor* field,
                  const TextNode::Key& key, const std::string& path) {
    const pb::OneofDescriptor* oneof = field->real_containing_oneof();
    if (oneof == nullptr) return true;
    const pb::FieldDescriptor* other =
        message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
    if (other == nullptr) return true;
    Refuse(key.line, key.column, path, kInvalidField,
           "cannot stand beside " + other->json_name() + "; only one of them can be given");
    return false;
  }

  void BindField(const TextNode& node, pb::Message* message, const pb::FieldDescriptor* field,
                 const std::string& path) {
    if (node.kind == TextNode::Kind::kNull) {
      if (IsArm(field)) {
        message->GetReflection()->MutableMessage(message, field);
      } else {
        Refuse(node, path, kInvalidField, "has no value; give one or leave the key out");
      }
      return;
    }
    if (field->is_map()) {
      BindTextMap(node, message, field, path);
    } else if (!field->is_repeated()) {
      BindValue(node, message, field, false, path);
    } else if (node.kind == TextNode::Kind::kList) {
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        const TextNode& item = node.items[i];
        const std::string item_path = Item(path, i);
        if (context_.places) context_.places->emplace(item_path, Place{item.line, item.column});
        if (item.kind == TextNode::Kind::kNull) {
          Refuse(item, item_path, kInvalidField, "has no value");
        } else {
          BindValue(item, message, field, true, item_path);
        }
      }
    } else {
      BindValue(node, message, field, true, Item(path, 0));
    }
  }

  void BindTextMap(const TextNode& node, pb::Message* message, const pb::FieldDescriptor* field,
                   const std::string& path) {
    if (node.kind != TextNode::Kind::kMap) {
      Refuse(node, path, kInvalidField, "must be a mapping of names to texts");
      return;
    }
    const pb::Reflection* reflection = message->GetReflection();
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const std::string item_path = path + "[" + Shown(node.keys[i].text) + "]";
      if (node.items[i].kind != TextNode::Kind::kScalar) {
        Refuse(node.items[i], item_path, kInvalidField, "must be a text");
        continue;
      }
      pb::Message* entry = reflection->AddMessage(message, field);
      const pb::Descriptor* type = entry->GetDescriptor();
      entry->GetReflection()->SetString(entry, type->map_key(), node.keys[i].text);
      entry->GetReflection()->SetString(entry, type->map_value(), node.items[i].text);
    }
  }

  void BindValue(const TextNode& node, pb::Message* message, const pb::FieldDescriptor* field,
                 bool append, const std::string& path) {
    const bool is_message = field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE;
    const bool is_text = !is_message || IsDuration(field) || IsTimestamp(field) ||
                         (IsPeriod(field) && node.kind == TextNode::Kind::kScalar);
    if (is_text) {
      std::string error;
      if (node.kind != TextNode::Kind::kScalar) {
        Refuse(node, path, kInvalidField,
               node.kind == TextNode::Kind::kList ? "must be one value, not a list"
                                                  : "must be a value, not a mapping");
      } else if (!SetFromText(message, field, node.text, append, &error)) {
        Refuse(node, path, kInvalidField, error);
      }
      return;
    }
    const pb::Reflection* reflection = message->GetReflection();
    pb::Message* child = append ? reflection->AddMessage(message, field)
                                : reflection->MutableMessage(message, field);
    if (node.kind == TextNode::Kind::kMap) {
      BindMap(node, "", child, path);
    } else if (node.kind == TextNode::Kind::kScalar) {
      BindWord(node, child, path);
    } else {
      Refuse(node, path, kInvalidField, "must be a mapping, not a list");
    }
  }

  // A message written as one text: a secret's value, or the word of an arm.
  void BindWord(const TextNode& node, pb::Message* message, const std::string& path) {
    const pb::Descriptor* type = message->GetDescriptor();
    if (const pb::FieldDescriptor* field = TextField(type)) {
      message->GetReflection()->SetString(message, field, node.text);
      return;
    }
    const std::vector<std::string> words = ArmWords(type);
    if (const pb::FieldDescriptor* arm = ArmOfWord(type, node.text)) {
      message->GetReflection()->MutableMessage(message, arm);
      return;
    }
    if (words.empty()) {
      Refuse(node, path, kInvalidField, "must be a mapping");
      return;
    }
    std::string text = "must be one of " + Join(words, ", ") + ", or a mapping";
    const std::string nearest = Nearest(KebabOfUpper(Shown(node.text)), words);
    if (!nearest.empty()) text += "; did you mean " + nearest + "?";
    Refuse(node, path, kInvalidField, text);
  }

  void BindContentFrom(const TextNode& node, pb::Message* message, const std::string& path) {
    const pb::FieldDescriptor* field = message->GetDescriptor()->FindFieldByName("content");
    const std::string& name = node.text;
    if (node.kind != TextNode::Kind::kScalar || name.empty()) {
      Refuse(node, path, kInvalidField, "must be the path of a file");
    } else if (context_.directory.empty()) {
      Refuse(node, path, kInvalidField, "can only stand in a file");
    } else if (name.front() == '/' || ("/" + name + "/").find("/../") != std::string::npos) {
      Refuse(node, path, kInvalidField, "must be a path below the directory of this file");
    } else {
      std::string content;
      std::string error;
      if (ReadWholeFile(std::string(context_.directory) + "/" + name, kFileBytesMax, &content,
                        &error)) {
        if (IsValidUtf8(content)) {
          message->GetReflection()->SetString(message, field, content);
        } else {
          Refuse(node, path, kUnreadable, "the file is not valid UTF-8");
        }
      } else {
        Refuse(node, path, kUnreadable, error);
      }
    }
  }

  const BindContext& context_;
};

}  // namespace

void Bind(const TextNode& node, std::string_view ignored, const BindContext& context,
          pb::Message* message) {
  Binder(context).Root(node, ignored, message);
}

}  // namespace tidegate::config
