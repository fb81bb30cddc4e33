// Printing and reading back: nothing changes.
#include "server/config/yaml_printer.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <random>

#include "server/config/field_rules.h"
#include "server/config/names.h"
#include "server/config/redact.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/common.pb.h"
#include "tidegate/config/v1/gateway.pb.h"
#include "tidegate/config/v1/options.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;
using ::testing::HasSubstr;
using ::testing::Not;

void ExpectRoundTrip(const pb::Message& message, PrintForm form) {
  const std::string text = Print(message, {form, true, true});
  Violations violations;
  const auto documents =
      ReadText(form == PrintForm::kJson ? "t.json" : "t.yaml", text, "", violations);
  ASSERT_TRUE(violations.empty()) << ToText(violations[0]) << "\n" << text;
  ASSERT_EQ(documents.size(), 1U) << text;
  std::unique_ptr<pb::Message> expected(message.New());
  expected->CopyFrom(message);
  Redact(expected.get());
  std::string difference;
  pb::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differencer.Compare(*expected, *documents[0].message)) << difference << "\n" << text;
}

TEST(YamlPrinter, ExamplesRoundTrip) {
  Violations violations;
  for (const Document& document : ReadFiles({"sidecar/examples"}, violations)) {
    ExpectRoundTrip(*document.message, PrintForm::kYaml);
    ExpectRoundTrip(*document.message, PrintForm::kJson);
  }
}

TEST(YamlPrinter, WritesTheShortForm) {
  Violations violations;
  const std::string text =
      "kind: Api\n"
      "name: a\n"
      "type: message\n"
      "listeners:\n"
      "  - path: /a\n"
      "entrypoints:\n"
      "  - sse\n"
      "  - httpGet:\n"
      "      messagesLimitDuration: 90s\n"
      "    qos: at-least-once\n"
      "  - websocket:\n"
      "      subProtocols: [v1, v2.x]\n"
      "      maxFrameSize: 64KiB\n"
      "endpointGroups:\n"
      "  - name: default\n"
      "    loadBalancer: weighted-round-robin\n"
      "    endpoints:\n"
      "      - name: e\n"
      "        mock:\n"
      "          messageContent: \"1.0\"\n"
      "plans:\n"
      "  - name: open\n"
      "    keyless: {}\n";
  const auto documents = ReadText("t.yaml", text, "", violations);
  ASSERT_EQ(documents.size(), 1U);
  std::string printed = Print(*documents[0].message);
  // `- name: open` and `keyless: {}` cannot be a word: the plan has a name too.
  EXPECT_EQ(printed, text);
}

TEST(YamlPrinter, NeverShowsASecret) {
  Violations violations;
  const auto documents = ReadText(
      "t.yaml",
      "kind: Subscription\nname: s\napi: a\nplan: p\napplication: b\n"
      "apiKeys: [{name: a, key: CANARY-1}, {name: b, key: {env: K}}]\n",
      "", violations);
  const std::string text = Print(*documents[0].message);
  EXPECT_THAT(text, Not(HasSubstr("CANARY")));
  EXPECT_THAT(text, HasSubstr("set: true"));
  EXPECT_THAT(text, HasSubstr("fingerprint: " + Fingerprint("CANARY-1")));
  EXPECT_THAT(text, HasSubstr("env: K"));
}

