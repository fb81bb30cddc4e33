#include "server/config/redact.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>

#include "server/base/codec.h"
#include "server/config/field_rules.h"
#include "server/config/violation.h"
#include "tidegate/config/v1/common.pb.h"
#include "tidegate/config/v1/options.pb.h"

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;

// Calls `visit` with every message that a field of `message` holds, but for map entries.
template <typename Visit>
void ForEachChild(pb::Message* message, const Visit& visit) {
  const pb::Reflection* reflection = message->GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
    if (!field->is_repeated()) {
      visit(field, -1, reflection->MutableMessage(message, field));
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
      visit(field, i, reflection->MutableRepeatedMessage(message, field, i));
    }
  }
}

std::string KeyOf(const pb::Message& item, const std::string& key) {
  if (key.empty()) return "";
  const pb::FieldDescriptor* field = item.GetDescriptor()->FindFieldByName(key);
  return field == nullptr ? "" : item.GetReflection()->GetString(item, field);
}

// The message in `stored` that stands where `child` stands, or null.
const pb::Message* Counterpart(const pb::Message& stored, const pb::FieldDescriptor* field,
                               int index, const pb::Message& child) {
  const pb::Reflection* reflection = stored.GetReflection();
  if (!field->is_repeated()) {
    return reflection->HasField(stored, field) ? &reflection->GetMessage(stored, field) : nullptr;
  }
  const std::string& key = RulesOf(field).unique_key();
  if (key.empty()) {
    return index < reflection->FieldSize(stored, field)
               ? &reflection->GetRepeatedMessage(stored, field, index)
               : nullptr;
  }
  for (int i = 0; i < reflection->FieldSize(stored, field); ++i) {
    const pb::Message& item = reflection->GetRepeatedMessage(stored, field, i);
    if (KeyOf(item, key) == KeyOf(child, key)) return &item;
  }
  return nullptr;
}

bool RestoreOne(const v1::Secret* stored, v1::Secret* secret) {
  if (secret->source_case() != v1::Secret::SOURCE_NOT_SET || !secret->set()) return true;
  if (stored == nullptr || stored->source_case() == v1::Secret::SOURCE_NOT_SET) return false;
  const std::string fingerprint = stored->source_case() == v1::Secret::kText
                                      ? Fingerprint(stored->text())
                                      : stored->fingerprint();
  if (!secret->fingerprint().empty() && secret->fingerprint() != fingerprint) return false;
  secret->CopyFrom(*stored);
  return true;
}

bool Restore(const pb::Message* stored, pb::Message* message, const std::string& path,
             std::string* failed) {
  if (auto* secret = dynamic_cast<v1::Secret*>(message)) {
    if (RestoreOne(static_cast<const v1::Secret*>(stored), secret)) return true;
    *failed = path;
    return false;
  }
  bool ok = true;
  ForEachChild(message, [&](const pb::FieldDescriptor* field, int index, pb::Message* child) {
    if (!ok) return;
    const pb::Message* other =
        stored == nullptr ? nullptr : Counterpart(*stored, field, index, *child);
    std::string child_path = Child(path, field->json_name());
    if (index >= 0) child_path = Item(child_path, static_cast<std::size_t>(index));
    ok = Restore(other, child, child_path, failed);
  });
  return ok;
}

}  // namespace

std::string Fingerprint(std::string_view secret) {
  const Sha256Digest digest = Sha256(secret);
  return Hex(digest.data(), 4);
}

void Redact(pb::Message* message) {
  if (auto* secret = dynamic_cast<v1::Secret*>(message)) {
    if (secret->source_case() != v1::Secret::kText) return;
    const std::string fingerprint = Fingerprint(secret->text());
    secret->clear_text();
    secret->set_set(true);
    secret->set_fingerprint(fingerprint);
    return;
  }
  const pb::Descriptor* type = message->GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    if (RulesOf(type->field(i)).sensitive()) {
      message->GetReflection()->ClearField(message, type->field(i));
    }
  }
  ForEachChild(message,
               [](const pb::FieldDescriptor*, int, pb::Message* child) { Redact(child); });
}

bool RestoreSecrets(const pb::Message& stored, pb::Message* message, std::string* path) {
  return Restore(&stored, message, "", path);
}

void ClearOutputOnly(pb::Message* message) {
  const pb::Descriptor* type = message->GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    if (RulesOf(type->field(i)).output_only()) {
      message->GetReflection()->ClearField(message, type->field(i));
    }
  }
  ForEachChild(message, [](const pb::FieldDescriptor*, int, pb::Message* child) {
    ClearOutputOnly(child);
  });
}

}  // namespace tidegate::config
