#include "tests/connectors/conformance/mock_harness.h"

#include "connectors/mock/factory.h"
#include "tidegate/config/v1/mock.pb.h"

namespace tidegate::connectors::conformance {
namespace {

class MockHarness final : public Harness {
 public:
  bool loops() const override { return false; }
  void Begin() override {}
  ConnectorPtr Make(net::WorkerPool& workers, From /*from*/, std::int64_t count) override {
    config::v1::MockEndpoint settings;
    settings.mutable_message_interval()->set_nanos(1'000'000);
    if (count > 0) settings.set_message_count(count);
    ConnectorContext context;
    context.api = "conformance";
    context.endpoint = "mock";
    context.workers = &workers;
    auto made = mock::MockKind().make(settings, context);
    EXPECT_TRUE(made.ok()) << MessageOf(made.status());
    return made.ok() ? *made : nullptr;
  }
};

}  // namespace

HarnessPtr MakeMockHarness() { return std::make_unique<MockHarness>(); }

}  // namespace tidegate::connectors::conformance
