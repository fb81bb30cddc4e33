// The reading rules of the definitions format, rule by rule.
#include "server/config/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

#include "server/config/text_tree.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/gateway.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::config {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

struct Read {
  std::vector<Document> documents;
  Violations violations;

  std::string Text() const {
    std::string out;
    for (const Violation& violation : violations) out += ToText(violation) + "\n";
    return out;
  }
  const v1::Api& Api() const { return static_cast<const v1::Api&>(*documents.at(0).message); }
};

Read ReadOne(std::string_view text, std::string_view file = "t.yaml") {
  Read read;
  read.documents = ReadText(file, text, "", read.violations);
  return read;
}

// A message under test, between a kind and the rest.
Read ReadApi(const std::string& rest) { return ReadOne("kind: Api\nname: a\n" + rest); }

TEST(YamlReader, ReadsWordsListsAndEnumsInAnySpelling) {
  const Read read = ReadApi(
      "type: MESSAGE\n"
      "listeners: {path: /a}\n"
      "entrypoints:\n"
      "  - sse\n"
      "  - HTTP_GET\n"
      "  - web-socket: {frames: Binary}\n"
      "    qos: AT_least-Once\n"
      "endpointGroups:\n"
      "  - {name: g, loadBalancer: weightedRoundRobin, endpoints: {name: e, mock: }}\n");
  EXPECT_EQ(read.Text(), "");
  const v1::Api& api = read.Api();
  EXPECT_EQ(api.name(), "apis/a");
  ASSERT_EQ(api.entrypoints_size(), 3);
  EXPECT_TRUE(api.entrypoints(0).has_sse());
  EXPECT_TRUE(api.entrypoints(1).has_http_get());
  EXPECT_EQ(api.entrypoints(2).websocket().frames(), v1::WEBSOCKET_FRAMES_BINARY);
  EXPECT_EQ(api.entrypoints(2).qos(), v1::QOS_AT_LEAST_ONCE);
  EXPECT_EQ(api.listeners(0).path(), "/a");
  EXPECT_TRUE(api.endpoint_groups(0).load_balancer().has_weighted_round_robin());
  EXPECT_TRUE(api.endpoint_groups(0).endpoints(0).has_mock());
}

TEST(YamlReader, TextFieldsAreTakenAsWritten) {
  const Read read = ReadApi("version: 1.10\ndisplayName: 007\nlabels: {a: true, b: 1.0}\n");
  EXPECT_EQ(read.Text(), "");
  EXPECT_EQ(read.Api().version(), "1.10");
  EXPECT_EQ(read.Api().display_name(), "007");
  EXPECT_EQ(read.Api().labels().at("a"), "true");
  EXPECT_EQ(read.Api().labels().at("b"), "1.0");
}

// What an API needs besides the lines under test.
constexpr char kRest[] =
    "type: message\nlisteners: {path: /a}\n"
    "endpointGroups: {name: g, endpoints: {name: e, mock: }}\nplans: {name: p, keyless: }\n";

TEST(YamlReader, RulesOfFieldsAreToldBesideWhatCouldNotBeRead) {
  const Read read = ReadApi(
      "type: massage\n"
      "listeners: [{path: no-slash}, {path: /b, pth: /c}]\n"
      "entrypoints:\n"
      "  - httpGet: {messagesLimitCount: -3}\n"
      "  - websockt\n"
      "  - sse: {heartbeatInterval: 5}\n"
      "endpointGroups: {name: g, endpoints: [{name: e, mok: {}}, {mock: }]}\n");
  EXPECT_THAT(read.Text(), HasSubstr("t.yaml:3:7: apis/a: type: must be one of"));
  EXPECT_THAT(read.Text(), HasSubstr("t.yaml:4:14: apis/a: listeners[0].path: "));
  EXPECT_THAT(read.Text(), HasSubstr("listeners[1].pth: is not a field"));
  EXPECT_THAT(read.Text(), HasSubstr("t.yaml:6:15: apis/a: entrypoints[0].httpGet."
                                     "messagesLimitCount: "));
  EXPECT_THAT(read.Text(), HasSubstr("entrypoints[1]: must be one of"));
  EXPECT_THAT(read.Text(), HasSubstr("entrypoints[2].sse.heartbeatInterval: a bare number"));
  EXPECT_THAT(read.Text(), HasSubstr("endpoints[0].mok: is not a field"));
  EXPECT_THAT(read.Text(), HasSubstr("endpoints[1].name: is required"));
  // Nothing that only follows: `mok` was meant to be the kind, `massage` to be the type.
  EXPECT_EQ(read.violations.size(), 8U) << read.Text();
  EXPECT_TRUE(read.documents.empty());
}

