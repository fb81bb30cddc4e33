// One bad definition per rule: each is refused with path and text, and a good one is not.
#include "server/model/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/yaml_reader.h"
#include "server/model/compile.h"
#include "server/model/merge.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/gateway.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::model {
namespace {

namespace v1 = config::v1;
using ::testing::HasSubstr;

std::vector<config::Document> Read(const std::string& text) {
  config::Violations violations;
  auto documents = config::ReadText("t.yaml", text, "", violations);
  for (const config::Violation& violation : violations) ADD_FAILURE() << ToText(violation);
  return documents;
}

std::string Check(const config::Document& document) {
  config::Violations violations;
  if (document.kind == config::DocumentKind::kApi) {
    Validate(static_cast<const v1::Api&>(*document.message), violations);
  } else if (document.kind == config::DocumentKind::kSubscription) {
    Validate(static_cast<const v1::Subscription&>(*document.message), violations);
  } else if (document.kind == config::DocumentKind::kApplication) {
    Validate(static_cast<const v1::Application&>(*document.message), violations);
  } else {
    Validate(static_cast<const v1::Gateway&>(*document.message), violations);
  }
  std::string out;
  for (const config::Violation& violation : violations) out += ToText(violation) + "\n";
  return out;
}

// An Api that is right, with some of its keys replaced or added.
std::string ApiText(const std::string& key = "", const std::string& value = "") {
  std::vector<std::pair<std::string, std::string>> keys = {
      {"kind", "Api"},
      {"name", "a"},
      {"type", "message"},
      {"listeners", "[{path: /a}]"},
      {"entrypoints", "[sse]"},
      {"endpointGroups", "[{name: g, endpoints: [{name: e, mock: {}}]}]"},
      {"plans", "[{name: p, keyless: {}}]"}};
  bool replaced = false;
  for (auto& [name, text] : keys) {
    if (name != key) continue;
    text = value;
    replaced = true;
  }
  if (!replaced && !key.empty()) keys.emplace_back(key, value);
  std::string out;
  for (const auto& [name, text] : keys) {
    if (!text.empty()) out += name + ": " + text + "\n";
  }
  return out;
}

TEST(ValidateApi, AcceptsTheBase) { EXPECT_EQ(Check(Read(ApiText())[0]), ""); }

struct BadApi {
  const char* key;
  const char* value;
  const char* expected;
};
void PrintTo(const BadApi& bad, std::ostream* out) { *out << bad.key << ": " << bad.value; }

class Bad : public ::testing::TestWithParam<BadApi> {};
TEST_P(Bad, IsRefused) {
  const auto documents = Read(ApiText(GetParam().key, GetParam().value));
  ASSERT_EQ(documents.size(), 1U);
  EXPECT_THAT(Check(documents[0]), HasSubstr(GetParam().expected));
}

constexpr const char* kKafka =
    "[{name: g, endpoints: [{name: e, kafka: {bootstrapServers: 'k:1', ";

INSTANTIATE_TEST_SUITE_P(
    Fields, Bad,
    ::testing::Values(
        BadApi{"name", "", "name: is required"}, BadApi{"type", "", "type: is required"},
        BadApi{"type", "proxy", "type: proxy APIs are not built yet"},
        BadApi{"version", "\"a\\nb\"", "version: must be one line"},
        BadApi{"entrypoints", "[]", "entrypoints: must have at least 1 item"},
        BadApi{"entrypoints", "[{qos: auto}]", "entrypoints[0]: must say one of http-get"},
        BadApi{"endpointGroups", "[]", "endpointGroups: must have at least 1 item"},
        BadApi{"plans", "[{name: p}]", "plans[0]: must say one of keyless, api-key"},
        BadApi{"plans", "[{name: p, jwt: {}}]", "jwt: jwt plans are not built yet"},
        BadApi{"plans", "[{name: p, keyless: {}}, {name: p, keyless: {}}]",
               "plans[1].name: stands twice in the list"},
        BadApi{"plans", "[{name: p, apiKey: {header: 'a b'}}]", "apiKey.header: must consist of"},
        BadApi{"plans", "[{name: p, apiKey: {sources: [bearer]}}]",
               "sources[0]: api keys as bearer tokens are not built yet"},
        BadApi{"plans", "[{name: p, apiKey: {sources: [query, query]}}]",
               "sources[1]: stands twice"},
        BadApi{"flows", "[{name: f}]", "flows: flows are not built yet"},
        BadApi{"labels", "{'': x}", "labels: keys must have 1 to 255 bytes"}));

INSTANTIATE_TEST_SUITE_P(
    Listeners, Bad,
    ::testing::Values(
        BadApi{"listeners", "[]", "listeners: must have at least one item: the sse"},
        BadApi{"listeners", "[{host: x.de}]", "listeners[0].path: is required"},
        BadApi{"listeners", "[{path: a}]", "listeners[0].path: must be a canonical path"},
        BadApi{"listeners", "[{path: /a/}]", "must be a canonical path"},
        BadApi{"listeners", "[{path: //a}]", "must be a canonical path"},
        BadApi{"listeners", "[{path: /a/../b}]", "must be a canonical path"},
        BadApi{"listeners", "[{path: /%61}]", "must be a canonical path"},
        BadApi{"listeners", "[{path: '/a?b'}]", "must be a canonical path"},
        BadApi{"listeners", "[{host: 'a:80', path: /a}]", "host: must be a host name"},
        BadApi{"listeners", "[{host: '-a', path: /a}]", "host: must be a host name"},
        BadApi{"listeners", "[{host: A.de, path: /a}, {host: a.de, path: /a}]",
               "listeners[1]: has the host and path of another listener"},
        BadApi{"cors", "{allowOrigins: ['*'], allowCredentials: true}",
               "cors.allowCredentials: cannot be true beside the origin *"},
        BadApi{"cors", "{allowOrigins: ['https://a.de/x']}", "must be * or an origin"},
        BadApi{"cors", "{maxAge: 25h}", "cors.maxAge: must be from 0s to 24h"}));

INSTANTIATE_TEST_SUITE_P(
    Entrypoints, Bad,
    ::testing::Values(
        BadApi{"entrypoints", "[sse, {sse: {}, qos: none}]", "entrypoints[1]: a kind of"},
        BadApi{"entrypoints", "[{httpGet: {}, qos: none}]", "entrypoints[0].qos: http-get takes"},
        BadApi{"entrypoints", "[{httpPost: {}, qos: at-least-once}]", "qos: http-post takes"},
        BadApi{"entrypoints", "[{websocket: {}, qos: at-most-once}]", "qos: websocket takes"},
        BadApi{"entrypoints", "[{websocket: {publisher: {enabled: false}, subscriber: {enabled: "
                              "false}}}]",
               "publisher and subscriber cannot both be off"},
        BadApi{"entrypoints", "[{websocket: {maxFrameSize: 2MiB, maxMessageSize: 1MiB}}]",
               "maxMessageSize: must be at least maxFrameSize"},
        BadApi{"entrypoints", "[{websocket: {maxFrameSize: 1B}}]", "from 125B to 16MiB"},
        BadApi{"entrypoints", "[{sse: {heartbeatInterval: 1ms}}]", "from 100ms to 10m"},
        BadApi{"entrypoints", "[{httpGet: {messagesLimitCount: 0}}]", "from 1 to 10000"},
        BadApi{"entrypoints", "[{httpGet: {messagesLimitCount: -1}}]", "from 1 to 10000"},
        BadApi{"entrypoints", "[{sse: {}, deadLetter: {endpoint: e}}]",
               "dead-letter endpoints are not built yet"},
        BadApi{"entrypoints", "[grpc]", "grpc: grpc entrypoints are not built yet"}));

INSTANTIATE_TEST_SUITE_P(
    Endpoints, Bad,
    ::testing::Values(
        BadApi{"endpointGroups", "[{name: g, endpoints: []}]", "endpoints: must have at least 1"},
        BadApi{"endpointGroups", "[{name: g, endpoints: [{name: e}]}]",
               "endpoints[0]: must say one of kafka"},
        BadApi{"endpointGroups", "[{name: g, endpoints: [{name: g, mock: {}}]}]",
               "endpoints[0].name: is the name of another group or endpoint"},
        BadApi{"endpointGroups", "[{name: G, endpoints: [{name: e, mock: {}}]}]",
               "endpointGroups[0].name: must be 1 to 63 characters"},
        BadApi{"endpointGroups",
               "[{name: g, endpoints: [{name: e, mock: {}}, {name: f, kafka: {bootstrapServers: "
               "'k:1'}}]}]",
               "all endpoints of a group are of one kind"},
        BadApi{"endpointGroups",
               "[{name: g, shared: {kafka: {}}, endpoints: [{name: e, mock: {}}]}]",
               "shared: is of kind kafka, but endpoint e is mock"},
        BadApi{"endpointGroups", "[{name: g, endpoints: [{name: e, http: {}}]}]",
               "http endpoints are not built yet in this version"},
        BadApi{"endpointGroups", "[{name: g, endpoints: [{name: e, weight: 0, mock: {}}]}]",
               "weight: must be from 1 to 1000"},
        BadApi{"endpointGroups",
               "[{name: g, endpoints: [{name: e, mock: {metadata: [{name: a}, {name: a}]}}]}]",
               "metadata[1].name: stands twice"},
        BadApi{"endpointGroups",
               "[{name: g, endpoints: [{name: e, mock: {headers: [{name: 'a:b', value: c}]}}]}]",
               "headers[0].name: must consist of"},
        BadApi{"endpointGroups",
               "[{name: g, endpoints: [{name: e, mock: {headers: [{name: a, secret: {}}]}}]}]",
               "secret: must be a text, {env} or {file}"},
        BadApi{"endpointGroups",
               "[{name: g, endpoints: [{name: e, kafka: {consumer: {topics: a}}}]}]",
               "kafka.bootstrapServers: must have at least one item"},
        BadApi{"endpointGroups",
               "[{name: g, endpoints: [{name: e, kafka: {bootstrapServers: k, consumer: {topics: "
               "a}}}]}]",
               "bootstrapServers[0]: must be HOST:PORT"}));

TEST(ValidateApi, KafkaDirections) {
  const auto check = [](const std::string& rest, const std::string& entrypoints = "[sse]") {
    std::string text = ApiText("endpointGroups", kKafka + rest + "}}]}]");
    text.replace(text.find("entrypoints: [sse]"), 18, "entrypoints: " + entrypoints);
    return Check(Read(text)[0]);
  };
  EXPECT_EQ(check("consumer: {topics: a}"), "");
  EXPECT_EQ(check("consumer: {topicsPattern: '^a'}"), "");
  EXPECT_THAT(check("consumer: {}"), HasSubstr("consumer.topics: is required, unless"));
  EXPECT_THAT(check("consumer: {topics: a, topicsPattern: b}"), HasSubstr("only one of them"));
  EXPECT_THAT(check("consumer: {topicsPattern: '('}"), HasSubstr("RE2 syntax"));
  EXPECT_THAT(check("consumer: {topics: 'a b'}"), HasSubstr("topics[0]: must be a topic name"));
  EXPECT_THAT(check("producer: {}", "[httpPost]"), HasSubstr("producer.topics: must have"));
  EXPECT_THAT(check("producer: {topics: a}"),
              HasSubstr("entrypoints[0]: sse subscribes, but no endpoint of group g has a "
                        "consumer that is on"));
  EXPECT_THAT(check("consumer: {enabled: false, topics: a}"), HasSubstr("sse subscribes, but"));
  EXPECT_THAT(check("consumer: {topics: a}", "[sse, httpPost]"),
              HasSubstr("entrypoints[1]: http-post publishes, but no endpoint of group g has a "
                        "producer that is on"));
  // websocket follows the endpoint; written out it is a demand.
  EXPECT_EQ(check("consumer: {topics: a}", "[websocket]"), "");
  EXPECT_EQ(check("producer: {topics: a}", "[websocket]"), "");
  EXPECT_THAT(check("consumer: {topics: a}", "[{websocket: {publisher: {enabled: true}}}]"),
              HasSubstr("websocket publishes, but"));
  EXPECT_EQ(check("consumer: {topics: a}", "[{websocket: {publisher: {enabled: false}}}]"), "");
  EXPECT_EQ(check("consumer: {topics: a}, security: {protocol: ssl}"), "");
  EXPECT_EQ(check("consumer: {topics: a}, security: {protocol: SASL_SSL, sasl: {mechanism: "
                  "SCRAM_SHA-256, username: u, password: p}}"),
            "");
  EXPECT_THAT(check("consumer: {topics: a}, security: {sasl: {mechanism: aws-msk-iam}}"),
              HasSubstr("mechanism: aws-msk-iam logins to kafka are not built yet"));
}

TEST(ValidateApi, TellsEverythingAtOnce) {
  const auto documents = Read(
      "kind: Api\nname: a\nlisteners: [{path: a}]\nentrypoints: [{sse: {}, qos: auto}, sse]\n"
      "plans: [{name: p}]\n");
  const std::string text = Check(documents[0]);
  for (const char* path : {"type:", "listeners[0].path:", "entrypoints[1]:", "endpointGroups:",
                           "plans[0]:"}) {
    EXPECT_THAT(text, HasSubstr(path));
  }
}

TEST(MergeShared, GoesFieldByFieldByPresence) {
  const auto documents = Read(ApiText(
      "endpointGroups",
      "[{name: g, shared: {kafka: {bootstrapServers: 'k:1', producer: {topics: a, linger: 5ms}, "
      "consumer: {topics: [a, b], checkTopicExistence: true, removeConfluentHeader: true}}}, "
      "endpoints: [{name: e, kafka: {consumer: {topics: c, checkTopicExistence: false}}}, "
      "{name: f, inheritShared: false, kafka: {bootstrapServers: 'x:2', "
      "consumer: {topics: c}}}]}]"));
  EXPECT_EQ(Check(documents[0]), "");
  const ApiPtr api = CompileApi(static_cast<const v1::Api&>(*documents[0].message), {});
  const auto& e = static_cast<const v1::KafkaEndpoint&>(*api->groups[0].endpoints[0].settings);
  EXPECT_EQ(e.bootstrap_servers(0), "k:1");
  EXPECT_EQ(e.producer().linger().nanos(), 5'000'000);
  ASSERT_EQ(e.consumer().topics_size(), 1);
  EXPECT_EQ(e.consumer().topics(0), "c");
  EXPECT_FALSE(e.consumer().check_topic_existence());
  EXPECT_TRUE(e.consumer().remove_confluent_header());
  EXPECT_TRUE(api->groups[0].endpoints[0].has_producer);
  const auto& f = static_cast<const v1::KafkaEndpoint&>(*api->groups[0].endpoints[1].settings);
  EXPECT_EQ(f.bootstrap_servers(0), "x:2");
  EXPECT_FALSE(api->groups[0].endpoints[1].has_producer);
}

TEST(CompileApi, TenantsChooseEndpoints) {
  const auto documents = Read(ApiText(
      "endpointGroups",
      "[{name: g, endpoints: [{name: e, tenants: eu, mock: {}}, {name: f, tenants: [us], mock: "
      "{}}, {name: h, mock: {}}]}]"));
  const auto& api = static_cast<const v1::Api&>(*documents[0].message);
  CompileOptions options;
  options.tenant = "eu";
  const ApiPtr compiled = CompileApi(api, options);
  ASSERT_EQ(compiled->groups[0].endpoints.size(), 2U);
  EXPECT_EQ(compiled->groups[0].endpoints[1].name, "h");
  EXPECT_EQ(CompileApi(api, {})->groups[0].endpoints.size(), 3U);
}

TEST(CompileApi, FingerprintIsOfWhatStreamsDependOn) {
  const auto fingerprint = [](const std::string& key, const std::string& value) {
    const auto documents = Read(ApiText(key, value));
    return CompileApi(static_cast<const v1::Api&>(*documents[0].message), {})->stream_fingerprint;
  };
  const std::string base = fingerprint("", "");
  EXPECT_EQ(fingerprint("description", "other"), base);
  EXPECT_EQ(fingerprint("plans", "[{name: q, apiKey: {}}]"), base);
  EXPECT_EQ(fingerprint("entrypoints", "[{sse: {heartbeatInterval: 5s}, qos: auto}]"), base);
  EXPECT_NE(fingerprint("entrypoints", "[{sse: {heartbeatInterval: 6s}}]"), base);
  EXPECT_NE(fingerprint("endpointGroups",
                        "[{name: g, endpoints: [{name: e, mock: {messageContent: x}}]}]"),
            base);
}

TEST(ValidateSubscription, Rules) {
  const auto check = [](const std::string& rest) {
    return Check(Read("kind: Subscription\nname: s\napi: a\nplan: p\napplication: b\n" + rest)[0]);
  };
  EXPECT_EQ(check("apiKeys: [{name: k, key: 12345678}]\n"), "");
  EXPECT_EQ(check("apiKeys: [{name: k}]\n"), "");
  EXPECT_EQ(check("apiKeys: [{name: k, key: {set: true, fingerprint: 0badcafe}}]\n"), "");
  EXPECT_THAT(check("apiKeys: [{name: k, key: short}]\n"), HasSubstr("8 to 128 URL-safe"));
  EXPECT_THAT(check("apiKeys: [{name: k, key: CANARY/12345}]\n"),
              ::testing::Not(HasSubstr("CANARY")));
  EXPECT_THAT(check("apiKeys: [{name: k, sha256: abc}]\n"), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(check("apiKeys: [{name: k}, {name: k}]\n"), HasSubstr("stands twice"));
  EXPECT_THAT(check("startTime: 2030-01-01T00:00:00Z\nendTime: 2029-01-01T00:00:00Z\n"),
              HasSubstr("endTime: must be after startTime"));
  EXPECT_THAT(check("webhook: {callbackUrl: 'https://a.de'}\n"),
              HasSubstr("webhook deliveries are not built yet"));
}

TEST(ValidateBundle, RulesBetweenResources) {
  const auto documents = Read(
      ApiText() + "---\n" + ApiText("name", "b") +
      "---\nkind: Application\nname: app\n"
      "---\nkind: Subscription\nname: s\napi: a\nplan: p\napplication: app\n"
      "---\nkind: Subscription\nname: t\napi: a\nplan: gold\napplication: other\n"
      "---\nkind: Subscription\nname: u\napi: c\nplan: gold\napplication: app\n");
  Bundle bundle;
  bundle.apis = {static_cast<const v1::Api*>(documents[0].message.get()),
                 static_cast<const v1::Api*>(documents[1].message.get())};
  bundle.applications = {static_cast<const v1::Application*>(documents[2].message.get())};
  for (std::size_t i = 3; i < 6; ++i) {
    bundle.subscriptions.push_back(
        static_cast<const v1::Subscription*>(documents[i].message.get()));
  }
  config::Violations violations;
  ValidateBundle(bundle, true, violations);
  std::string text;
  for (const config::Violation& violation : violations) text += ToText(violation) + "\n";
  EXPECT_EQ(text,
            "apis/b: listeners[0]: has the host and path of a listener of apis/a\n"
            "apis/a/subscriptions/s: plan: is keyless: everyone may use it without a "
            "subscription\n"
            "apis/a/subscriptions/t: application: names an application that is not there\n"
            "apis/a/subscriptions/t: plan: names a plan that is not there\n"
            "apis/c/subscriptions/u: api: names an API that is not there\n");
}

TEST(ValidateGateway, Rules) {
  const auto check = [](const std::string& rest) {
    return Check(Read("kind: Gateway\n" + rest)[0]);
  };
  EXPECT_EQ(check("workers: 1\n"), "");
  EXPECT_EQ(check("http: [{name: a, address: '127.0.0.1:0'}, {name: b, address: '127.0.0.1:0'}]\n"),
            "");
  EXPECT_EQ(check("admin: [{address: '127.0.0.1:19090'}]\nstate: none\n"), "");
  EXPECT_THAT(check("workers: 0\n"), HasSubstr("workers: must be from 1 to 64"));
  EXPECT_THAT(check("http: [{name: a, address: ':80'}]\n"), HasSubstr("must be HOST:PORT"));
  EXPECT_THAT(check("http: [{name: a, address: 'h:1'}, {name: b, address: 'h:1'}]\n"),
              HasSubstr("http[1].address: is the address of http[0].address"));
  EXPECT_THAT(check("admin: [{address: '0.0.0.0:19090'}]\n"),
              HasSubstr("admin[0].tls: an admin address that is not loopback needs tls"));
  EXPECT_THAT(check("admin: [{address: '127.evil.example:1'}]\n"), HasSubstr("not loopback"));
  EXPECT_THAT(check("admin: [{}]\n"), HasSubstr("admin[0]: must say one of unix, address"));
  EXPECT_THAT(check("admin: [{unix: admin.sock}]\n"), HasSubstr("must be an absolute path"));
  EXPECT_THAT(check("http: [{name: a, address: 'h:1', tls: {}}]\n"),
              HasSubstr("tls.certificates: must have at least one item"));
  EXPECT_THAT(check("http: [{name: a, address: 'h:1', tls: {certificates: [{certificateChain: x, "
                    "key: y}], clientCertificates: {mode: required}}}]\n"),
              HasSubstr("clientCertificates.trustStore: is required"));
  EXPECT_THAT(check("http: [{name: a, address: 'h:1', trustedProxies: [10.0.0.0/33]}]\n"),
              HasSubstr("must be an address or a block"));
  EXPECT_THAT(check("state: etcd\n"), HasSubstr("etcd state are not built yet"));
  EXPECT_THAT(check("secrets: {files: [a]}\n"), HasSubstr("secrets.files[0]: must be an absolute"));
}

TEST(Lint, WarnsOfWhatIsSharedUnawares) {
  const auto lint = [](const std::string& key, const std::string& value) {
    const auto documents = Read(ApiText(key, value));
    config::Violations warnings;
    Lint(static_cast<const v1::Api&>(*documents[0].message), warnings);
    return warnings;
  };
  EXPECT_TRUE(lint("", "").empty());  // a mock shares nothing
  const auto twice = lint("plans", "[{name: p, keyless: {}}, {name: q, keyless: {}}]");
  ASSERT_EQ(twice.size(), 1U);
  EXPECT_EQ(twice[0].path, "plans[1]");
  const auto shared = lint("endpointGroups", kKafka + std::string("consumer: {topics: a}}}]}]"));
  ASSERT_EQ(shared.size(), 1U);
  EXPECT_THAT(shared[0].message, HasSubstr("all clients behind one address share"));
}

}  // namespace
}  // namespace tidegate::model
