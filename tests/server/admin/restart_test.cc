// What is there after a restart, and what the file on disk holds.
#include <filesystem>
#include <fstream>

#include "tests/server/admin/admin_fixture.h"

namespace tidegate::admin {
namespace {

class RestartTest : public AdminTest {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    deployer_.reset();
    repository_.reset();
    store_.reset();  // one process at a time
    plane_.serving.clear();
    plane_.subscriptions.clear();
    auto store = state::OpenSqliteStore(state::SqliteOptions(directory_.path()));
    ASSERT_TRUE(store.ok()) << MessageOf(store.status());
    UseStore(std::move(*store));
  }

  std::string Files() {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      std::ifstream file(entry.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(file), {});
    }
    return all;
  }

  state::TempDirectory directory_;
};

TEST_F(RestartTest, Everything_isServedAgain) {
  ApplyAll();
  v1::CreateApiKeyRequest create;
  create.set_parent("apis/orders/subscriptions/storefront");
  create.set_api_key_id("main");
  v1::ApiKeySecret secret;
  ASSERT_EQ(Verdict(Do(CreateApiKey, create, secret)), "OK");
  const std::string before = Everything();
  Open();
  EXPECT_EQ(Everything(), before);
  ASSERT_NE(plane_.Serving("orders"), nullptr);
  EXPECT_EQ(plane_.Serving("orders")->revision, 1U);
  const auto* served = plane_.SubscriptionOf("orders", "storefront");
  ASSERT_NE(served, nullptr);
  EXPECT_EQ(served->keys.at(0).sha256, Sha256(secret.plaintext()));
  v1::DeployApiRequest deploy;
  deploy.set_name("apis/orders");
  cfg::ApiRevision revision;
  ASSERT_EQ(Verdict(Do(DeployApi, deploy, revision)), "OK");
  EXPECT_EQ(revision.name(), "apis/orders/revisions/2");
}

TEST_F(RestartTest, KeysAndOnlyHashes_areInTheFile) {
  ApplyAll();
  v1::CreateApiKeyRequest create;
  create.set_parent("apis/orders/subscriptions/storefront");
  create.set_api_key_id("main");
  create.mutable_api_key()->mutable_key()->set_text("canary-in-the-key-4711");
  v1::ApiKeySecret secret;
  ASSERT_EQ(Verdict(Do(CreateApiKey, create, secret)), "OK");
  v1::RotateApiKeyRequest rotate;
  rotate.set_name("apis/orders/subscriptions/storefront/apiKeys/main");
  ASSERT_EQ(Verdict(Do(RotateApiKey, rotate, secret)), "OK");
  const Sha256Digest digest = Sha256(secret.plaintext());
  const std::string files = Files();
  EXPECT_NE(files.find(Hex(digest.data(), digest.size())), std::string::npos);
  EXPECT_EQ(files.find("canary-in-the-key-4711"), std::string::npos);
  EXPECT_EQ(files.find(secret.plaintext()), std::string::npos);
}

TEST_F(RestartTest, StoppedApiStaysStoppedAndStoredStaysStored) {
  ApplyAll();
  v1::StopApiRequest stop;
  stop.set_name("apis/orders");
  cfg::Api api;
  ASSERT_EQ(Verdict(Do(StopApi, stop, api)), "OK");
  Open();
  EXPECT_TRUE(plane_.Serving("orders")->stopped);
  v1::UndeployApiRequest undeploy;
  undeploy.set_name("apis/orders");
  ASSERT_EQ(Verdict(Do(UndeployApi, undeploy, api)), "OK");
  Open();
  EXPECT_EQ(plane_.Serving("orders"), nullptr);
  EXPECT_EQ(Get("apis/orders").state(), cfg::API_STATE_STORED);
}

TEST_F(RestartTest, ApiThatCannotBeServedNow_isLeftOutAloneAndSaysWhy) {
  ApplyAll();
  std::string yaml = kOrders;
  yaml.replace(yaml.find("name: orders"), 12, "name: broken");
  yaml.replace(yaml.find("/orders"), 7, "/broken");
  Apply(yaml);
  plane_.problems = {{"broken", "endpointGroups[0].endpoints[0].mock", "SECRET_UNRESOLVED",
                      "the variable is not set"}};
  Open();
  EXPECT_NE(plane_.Serving("orders"), nullptr);
  EXPECT_EQ(plane_.Serving("broken"), nullptr);
  bool told = false;
  const cfg::Api broken = Get("apis/broken");
  for (const cfg::Condition& one : broken.conditions()) {
    told = told || (one.type() == "Programmed" && one.status() == cfg::CONDITION_STATUS_FALSE &&
                    one.message().find("not set") != std::string::npos);
  }
  EXPECT_TRUE(told);
  // Others can still be changed, and it comes back when its cause is gone.
  Apply(std::string(kOrders) + "description: changed\n");
  plane_.problems.clear();
  Apply(yaml);
  EXPECT_NE(plane_.Serving("broken"), nullptr);
}

TEST_F(RestartTest, FullStore_refusesAndServesOn) {
  ApplyAll();
  deployer_.reset();
  repository_.reset();
  store_.reset();
  state::SqliteOptions options(directory_.path());
  options.bytes_max = std::filesystem::file_size(directory_.path() + "/config.db") + 40 * 4096;
  auto store = state::OpenSqliteStore(options);
  ASSERT_TRUE(store.ok()) << MessageOf(store.status());
  UseStore(std::move(*store));
  const std::string before = Everything();
  v1::UpdateApiRequest update;
  update.mutable_api()->set_name("apis/orders");
  for (int i = 0; i < 10; ++i) {
    (*update.mutable_api()->mutable_annotations())["k" + std::to_string(i)] =
        std::string(60'000, 'x');
  }
  cfg::Api api;
  EXPECT_EQ(Verdict(Do(UpdateApi, update, api)), "RESOURCE_EXHAUSTED LIMIT_REACHED");
  EXPECT_EQ(Everything(), before);
  EXPECT_NE(plane_.Serving("orders"), nullptr);
}

}  // namespace
}  // namespace tidegate::admin
