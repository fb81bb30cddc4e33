// The protos keep their rules; the check is shown to fail on seeded violations; every default that
// stands in the protos is really applied.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include "server/config/explain.h"
#include "server/config/field_rules.h"
#include "server/config/validate.h"
#include "server/config/values.h"
#include "server/config/yaml_printer.h"
#include "tests/server/config/descriptor_rules.h"
#include "tests/support/is_ok.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/gateway.pb.h"
#include "tidegate/config/v1/options.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;
using ::testing::Contains;
using ::testing::HasSubstr;

pb::FileDescriptorSet OurSet() {
  pb::FileDescriptorSet set;
  const std::string_view bytes = DescriptorSet();
  EXPECT_TRUE(set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return set;
}

std::vector<std::string> CheckSet(const pb::FileDescriptorSet& set) {
  pb::DescriptorPool pool;
  std::vector<std::string> problems;
  for (const pb::FileDescriptorProto& proto : set.file()) {
    const pb::FileDescriptor* file = pool.BuildFile(proto);
    EXPECT_NE(file, nullptr) << proto.name();
    if (file == nullptr || file->package().rfind("tidegate.", 0) != 0) continue;
    for (std::string& problem : CheckFile(file)) problems.push_back(std::move(problem));
  }
  return problems;
}

TEST(Descriptors, KeepTheRules) {
  const pb::FileDescriptorSet set = OurSet();
  EXPECT_GT(set.file_size(), 30);
  for (const std::string& problem : CheckSet(set)) ADD_FAILURE() << problem;
}

// Paths of all references below `type` that a person can write today.
void References(const pb::Descriptor* type, const std::string& path, int depth,
                std::vector<std::string>& out) {
  if (type == v1::Secret::descriptor() || type == v1::DataSource::descriptor()) {
    out.push_back(path);
    return;
  }
  if (depth > 12) return;
  for (int i = 0; i < type->field_count(); ++i) {
    const pb::FieldDescriptor* field = type->field(i);
    const v1::FieldRules& rules = field->options().GetExtension(v1::field);
    if (!rules.not_built().empty() || rules.output_only()) continue;
    if (field->message_type() == nullptr) continue;
    References(field->message_type(), Child(path, field->name()), depth + 1, out);
  }
}

// A rotated secret makes a new connector (flow/assembler.h), and nothing else is built again.
// Whoever builds a plan, a resource or a policy with a secret in it makes that act, and says so
// here.
TEST(Descriptors, SecretsOfAnApiStandInItsEndpointsOnly) {
  std::vector<std::string> paths;
  References(v1::Api::descriptor(), "", 0, paths);
  EXPECT_THAT(paths, Contains(HasSubstr("kafka.security.sasl.password")));
  for (const std::string& path : paths) {
    EXPECT_EQ(path.rfind("endpoint_groups.", 0), 0U) << path;
  }
}

pb::FileDescriptorProto* Find(pb::FileDescriptorSet* set, const std::string& name) {
  for (auto& file : *set->mutable_file()) {
    if (file.name() == name) return &file;
  }
  return nullptr;
}

TEST(Descriptors, TheCheckFailsOnSeededViolations) {
  pb::FileDescriptorSet set = OurSet();
  pb::FileDescriptorProto* plan = Find(&set, "tidegate/config/v1/mock.proto");
  ASSERT_NE(plan, nullptr);
  plan->clear_source_code_info();
  plan->mutable_message_type(0)->mutable_field(0)->set_name("messageInterval");
  plan->mutable_enum_type(0)->mutable_value(0)->set_name("ERROR_CLASS_ZERO");
  plan->mutable_enum_type(0)->mutable_value(1)->set_name("CONFIG_INVALID");
  pb::FieldDescriptorProto* field = plan->mutable_message_type(0)->add_field();
  field->set_name("password");
  field->set_number(99);
  field->set_type(pb::FieldDescriptorProto::TYPE_STRING);
  field->set_label(pb::FieldDescriptorProto::LABEL_OPTIONAL);
  field->mutable_options()->MutableExtension(v1::field)->set_default_("x");
  pb::FileDescriptorProto* service = Find(&set, "tidegate/admin/v1/application_service.proto");
  ASSERT_NE(service, nullptr);
  service->mutable_service(0)->set_name("Applications");
  service->mutable_service(0)->mutable_method(0)->set_name("MakeApplication");
  const std::vector<std::string> problems = CheckSet(set);
  for (const char* text :
       {"tidegate.config.v1.MockEndpoint: has no comment",
        "tidegate.config.v1.MockEndpoint.messageInterval: is not lower_snake_case",
        "tidegate.config.v1.MockEndpoint.password: is named like a secret and is not sensitive",
        "tidegate.config.v1.MockEndpoint.password: has a default and is not optional",
        "tidegate.config.v1.ErrorClass: does not begin with an _UNSPECIFIED of 0",
        "tidegate.config.v1.CONFIG_INVALID: does not begin with ERROR_CLASS_",
        "tidegate.admin.v1.Applications: is not a ...Service",
        "tidegate.admin.v1.Applications.MakeApplication: does not take a "
        "MakeApplicationRequest"}) {
    EXPECT_THAT(problems, Contains(text));
  }
}

// Every message type of tidegate.config.v1 that the program knows.
void ForEachType(const pb::FileDescriptor* file, std::set<const pb::Descriptor*>* types) {
  if (file->package() != "tidegate.config.v1") return;
  for (int i = 0; i < file->message_type_count(); ++i) {
    if (!types->insert(file->message_type(i)).second) return;
  }
  for (int i = 0; i < file->dependency_count(); ++i) ForEachType(file->dependency(i), types);
}

TEST(Defaults, EveryOneIsAppliedAndWithinItsRange) {
  std::set<const pb::Descriptor*> types;
  ForEachType(v1::Api::descriptor()->file(), &types);
  ForEachType(v1::Gateway::descriptor()->file(), &types);
  ForEachType(v1::Subscription::descriptor()->file(), &types);
  int defaults = 0;
  for (const pb::Descriptor* type : types) {
    const std::unique_ptr<pb::Message> message(
        pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
    ApplyDefaults(message.get());
    for (int i = 0; i < type->field_count(); ++i) {
      const pb::FieldDescriptor* field = type->field(i);
      const std::string& text = RulesOf(field).default_();
      if (text.empty()) continue;
      ++defaults;
      ASSERT_TRUE(message->GetReflection()->HasField(*message, field)) << field->full_name();
      const std::unique_ptr<pb::Message> expected(message->New());
      std::string error;
      ASSERT_TRUE(SetFromText(expected.get(), field, text, false, &error))
          << field->full_name() << " " << error;
      const std::string printed = Print(*message, {PrintForm::kYaml, true, false});
      const std::string line = Print(*expected, {PrintForm::kYaml, true, false});
      EXPECT_THAT(printed, HasSubstr(line)) << field->full_name();
      Violations violations;
      ValidateFields(*expected, violations);
      for (const Violation& violation : violations) {
        EXPECT_NE(violation.path, field->json_name()) << ToText(violation);
      }
    }
    // What is written stays.
    const std::unique_ptr<pb::Message> twice(message->New());
    twice->CopyFrom(*message);
    ApplyDefaults(twice.get());
    EXPECT_EQ(twice->SerializeAsString(), message->SerializeAsString());
  }
  EXPECT_GT(defaults, 70);
}

TEST(Defaults, MinimaAndMaximaAreReadable) {
  std::set<const pb::Descriptor*> types;
  ForEachType(v1::Api::descriptor()->file(), &types);
  ForEachType(v1::Gateway::descriptor()->file(), &types);
  for (const pb::Descriptor* type : types) {
    for (int i = 0; i < type->field_count(); ++i) {
      const pb::FieldDescriptor* field = type->field(i);
      for (const std::string& text : {RulesOf(field).min(), RulesOf(field).max()}) {
        if (text.empty()) continue;
        const std::unique_ptr<pb::Message> message(
            pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
        std::string error;
        EXPECT_TRUE(SetFromText(message.get(), field, text, field->is_repeated(), &error))
            << field->full_name() << " " << text;
      }
      const std::string& key = RulesOf(field).unique_key();
      if (!key.empty()) {
        EXPECT_NE(field->message_type()->FindFieldByName(key), nullptr) << field->full_name();
      }
    }
  }
}

TEST(Explain, TellsCommentsDefaultsAndRanges) {
  const auto text = Explain("api.entrypoints.sse");
  ASSERT_TRUE(text.ok()) << MessageOf(text.status());
  EXPECT_THAT(*text, HasSubstr("api.entrypoints.sse <SseEntrypoint>"));
  EXPECT_THAT(*text, HasSubstr("heartbeatInterval <duration> (default 5s, from 100ms, at most "
                               "10m)"));
  EXPECT_THAT(*text, HasSubstr("How long a stream may be silent before a heartbeat is sent."));
  const auto gateway = Explain("Gateway");
  ASSERT_TRUE(IsOk(gateway));
  EXPECT_THAT(*gateway, HasSubstr("http <list of HttpListener>"));
  const auto grpc = Explain("api.entrypoints");
  EXPECT_THAT(*grpc, HasSubstr("grpc <GrpcEntrypoint> (not built yet)"));
  EXPECT_THAT(*grpc, HasSubstr("none | auto | at-most-once | at-least-once"));
}

TEST(Explain, OffersTheNearestName) {
  EXPECT_THAT(MessageOf(Explain("api.entrypoint").status()),
              HasSubstr("did you mean entrypoints?"));
  EXPECT_THAT(MessageOf(Explain("apx").status()), HasSubstr("did you mean api?"));
}

}  // namespace
}  // namespace tidegate::config
