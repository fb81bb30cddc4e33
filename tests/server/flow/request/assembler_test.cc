#include "server/flow/assembler.h"

#include "tests/server/flow/request/gateway_fixture.h"

namespace tidegate::flow {
namespace {

class Assembly : public ::testing::Test {
 protected:
  Assembly() : pool(1) {
    options.connectors = {mock::MockKind()};
    options.entrypoints = {{"websocket", entrypoints::MakeWebsocket},
                           {"sse", entrypoints::MakeSse},
                           {"http-get", entrypoints::MakeHttpGet},
                           {"http-post", entrypoints::MakeHttpPost}};
  }
  std::shared_ptr<Snapshot> Make(std::vector<model::ApiPtr> apis,
                                 const Snapshot* previous = nullptr) {
    problems.clear();
    Assembler assembler(options, pool);
    auto made = assembler.Assemble(apis, previous, problems);
    status = made.status();
    return made.ok() ? *made : nullptr;
  }
  std::string Problem(std::size_t i = 0) {
    return i < problems.size() ? problems[i].path + " " + problems[i].reason : "none";
  }

  net::WorkerPool pool;
  DataPlaneOptions options;
  std::vector<AssembleProblem> problems;
  Status status;
};

TEST_F(Assembly, entrypoints_are_tried_in_the_order_of_the_list) {
  const auto snapshot = Make({MakeApi("clock", MockSettings())});
  ASSERT_TRUE(snapshot) << status;
  std::vector<std::string> kinds;
  for (const auto& entry : snapshot->apis[0]->entrypoints) kinds.push_back(entry.kind);
  EXPECT_EQ(kinds, (std::vector<std::string>{"websocket", "sse", "http-get", "http-post"}));
  EXPECT_EQ(snapshot->apis[0]->entrypoints[1].share, connectors::Share::kPrivate);
}

TEST_F(Assembly, unchanged_api_keeps_its_runtime_changed_one_its_connector) {
  const model::ApiPtr api = MakeApi("clock", MockSettings());
  const auto first = Make({api});
  const auto second = Make({api}, first.get());
  EXPECT_EQ(first->apis[0], second->apis[0]);
  auto edited = std::make_shared<model::Api>(*api);
  edited->plans.push_back(KeyPlan());
  const auto third = Make({edited}, second.get());
  EXPECT_NE(third->apis[0], second->apis[0]);
  EXPECT_EQ(third->apis[0]->endpoints[0].connector, second->apis[0]->endpoints[0].connector);
  auto moved = std::make_shared<model::Api>(*api);
  moved->groups[0].endpoints[0].settings = MockSettings(2);
  const auto fourth = Make({moved}, third.get());
  EXPECT_NE(fourth->apis[0]->endpoints[0].connector, third->apis[0]->endpoints[0].connector);
}

TEST_F(Assembly, refuses_levels_that_the_entrypoint_does_not_take) {
  auto api = MakeApi("clock", MockSettings());
  api->entrypoints[1].qos = model::Qos::kAtLeastOnce;  // websocket
  api->entrypoints[2].qos = model::Qos::kNone;         // http-get
  EXPECT_EQ(Make({api}), nullptr);
  EXPECT_EQ(ReasonOf(status), "CANNOT_SERVE");
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(Problem(0), "entrypoints[1].qos INCOMPATIBLE_QOS");
  EXPECT_EQ(Problem(1), "entrypoints[2].qos INCOMPATIBLE_QOS");
}

TEST_F(Assembly, refuses_what_is_not_part_of_the_build) {
  auto api = MakeApi("clock", MockSettings());
  api->groups[0].endpoints[0].kind = "pulsar";
  api->entrypoints[0].kind = "carrier-pigeon";
  EXPECT_EQ(Make({api}), nullptr);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(Problem(0), "endpointGroups[0].endpoints[0] CONNECTOR_UNKNOWN");
  EXPECT_EQ(Problem(1), "entrypoints[0] ENTRYPOINT_UNKNOWN");
}

TEST_F(Assembly, refuses_share_on_private_sources) {
  auto api = MakeApi("clock", MockSettings());
  api->entrypoints[0].share = model::Share::kGroup;
  EXPECT_EQ(Make({api}), nullptr);
  EXPECT_EQ(Problem(), "entrypoints[0].share INCOMPATIBLE_SHARE");
}

TEST_F(Assembly, refuses_two_listeners_on_one_place) {
  auto first = MakeApi("a", MockSettings());
  auto second = MakeApi("b", MockSettings());
  second->listeners = first->listeners;
  EXPECT_EQ(Make({first, second}), nullptr);
  EXPECT_EQ(problems[0].api, "b");
  EXPECT_EQ(Problem(), "listeners[0] LISTENER_CONFLICT");
}

TEST_F(Assembly, names_the_problems_of_all_apis_at_once) {
  auto first = MakeApi("a", MockSettings());
  auto second = MakeApi("b", MockSettings());
  first->groups.clear();
  second->entrypoints[3].qos = model::Qos::kAtMostOnce;
  EXPECT_EQ(Make({first, second}), nullptr);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].api, "a");
  EXPECT_EQ(Problem(0), "endpointGroups ENDPOINT_MISSING");
  EXPECT_EQ(problems[1].api, "b");
}

}  // namespace
}  // namespace tidegate::flow
