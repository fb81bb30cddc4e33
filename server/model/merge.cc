#include "server/model/merge.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "server/config/values.h"
#include "tidegate/config/v1/endpoint.pb.h"

namespace tidegate::model {
namespace {

namespace pb = google::protobuf;
namespace v1 = config::v1;

const pb::FieldDescriptor* ArmOf(const pb::Message& message) {
  const pb::OneofDescriptor* oneof = message.GetDescriptor()->FindOneofByName("kind");
  return message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
}

void CopyField(const pb::Message& from, const pb::FieldDescriptor* field, pb::Message* to) {
  // The generic way to copy one field of any type: a message of that field alone, merged.
  const std::unique_ptr<pb::Message> only(from.New());
  only->CopyFrom(from);
  std::vector<const pb::FieldDescriptor*> fields;
  only->GetReflection()->ListFields(*only, &fields);
  for (const pb::FieldDescriptor* other : fields) {
    if (other != field) only->GetReflection()->ClearField(only.get(), other);
  }
  to->MergeFrom(*only);
}

// Whether the direction block of this name is there and on.
bool IsOn(const pb::Message& settings, const char* name) {
  const pb::FieldDescriptor* field = settings.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE ||
      !settings.GetReflection()->HasField(settings, field)) {
    return false;
  }
  const pb::Message& block = settings.GetReflection()->GetMessage(settings, field);
  const pb::FieldDescriptor* enabled = block.GetDescriptor()->FindFieldByName("enabled");
  if (enabled == nullptr || !block.GetReflection()->HasField(block, enabled)) return true;
  return block.GetReflection()->GetBool(block, enabled);
}

std::string WordOfArm(const pb::Message& message) {
  const pb::FieldDescriptor* arm = ArmOf(message);
  return arm == nullptr ? "" : config::KebabOfCamel(arm->json_name());
}

}  // namespace

void MergeBelow(const pb::Message& base, pb::Message* over) {
  const pb::Reflection* reflection = base.GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection->ListFields(base, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->is_repeated()) {
      if (reflection->FieldSize(*over, field) == 0) CopyField(base, field, over);
      continue;
    }
    if (const pb::OneofDescriptor* oneof = field->real_containing_oneof()) {
      const pb::FieldDescriptor* arm = reflection->GetOneofFieldDescriptor(*over, oneof);
      if (arm != nullptr && arm != field) continue;
    }
    const bool message = field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE &&
                         field->message_type()->file()->package() == "tidegate.config.v1";
    if (!reflection->HasField(*over, field)) {
      CopyField(base, field, over);
    } else if (message) {
      MergeBelow(reflection->GetMessage(base, field), reflection->MutableMessage(over, field));
    }
  }
}

std::string KindOf(const v1::Endpoint& endpoint) { return WordOfArm(endpoint); }
std::string KindOf(const v1::EndpointSettings& settings) { return WordOfArm(settings); }

std::shared_ptr<pb::Message> EffectiveSettings(const v1::EndpointGroup& group,
                                               const v1::Endpoint& endpoint) {
  const pb::FieldDescriptor* arm = ArmOf(endpoint);
  if (arm == nullptr) return nullptr;
  const pb::Message& own = endpoint.GetReflection()->GetMessage(endpoint, arm);
  std::shared_ptr<pb::Message> settings(own.New());
  settings->CopyFrom(own);
  const bool inherits = !endpoint.has_inherit_shared() || endpoint.inherit_shared();
  if (inherits && group.has_shared() && KindOf(group.shared()) == KindOf(endpoint)) {
    const v1::EndpointSettings& shared = group.shared();
    MergeBelow(shared.GetReflection()->GetMessage(shared, ArmOf(shared)), settings.get());
  }
  return settings;
}

Directions DirectionsOf(const pb::Message& settings) {
  // A mock gives and takes without being told.
  if (settings.GetDescriptor()->FindFieldByName("producer") == nullptr) return {true, true};
  return {IsOn(settings, "producer"), IsOn(settings, "consumer")};
}

}  // namespace tidegate::model