TEST(YamlReader, UnknownFieldHasPlaceAndNearestName) {
  const Read read = ReadApi(
      "entrypoints:\n"
      "  - sse: {heartbeatIntervall: 5s}\n" +
      std::string(kRest));
  ASSERT_EQ(read.violations.size(), 1U);
  EXPECT_EQ(ToText(read.violations[0]),
            "t.yaml:4:11: apis/a: entrypoints[0].sse.heartbeatIntervall: is not a field of "
            "SseEntrypoint; did you mean heartbeatInterval?");
  EXPECT_EQ(read.violations[0].reason, "UNKNOWN_FIELD");
  EXPECT_TRUE(read.documents.empty());
}

TEST(YamlReader, TellsAllErrorsOfAllDocuments) {
  const Read read = ReadOne(
      "kind: Api\nname: A!\ntype: massage\n---\nkind: Nothing\n---\nname: x\n---\n"
      "kind: Gateway\nworkers: two\ndrain: {notice: 5}\n");
  EXPECT_THAT(read.Text(), HasSubstr("name: must be 1 to 63 characters"));
  EXPECT_THAT(read.Text(), HasSubstr("type: must be one of message, proxy; did you mean message?"));
  EXPECT_THAT(read.Text(), HasSubstr("kind: must be one of Api, Application"));
  EXPECT_THAT(ReadOne("kind: Apii\n").Text(), HasSubstr("did you mean Api?"));
  EXPECT_THAT(ReadOne("knd: Api\n").Text(), HasSubstr("did you mean kind by knd?"));
  EXPECT_THAT(read.Text(), HasSubstr("kind: is missing"));
  EXPECT_THAT(read.Text(), HasSubstr("workers: must be a whole number"));
  EXPECT_THAT(read.Text(), HasSubstr("drain.notice: a bare number has no unit; write 5s or 5ms"));
}

struct Bad {
  const char* text;
  const char* expected;
};
class BadText : public ::testing::TestWithParam<Bad> {};
TEST_P(BadText, IsRefusedWithAText) {
  const Read read = ReadApi(GetParam().text);
  EXPECT_THAT(read.Text(), HasSubstr(GetParam().expected));
  EXPECT_TRUE(read.documents.empty());
}
INSTANTIATE_TEST_SUITE_P(
    YamlReader, BadText,
    ::testing::Values(
        Bad{"version:\n", "version: has no value; give one or leave the key out"},
        Bad{"version: ~\n", "version: has no value"},
        Bad{"version: [1, 2]\n", "version: must be one value, not a list"},
        Bad{"version: {a: b}\n", "version: must be a value, not a mapping"},
        Bad{"labels: [a]\n", "labels: must be a mapping"},
        Bad{"cors: [a]\n", "cors: must be a mapping, not a list"},
        Bad{"cors: on\n", "cors: must be a mapping"},
        Bad{"entrypoints: [see]\n", "did you mean sse?"},
        Bad{"entrypoints: [{qos: unspecified}]\n", "qos: must be one of none, auto"},
        Bad{"entrypoints: [{qos: 2}]\n", "qos: must be one of none, auto"},
        Bad{"entrypoints: [{sse: {}, websocket: {}}]\n", "cannot stand beside sse"},
        Bad{"entrypoints: [{sse: {metadataAsComment: yes}}]\n", "must be true or false"},
        Bad{"entrypoints: [{sse: {heartbeatInterval: never}}]\n", "must be a duration such as"},
        Bad{"entrypoints: [{websocket: {maxFrameSize: 65536}}]\n",
            "write 65536B or 65536KiB"},
        Bad{"entrypoints: [{websocket: {maxFrameSize: 64kb}}]\n", "must be a size such as"},
        Bad{"version: &a 1\ndescription: *a\n", "aliases are not read"},
        Bad{"version: !!int 1\n", "tags are not read"},
        Bad{"version: a\nversion: b\n", "the key version stands twice, first in line 3"},
        Bad{"? [a]\n: b\n", "a key must be a text"},
        Bad{"version: \"a\n", "t.yaml:3:10: a quoted text has no end"},
        Bad{"apiVersion: v2\n", "apiVersion: must be tidegate/v1"},
        Bad{"plans: [{name: apis/b/plans/x, keyless: {}}]\n", "must belong to apis/a"},
        Bad{"pages: [{name: p, markdown: {contentFrom: ./x.md}}]\n", "can only stand in a file"}));

