// SubscriptionService: states, transfer, keys.
#include <stdlib.h>

#include "server/base/codec.h"
#include "tests/server/admin/admin_fixture.h"

namespace tidegate::admin {
namespace {

constexpr char kName[] = "apis/orders/subscriptions/storefront";

class SubscriptionTest : public AdminTest {
 protected:
  void SetUp() override {
    AdminTest::SetUp();
    std::string yaml = kOrders;
    yaml.replace(yaml.rfind(']'), 1,
                 ", {name: careful, apiKey: {}, validation: manual, commentRequired: true}]");
    Apply(yaml + "---\n" + kStorefront);
  }

  v1::CreateSubscriptionRequest NewRequest(const std::string& plan) {
    v1::CreateSubscriptionRequest request;
    request.set_parent("apis/orders");
    request.set_subscription_id("storefront");
    request.mutable_subscription()->set_plan(plan);
    request.mutable_subscription()->set_application("storefront");
    return request;
  }
  Status Create(const std::string& plan) {
    auto request = NewRequest(plan);
    request.mutable_subscription()->set_comment("please");
    cfg::Subscription response;
    return Do(CreateSubscription, request, response);
  }
  template <typename Request>
  std::string State(Status (*operation)(Deployer&, Call&, const Request&, cfg::Subscription&)) {
    Request request;
    request.set_name(kName);
    cfg::Subscription response;
    const Status status = Do(operation, request, response);
    return status.ok() ? cfg::SubscriptionState_Name(response.state()).substr(19)
                       : Verdict(status);
  }
  const model::Subscription* Served() { return plane_.SubscriptionOf("orders", "storefront"); }

