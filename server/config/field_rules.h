// The rules that stand beside fields in the protos (options.proto), and small questions about
// descriptors that the reader, the validator and the printer share.
// Thread: any; the descriptors are immutable. Fails: never.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class Descriptor;
class EnumDescriptor;
class EnumValueDescriptor;
class FieldDescriptor;
class Message;
}  // namespace google::protobuf
namespace tidegate::config::v1 {
class FieldRules;
}  // namespace tidegate::config::v1

namespace tidegate::config {

const v1::FieldRules& RulesOf(const google::protobuf::FieldDescriptor* field);
// The name of what is not built yet, or empty.
std::string NotBuiltName(const google::protobuf::EnumValueDescriptor* value);
// "mqtt5 endpoints are not built yet in this version".
std::string NotBuiltText(std::string_view what);
// The field that a bare text is read into, or null.
const google::protobuf::FieldDescriptor* TextField(const google::protobuf::Descriptor* type);

// The oneof of a message that may be written as a word: its only one, all arms messages.
bool IsArm(const google::protobuf::FieldDescriptor* field);
const google::protobuf::FieldDescriptor* ArmOfWord(const google::protobuf::Descriptor* type,
                                                   std::string_view word);
// The words of the message's oneof arms, in kebab-case; empty when it cannot be a word.
std::vector<std::string> ArmWords(const google::protobuf::Descriptor* type);

// The values of an enum as words, without the unspecified one.
std::vector<std::string> EnumWords(const google::protobuf::EnumDescriptor* type);
std::string EnumWord(const google::protobuf::EnumValueDescriptor* value);
// The value a word names in any spelling, or null; never the unspecified one.
const google::protobuf::EnumValueDescriptor* EnumOfWord(
    const google::protobuf::EnumDescriptor* type, std::string_view word);

bool IsDuration(const google::protobuf::FieldDescriptor* field);
bool IsTimestamp(const google::protobuf::FieldDescriptor* field);
bool IsPeriod(const google::protobuf::FieldDescriptor* field);
bool IsSecret(const google::protobuf::FieldDescriptor* field);

// Sets a scalar, enum, duration or period field from what a person writes. False with a text that
// says what is expected.
bool SetFromText(google::protobuf::Message* message,
                 const google::protobuf::FieldDescriptor* field, std::string_view text,
                 bool append, std::string* error);

// Sets every absent field that has a default, in the message and those within it that are present.
void ApplyDefaults(google::protobuf::Message* message);

}  // namespace tidegate::config