TEST(YamlReader, NamesAreMadeFull) {
  const Read read = ReadOne(
      "kind: subscription\nname: s\napi: a\nplan: gold\napplication: applications/app\n"
      "apiKeys: [{name: main, key: {env: K}}]\n");
  EXPECT_EQ(read.Text(), "");
  const auto& subscription = static_cast<const v1::Subscription&>(*read.documents[0].message);
  EXPECT_EQ(subscription.name(), "apis/a/subscriptions/s");
  EXPECT_EQ(subscription.plan(), "apis/a/plans/gold");
  EXPECT_EQ(subscription.application(), "applications/app");
  EXPECT_EQ(subscription.api_keys(0).name(), "apis/a/subscriptions/s/apiKeys/main");
  EXPECT_EQ(subscription.api_keys(0).key().env(), "K");
}

TEST(YamlReader, SecretsAreTextsOrReferences) {
  const Read read = ReadOne(
      "kind: Subscription\nname: s\napi: a\nplan: p\napplication: b\napiKeys:\n"
      "  - {name: a, key: sesame-open}\n  - {name: b, key: {file: /secrets/k}}\n"
      "  - {name: c, key: {set: true, fingerprint: 0011aabb}}\n");
  EXPECT_EQ(read.Text(), "");
  const auto& subscription = static_cast<const v1::Subscription&>(*read.documents[0].message);
  EXPECT_EQ(subscription.api_keys(0).key().text(), "sesame-open");
  EXPECT_EQ(subscription.api_keys(1).key().file(), "/secrets/k");
  EXPECT_TRUE(subscription.api_keys(2).key().set());
}

TEST(YamlReader, ErrorsDoNotRepeatValues) {
  const Read read = ReadOne(
      "kind: Subscription\nname: s\napi: a\nplan: p\napplication: b\n"
      "apiKeys: [{name: a, key: {text: [CANARY-1]}, expireTime: CANARY-2}]\n");
  EXPECT_EQ(read.violations.size(), 2U);
  EXPECT_THAT(read.Text(), ::testing::Not(HasSubstr("CANARY")));
}

TEST(YamlReader, JsonWithTabsEscapesAndSurrogates) {
  const Read read = ReadOne(
      "{\"kind\":\"Api\",\"name\":\"a\",\"displayName\":\"\\ud83d\\ude00 \\\\ud83d \\/\",\n"
      "\t\"listeners\":[{\"path\":\"/a\"}],\n\"entrypoints\":[\"sse\"]}",
      "t.json");
  EXPECT_EQ(read.Text(), "");
  ASSERT_EQ(read.documents.size(), 1U);
  EXPECT_EQ(read.Api().display_name(), "\xF0\x9F\x98\x80 \\ud83d /");
}