// Random messages of every type, from every text that YAML finds hard.
class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  void Fill(pb::Message* message, int depth) {
    const pb::Descriptor* type = message->GetDescriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const pb::FieldDescriptor* field = type->field(i);
      if (Below(depth > 4 ? 8 : 2) != 0) continue;
      if (field->real_containing_oneof() != nullptr &&
          message->GetReflection()->GetOneofFieldDescriptor(
              *message, field->real_containing_oneof()) != nullptr) {
        continue;
      }
      if (field->is_map()) {
        FillMap(message, field);
      } else if (field->is_repeated()) {
        for (unsigned n = Below(3); n > 0; --n) Set(message, field, true, depth);
      } else {
        Set(message, field, false, depth);
      }
    }
  }

  unsigned Below(unsigned limit) { return engine_() % limit; }

  std::string Text() {
    static const char* const kHard[] = {
        "a", "null", "~", "", "true", "no", "1.10", "0x1f", "-", "- a", "a: b", "a #b", "# a",
        "[a", "{a}", "\"q\"", "'q'", "a\nb\n", "\n", " lead", "trail ", "\t", "é",
        "\xF0\x9F\x98\x80",
        "\x01", "\x7F", "\xC2\x85", "\xE2\x80\xA8", "\xEF\xBB\xBF", "a,b", "%x", "@x", "`x", "!x",
        "&x", "*x", "?", ":", "|", ">", "---", "...", "a\\b", "=", "<<", "1e5", "12:30", "1_000",
        "https://x/y?z=1", "\r\n", "set"};
    return kHard[Below(sizeof kHard / sizeof kHard[0])];
  }

 private:
  void FillMap(pb::Message* message, const pb::FieldDescriptor* field) {
    for (unsigned n = Below(3); n > 0; --n) {
      pb::Message* entry = message->GetReflection()->AddMessage(message, field);
      const pb::Descriptor* type = entry->GetDescriptor();
      entry->GetReflection()->SetString(entry, type->map_key(), Text() + std::to_string(n));
      entry->GetReflection()->SetString(entry, type->map_value(), Text());
    }
  }

  void Set(pb::Message* message, const pb::FieldDescriptor* field, bool append, int depth) {
    std::string error;
    switch (field->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_STRING:
        SetFromText(message, field, Text(), append, &error);
        return;
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        SetFromText(message, field, Below(2) ? "true" : "false", append, &error);
        return;
      case pb::FieldDescriptor::CPPTYPE_ENUM: {
        const auto words = EnumWords(field->enum_type());
        SetFromText(message, field, words[Below(static_cast<unsigned>(words.size()))], append,
                    &error);
        return;
      }
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        SetMessage(message, field, append, depth);
        return;
      default: {
        std::string number = std::to_string(Below(100'000));
        if (RulesOf(field).size()) number += Below(2) ? "B" : "KiB";
        SetFromText(message, field, number, append, &error);
      }
    }
  }

  void SetMessage(pb::Message* message, const pb::FieldDescriptor* field, bool append,
                  int depth) {
    const pb::Reflection* reflection = message->GetReflection();
    pb::Message* child = append ? reflection->AddMessage(message, field)
                                : reflection->MutableMessage(message, field);
    if (auto* duration = dynamic_cast<pb::Duration*>(child)) {
      duration->set_seconds(Below(1'000'000));
      if (Below(2)) duration->set_nanos(static_cast<int>(Below(1'000'000'000)));
      if (Below(3) == 0) duration->set_seconds(Below(100) * 86'400);
    } else if (auto* time = dynamic_cast<pb::Timestamp*>(child)) {
      time->set_seconds(Below(2'000'000'000));
      if (Below(2)) time->set_nanos(static_cast<int>(Below(1'000'000'000)));
    } else if (auto* period = dynamic_cast<v1::Period*>(child)) {
      period->set_count(static_cast<int>(1 + Below(100)));
      period->set_unit(static_cast<v1::PeriodUnit>(1 + Below(6)));
    } else {
      Fill(child, depth + 1);
    }
  }

  std::mt19937 engine_;
};

// Names in a random message are hard texts too; those that must be names are made names.
void MakeNames(pb::Message* message) {
  if (auto* api = dynamic_cast<v1::Api*>(message)) {
    api->set_name("apis/a");
    for (auto& plan : *api->mutable_plans()) plan.set_name("apis/a/plans/p");
    for (auto& page : *api->mutable_pages()) page.set_name("apis/a/pages/p");
  } else if (auto* subscription = dynamic_cast<v1::Subscription*>(message)) {
    subscription->set_name("apis/a/subscriptions/s");
    subscription->set_api("apis/a");
    subscription->set_plan("apis/a/plans/p");
    subscription->set_application("applications/b");
    for (auto& key : *subscription->mutable_api_keys()) {
      key.set_name("apis/a/subscriptions/s/apiKeys/k");
    }
  }
}

template <typename M>
void RandomRoundTrips(int count) {
  for (int seed = 0; seed < count; ++seed) {
    Random random(static_cast<unsigned>(seed));
    M message;
    random.Fill(&message, 0);
    MakeNames(&message);
    ExpectRoundTrip(message, seed % 2 == 0 ? PrintForm::kYaml : PrintForm::kJson);
    if (::testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

TEST(YamlPrinter, RandomApisRoundTrip) { RandomRoundTrips<v1::Api>(300); }
TEST(YamlPrinter, RandomGatewaysRoundTrip) { RandomRoundTrips<v1::Gateway>(150); }
TEST(YamlPrinter, RandomSubscriptionsRoundTrip) { RandomRoundTrips<v1::Subscription>(150); }

}  // namespace
}  // namespace tidegate::config