  Status CreateKey(v1::CreateApiKeyRequest request, v1::ApiKeySecret& secret) {
    request.set_parent(kName);
    if (request.api_key_id().empty()) request.set_api_key_id("main");
    return Do(CreateApiKey, request, secret);
  }
  static std::string HashOf(const Sha256Digest& digest) {
    return Hex(digest.data(), digest.size());
  }
  static std::string HashOf(const std::string& text) { return HashOf(Sha256(text)); }
};

TEST_F(SubscriptionTest, AutoPlan_acceptsAtOnce) {
  ASSERT_EQ(Verdict(Create("partners")), "OK");
  ASSERT_NE(Served(), nullptr);
  EXPECT_EQ(Served()->state, model::SubscriptionState::kAccepted);
  EXPECT_EQ(Served()->application, "storefront");
  EXPECT_EQ(Served()->uid.size(), 36U);
}

TEST_F(SubscriptionTest, CreateRefused) {
  EXPECT_EQ(Verdict(Create("open")), "INVALID_ARGUMENT INVALID_FIELD") << "keyless";
  EXPECT_EQ(Verdict(Create("none")), "FAILED_PRECONDITION UNRESOLVED_REFERENCE");
  auto request = NewRequest("careful");
  cfg::Subscription response;
  EXPECT_EQ(Verdict(Do(CreateSubscription, request, response)),
            "INVALID_ARGUMENT REQUIRED_FIELD_MISSING")
      << "comment";
  request = NewRequest("partners");
  request.mutable_subscription()->set_application("nobody");
  EXPECT_EQ(Verdict(Do(CreateSubscription, request, response)),
            "FAILED_PRECONDITION UNRESOLVED_REFERENCE");
  request = NewRequest("partners");
  request.set_parent("apis/none");
  request.mutable_subscription()->clear_plan();
  EXPECT_EQ(Verdict(Do(CreateSubscription, request, response)), "NOT_FOUND RESOURCE_NOT_FOUND");
  request = NewRequest("partners");
  request.mutable_subscription()->add_api_keys()->set_name("main");
  EXPECT_EQ(Verdict(Do(CreateSubscription, request, response)),
            "INVALID_ARGUMENT REQUIRED_FIELD_MISSING")
      << "a key without credential";
  EXPECT_TRUE(deployer_->Read()->subscriptions.empty());
  ASSERT_EQ(Verdict(Create("partners")), "OK");
  EXPECT_EQ(Verdict(Create("partners")), "ALREADY_EXISTS RESOURCE_EXISTS");
  request = NewRequest("partners");
  request.set_subscription_id("second");
  EXPECT_EQ(Verdict(Do(CreateSubscription, request, response)), "ALREADY_EXISTS RESOURCE_EXISTS")
      << "one subscription per plan and application";
}

TEST_F(SubscriptionTest, ManualPlan_walksThroughAllStates) {
  ASSERT_EQ(Verdict(Create("careful")), "OK");
  EXPECT_EQ(Served()->state, model::SubscriptionState::kPending);
  const std::string wrong = "FAILED_PRECONDITION WRONG_STATE";
  EXPECT_EQ(State(PauseSubscription), wrong);
  EXPECT_EQ(State(ResumeSubscription), wrong);
  EXPECT_EQ(State(CloseSubscription), wrong) << "a pending one is rejected";
  EXPECT_EQ(State(AcceptSubscription), "ACCEPTED");
  EXPECT_EQ(Served()->state, model::SubscriptionState::kAccepted);
  EXPECT_EQ(State(AcceptSubscription), wrong);
  EXPECT_EQ(State(RejectSubscription), wrong);
  EXPECT_EQ(State(PauseSubscription), "PAUSED");
  EXPECT_EQ(Served()->state, model::SubscriptionState::kPaused);
  EXPECT_EQ(State(ResumeSubscription), "ACCEPTED");
  EXPECT_EQ(State(CloseSubscription), "CLOSED");
  EXPECT_EQ(Served(), nullptr);
  EXPECT_EQ(State(ResumeSubscription), wrong);
  EXPECT_EQ(State(CloseSubscription), wrong);
}

TEST_F(SubscriptionTest, RejectedOne_isOverAndSaysWhy) {
  ASSERT_EQ(Verdict(Create("careful")), "OK");
  v1::RejectSubscriptionRequest request;
  request.set_name(kName);
  request.set_reason("no budget");
  request.set_etag(GetSub(kName).etag());
  request.set_validate_only(true);
  cfg::Subscription response;
  ASSERT_EQ(Verdict(Do(RejectSubscription, request, response)), "OK");
  EXPECT_EQ(GetSub(kName).state(), cfg::SUBSCRIPTION_STATE_PENDING);
  request.set_validate_only(false);
  ASSERT_EQ(Verdict(Do(RejectSubscription, request, response)), "OK");
  EXPECT_EQ(response.reason(), "no budget");
  EXPECT_EQ(Served(), nullptr);
  EXPECT_EQ(Verdict(Do(RejectSubscription, request, response)), "ABORTED ETAG_MISMATCH");
  request.set_name("apis/orders/subscriptions/none");
  EXPECT_EQ(Verdict(Do(RejectSubscription, request, response)), "NOT_FOUND RESOURCE_NOT_FOUND");
}

TEST_F(SubscriptionTest, Transfer_onlyToAPublishedPlanOfTheSameSecurity) {
  ASSERT_EQ(Verdict(Create("partners")), "OK");
  v1::TransferSubscriptionRequest request;
  request.set_name(kName);
  cfg::Subscription response;
  request.set_plan("apis/orders/plans/none");
  EXPECT_EQ(Verdict(Do(TransferSubscription, request, response)),
            "FAILED_PRECONDITION UNRESOLVED_REFERENCE");
  request.set_plan("apis/orders/plans/open");
  EXPECT_EQ(Verdict(Do(TransferSubscription, request, response)),
            "FAILED_PRECONDITION WRONG_STATE");
  request.set_plan("apis/orders/plans/careful");
  ASSERT_EQ(Verdict(Do(TransferSubscription, request, response)), "OK");
  EXPECT_EQ(Served()->plan, "careful");
}

TEST_F(SubscriptionTest, Update_changesTimesButNotReferences) {
  ASSERT_EQ(Verdict(Create("partners")), "OK");
  v1::UpdateSubscriptionRequest request;
  request.mutable_subscription()->set_name(kName);
  request.mutable_subscription()->mutable_end_time()->set_seconds(1'900'000'000);
  cfg::Subscription response;
  ASSERT_EQ(Verdict(Do(UpdateSubscription, request, response)), "OK");
  EXPECT_EQ(response.state(), cfg::SUBSCRIPTION_STATE_ACCEPTED);
  ASSERT_TRUE(Served()->end.has_value());
  request.mutable_subscription()->mutable_start_time()->set_seconds(1'950'000'000);
  EXPECT_EQ(Verdict(Do(UpdateSubscription, request, response)), "INVALID_ARGUMENT INVALID_FIELD");
  request.mutable_subscription()->clear_start_time();
  request.mutable_subscription()->set_plan("careful");
  EXPECT_EQ(Verdict(Do(UpdateSubscription, request, response)), "INVALID_ARGUMENT INVALID_FIELD");
  request.mutable_subscription()->clear_plan();
  request.mutable_subscription()->set_desired_state(cfg::SUBSCRIPTION_DESIRED_STATE_CLOSED);
  EXPECT_EQ(Verdict(Do(UpdateSubscription, request, response)), "INVALID_ARGUMENT INVALID_FIELD");
}

TEST_F(SubscriptionTest, ListAndDelete) {
  ASSERT_EQ(Verdict(Create("partners")), "OK");
  v1::ListSubscriptionsRequest list;
  list.set_parent("apis/-");
  v1::ListSubscriptionsResponse all;
  ASSERT_EQ(Verdict(Do(ListSubscriptions, list, all)), "OK");
  EXPECT_EQ(all.subscriptions_size(), 1);
  list.set_parent("apis/orders");
  ASSERT_EQ(Verdict(Do(ListSubscriptions, list, all)), "OK");
  list.set_parent("orders");
  EXPECT_EQ(Verdict(Do(ListSubscriptions, list, all)), "INVALID_ARGUMENT INVALID_FIELD");
  v1::DeleteSubscriptionRequest gone;
  gone.set_name(kName);
  google::protobuf::Empty empty;
  ASSERT_EQ(Verdict(Do(DeleteSubscription, gone, empty)), "OK");
  EXPECT_EQ(Served(), nullptr);
  EXPECT_EQ(Verdict(Do(DeleteSubscription, gone, empty)), "NOT_FOUND RESOURCE_NOT_FOUND");
}

TEST_F(SubscriptionTest, CreatedKey_isShownOnceAndKeptAsHash) {
  ASSERT_EQ(Verdict(Create("partners")), "OK");
  v1::CreateApiKeyRequest request;
  request.set_request_id("0b9e24f8-55a4-4ad5-8d0c-0f6f6a3b9a02");
  v1::ApiKeySecret secret;
  ASSERT_EQ(Verdict(CreateKey(request, secret)), "OK");
  ASSERT_EQ(secret.plaintext().size(), 48U);
  EXPECT_EQ(secret.api_key().name(), std::string(kName) + "/apiKeys/main");
  EXPECT_EQ(secret.api_key().sha256(), "");
  ASSERT_EQ(Served()->keys.size(), 1U);
  EXPECT_EQ(HashOf(Served()->keys[0].sha256), HashOf(secret.plaintext()));
  EXPECT_EQ(Everything().find(secret.plaintext()), std::string::npos);
  EXPECT_EQ(Everything().find(HashOf(secret.plaintext())), std::string::npos);

  v1::ApiKeySecret again;
  ASSERT_EQ(Verdict(CreateKey(request, again)), "OK") << "the same call again";
  EXPECT_EQ(again.plaintext(), "");
  EXPECT_EQ(again.api_key().name(), secret.api_key().name());
  EXPECT_EQ(Served()->keys.size(), 1U);
  EXPECT_EQ(Verdict(CreateKey({}, again)), "ALREADY_EXISTS RESOURCE_EXISTS");

  v1::ListApiKeysRequest list;
  list.set_parent(kName);
  v1::ListApiKeysResponse keys;
  ASSERT_EQ(Verdict(Do(ListApiKeys, list, keys)), "OK");
  ASSERT_EQ(keys.api_keys_size(), 1);
  EXPECT_EQ(keys.api_keys(0).credential_case(), cfg::ApiKey::CREDENTIAL_NOT_SET);
  EXPECT_EQ(keys.api_keys(0).prefix(), secret.plaintext().substr(0, 4));
}

TEST_F(SubscriptionTest, GivenKey_isCheckedAndNeverEchoed) {
  ASSERT_EQ(Verdict(Create("partners")), "OK");
  v1::CreateApiKeyRequest request;
  v1::ApiKeySecret secret;
  request.mutable_api_key()->mutable_key()->set_text("sh0rt!");
  const Status refused = CreateKey(request, secret);
  EXPECT_EQ(Verdict(refused), "INVALID_ARGUMENT INVALID_FIELD");
  EXPECT_EQ(ToRpcStatus(refused).SerializeAsString().find("sh0rt!"), std::string::npos);
  request.mutable_api_key()->mutable_key()->set_env("TIDEGATE_TEST_MISSING");
  EXPECT_EQ(Verdict(CreateKey(request, secret)), "FAILED_PRECONDITION SECRET_UNRESOLVED");
  ::setenv("TIDEGATE_TEST_KEY", "from-the-environment", 1);
  request.mutable_api_key()->mutable_key()->set_env("TIDEGATE_TEST_KEY");
  ASSERT_EQ(Verdict(CreateKey(request, secret)), "OK");
  EXPECT_EQ(secret.plaintext(), "");
  EXPECT_EQ(HashOf(Served()->keys[0].sha256), HashOf(std::string("from-the-environment")));
  request.set_api_key_id("second");
  EXPECT_EQ(Verdict(CreateKey(request, secret)), "ALREADY_EXISTS RESOURCE_EXISTS")
      << "the same value twice";
  request.mutable_api_key()->set_sha256(std::string(64, 'A'));
  ASSERT_EQ(Verdict(CreateKey(request, secret)), "OK");
  request.set_api_key_id("third");
  request.mutable_api_key()->set_sha256("abc");
  EXPECT_EQ(Verdict(CreateKey(request, secret)), "INVALID_ARGUMENT INVALID_FIELD");
}

TEST_F(SubscriptionTest, RotatedKey_takesTheNameAndTheOldOneGoesOnForAWhile) {
  ASSERT_EQ(Verdict(Create("partners")), "OK");
  v1::ApiKeySecret first;
  ASSERT_EQ(Verdict(CreateKey({}, first)), "OK");
  v1::RotateApiKeyRequest rotate;
  rotate.set_name(first.api_key().name());
  rotate.set_validate_only(true);
  v1::ApiKeySecret second;
  ASSERT_EQ(Verdict(Do(RotateApiKey, rotate, second)), "OK");
  EXPECT_EQ(Served()->keys.size(), 1U);
  rotate.set_validate_only(false);
  ASSERT_EQ(Verdict(Do(RotateApiKey, rotate, second)), "OK");
  EXPECT_EQ(second.api_key().name(), first.api_key().name());
  EXPECT_NE(second.plaintext(), first.plaintext());
  ASSERT_EQ(Served()->keys.size(), 2U);
  EXPECT_EQ(HashOf(Served()->keys[0].sha256), HashOf(second.plaintext()));
  EXPECT_FALSE(Served()->keys[0].expire.has_value());
  EXPECT_EQ(HashOf(Served()->keys[1].sha256), HashOf(first.plaintext()));
  EXPECT_EQ(Served()->keys[1].expire, now_ + std::chrono::hours(2));
  EXPECT_EQ(Served()->keys[1].name, "main-" + HashOf(first.plaintext()).substr(0, 8));
  rotate.mutable_grace_period()->set_seconds(-1);
  EXPECT_EQ(Verdict(Do(RotateApiKey, rotate, second)), "INVALID_ARGUMENT INVALID_FIELD");
  rotate.clear_grace_period();
  rotate.set_name(std::string(kName) + "/apiKeys/none");
  EXPECT_EQ(Verdict(Do(RotateApiKey, rotate, second)), "NOT_FOUND RESOURCE_NOT_FOUND");
}

TEST_F(SubscriptionTest, ManyRotations_neverFillTheList) {
  ASSERT_EQ(Verdict(Create("partners")), "OK");
  v1::ApiKeySecret secret;
  ASSERT_EQ(Verdict(CreateKey({}, secret)), "OK");
  v1::RotateApiKeyRequest rotate;
  rotate.set_name(secret.api_key().name());
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(Verdict(Do(RotateApiKey, rotate, secret)), "OK") << i;
    now_ += std::chrono::minutes(10);
  }
  EXPECT_LE(Served()->keys.size(), 20U);
  now_ -= std::chrono::hours(1);  // within the grace periods of many
  std::string last;
  for (int i = 0; i < 30 && last.empty(); ++i) {
    const Status status = Do(RotateApiKey, rotate, secret);
    if (!status.ok()) last = Verdict(status);
  }
  EXPECT_EQ(last, "RESOURCE_EXHAUSTED LIMIT_REACHED");
}

TEST_F(SubscriptionTest, RevokedKey_holdsNoLonger) {
  ASSERT_EQ(Verdict(Create("partners")), "OK");
  v1::ApiKeySecret secret;
  ASSERT_EQ(Verdict(CreateKey({}, secret)), "OK");
  const std::string etag = GetSub(kName).etag();
  v1::RevokeApiKeyRequest revoke;
  revoke.set_name(secret.api_key().name());
  cfg::ApiKey key;
  ASSERT_EQ(Verdict(Do(RevokeApiKey, revoke, key)), "OK");
  EXPECT_TRUE(key.revoked());
  EXPECT_EQ(key.revoke_time().seconds(), 1'700'000'000);
  EXPECT_TRUE(Served()->keys[0].revoked);
  EXPECT_NE(GetSub(kName).etag(), etag);
  EXPECT_EQ(Verdict(Do(RevokeApiKey, revoke, key)), "FAILED_PRECONDITION WRONG_STATE");
  v1::RotateApiKeyRequest rotate;
  rotate.set_name(secret.api_key().name());
  EXPECT_EQ(Verdict(Do(RotateApiKey, rotate, secret)), "FAILED_PRECONDITION WRONG_STATE");
}

TEST_F(SubscriptionTest, KeyExpiry_isTheOnlyThingThatChanges) {
  ASSERT_EQ(Verdict(Create("partners")), "OK");
  v1::ApiKeySecret secret;
  ASSERT_EQ(Verdict(CreateKey({}, secret)), "OK");
  v1::UpdateApiKeyRequest update;
  update.mutable_api_key()->set_name(secret.api_key().name());
  update.mutable_api_key()->mutable_expire_time()->set_seconds(1'700'003'600);
  update.mutable_update_mask()->add_paths("expire_time");
  cfg::ApiKey key;
  ASSERT_EQ(Verdict(Do(UpdateApiKey, update, key)), "OK");
  EXPECT_EQ(Served()->keys[0].expire, now_ + std::chrono::hours(1));
  // Without a mask what is not given stays; with one it goes.
  update.clear_update_mask();
  update.mutable_api_key()->clear_expire_time();
  ASSERT_EQ(Verdict(Do(UpdateApiKey, update, key)), "OK");
  EXPECT_TRUE(key.has_expire_time());
  update.mutable_update_mask()->add_paths("expire_time");
  ASSERT_EQ(Verdict(Do(UpdateApiKey, update, key)), "OK");
  EXPECT_FALSE(key.has_expire_time());
  update.mutable_api_key()->mutable_expire_time()->set_seconds(1);
  EXPECT_EQ(Verdict(Do(UpdateApiKey, update, key)), "INVALID_ARGUMENT INVALID_FIELD");
  update.mutable_update_mask()->set_paths(0, "key");
  EXPECT_EQ(Verdict(Do(UpdateApiKey, update, key)), "INVALID_ARGUMENT UNKNOWN_FIELD_MASK");
}

}  // namespace
}  // namespace tidegate::admin