TEST(YamlReader, HoldsItsLimits) {
  EXPECT_THAT(ReadOne(std::string(kFileBytesMax + 1, ' ')).Text(), HasSubstr("4 MiB"));
  std::string deep = "kind: Api\nname: ";
  for (int i = 0; i < 100; ++i) deep += '[';
  for (int i = 0; i < 100; ++i) deep += ']';
  EXPECT_THAT(ReadOne(deep).Text(), HasSubstr("nested deeper than 64 levels"));
  std::string deeper(100'000, '[');
  EXPECT_FALSE(ReadOne(deeper).violations.empty());
  std::string many;
  for (int i = 0; i < 10'001; ++i) many += "--- {}\n";
  EXPECT_THAT(ReadOne(many).Text(), HasSubstr("more than 10,000 documents"));
  EXPECT_THAT(ReadOne("kind: \xFF").Text(), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(ReadOne("kind: Api\nname: a\ntext: \xC3\x28\n").Text(),
              HasSubstr(":3:1: the file is not valid UTF-8"));
  EXPECT_EQ(ReadOne("# nothing\n---\n---\n").violations.size(), 0U);
  // yaml-cpp would read empty documents here without end.
  EXPECT_THAT(ReadOne(",\"kind\":\"Api\"}").Text(), HasSubstr("a value cannot stand here"));
  EXPECT_FALSE(ReadOne("]").violations.empty());
}

TEST(YamlReader, PlacesLeadValidatorsToLines) {
  const Read read = ReadApi("listeners:\n  - path: /a\n  - path: /b\n");
  Violations violations = {FieldViolation("listeners[1].path", kInvalidField, "x"),
                           FieldViolation("plans[3].name", kInvalidField, "y")};
  Locate(read.documents[0], violations);
  EXPECT_EQ(violations[0].line, 5);
  EXPECT_EQ(violations[0].resource, "apis/a");
  EXPECT_EQ(violations[1].line, 1);
}

class Directory : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tidegate-reader-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    path_ = name;
  }
  void TearDown() override {
    for (const std::string& file : files_) unlink(file.c_str());
    rmdir(path_.c_str());
  }
  void Put(const std::string& name, const std::string& text) {
    files_.push_back(path_ + "/" + name);
    std::ofstream(files_.back()) << text;
  }
  std::string path_;
  std::vector<std::string> files_;
};

TEST_F(Directory, IsReadInOrderWithoutHiddenFiles) {
  Put("b.yml", "kind: Application\nname: b\n");
  Put("a.yaml", "kind: Application\nname: a\n");
  Put("c.json", "{\"kind\": \"Application\", \"name\": \"c\"}");
  Put(".hidden.yaml", "kind: Nothing\n");
  Put("notes.txt", "kind: Nothing\n");
  Violations violations;
  const auto documents = ReadFiles({path_}, violations);
  EXPECT_TRUE(violations.empty());
  ASSERT_EQ(documents.size(), 3U);
  EXPECT_EQ(documents[0].name, "applications/a");
  EXPECT_EQ(documents[2].name, "applications/c");
}

TEST_F(Directory, TheSameResourceTwiceIsAnError) {
  Put("a.yaml", "kind: Application\nname: a\n");
  Put("b.yaml", "kind: Application\nname: b\n---\nkind: Application\nname: applications/a\n");
  Violations violations;
  ReadFiles({path_}, violations);
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].line, 4);
  EXPECT_THAT(violations[0].message, HasSubstr("stands twice, first in " + path_ + "/a.yaml"));
}

TEST_F(Directory, ContentFromStaysBelowTheDirectory) {
  Put("terms.md", "Be fair.\n");
  Put("a.yaml",
      "kind: Api\nname: a\npages:\n  - {name: t, markdown: {contentFrom: ./terms.md}}\n");
  Violations violations;
  const auto documents = ReadFiles({path_}, violations);
  ASSERT_TRUE(violations.empty()) << ToText(violations[0]);
  EXPECT_EQ(static_cast<const v1::Api&>(*documents[0].message).pages(0).markdown().content(),
            "Be fair.\n");
  Put("b.yaml",
      "kind: Api\nname: b\npages:\n  - {name: t, markdown: {contentFrom: ../etc/passwd}}\n");
  ReadFiles({path_ + "/b.yaml"}, violations);
  ASSERT_FALSE(violations.empty());
  EXPECT_THAT(violations[0].message, HasSubstr("below the directory"));
}

TEST_F(Directory, MissingFileIsAViolation) {
  Violations violations;
  ReadFiles({path_ + "/none.yaml"}, violations);
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].reason, "FILE_UNREADABLE");
}

TEST(YamlReader, ExamplesParse) {
  int documents = 0;
  for (const char* name : {"accounts-proxy", "clock", "events-solace", "full", "kafka-security",
                           "notify-webhook", "orders", "sensors-mqtt", "tasks-rabbitmq",
                           "tidegate"}) {
    Violations violations;
    documents += static_cast<int>(
        ReadFiles({std::string("sidecar/examples/") + name + ".yaml"}, violations).size());
    for (const Violation& violation : violations) ADD_FAILURE() << ToText(violation);
  }
  EXPECT_EQ(documents, 16);
}

}  // namespace
}  // namespace tidegate::config
