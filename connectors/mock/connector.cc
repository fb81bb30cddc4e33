#include <algorithm>

#include "connectors/mock/factory.h"
#include "connectors/mock/mock_config.h"
#include "connectors/mock/sink.h"
#include "connectors/mock/source.h"
#include "server/base/strings.h"

namespace tidegate::mock {
namespace {

using connectors::Capabilities;
using connectors::Position;
using connectors::Qos;
using connectors::QosSet;

constexpr std::size_t kPreviewBytes = 120;

Capabilities MockCapabilities() {
  Capabilities capabilities;
  capabilities.publish = true;
  capabilities.subscribe = true;
  capabilities.levels =
      QosSet::Of(Qos::kNone, Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce);
  capabilities.auto_ack = true;
  capabilities.manual_ack = true;
  capabilities.recover = true;
  capabilities.private_only = true;
  return capabilities;
}

class MockConnector : public connectors::Connector {
 public:
  explicit MockConnector(MockConfig config)
      : config_(std::make_shared<const MockConfig>(std::move(config))), sink_(*config_) {}

  std::string_view kind() const override { return "mock"; }
  const Capabilities& capabilities() const override { return capabilities_; }

  Task<StatusOr<connectors::SourcePtr>> OpenSource(connectors::SourceSpec spec,
                                                   net::Worker& worker) override {
    std::int64_t next = 0;
    if (spec.start == connectors::Start::kPosition) {
      const Position::Entry* entry = spec.position.Find("", 0);
      if (entry != nullptr) next = entry->offset + 1;
    }
    connectors::SourcePtr source = std::make_unique<MockSource>(config_, next, worker);
    co_return source;
  }

  StatusOr<connectors::Sink*> SinkFor(net::Worker& /*worker*/) override { return &sink_; }

  void AppendId(const Position& position, std::string& out) const override {
    position.AppendTo(out);
  }

  StatusOr<Position> ParseId(std::string_view id) const override {
    const auto counter = ParseUint(id);
    if (!counter || *counter > 9'000'000'000'000'000'000ULL || (id.size() > 1 && id[0] == '0')) {
      return WithReason(InvalidArgument("position is malformed: the mock's ids are whole numbers"),
                        "CURSOR_MALFORMED");
    }
    Position position;
    position.Set("", 0, static_cast<std::int64_t>(*counter));
    return position;
  }

  connectors::Health health() const override {
    connectors::Health health;
    health.state = connectors::HealthState::kReady;
    return health;
  }

  Task<std::vector<connectors::TestStage>> Test(net::Worker& /*worker*/) override {
    connectors::TestStage stage;
    stage.stage = "published";
    stage.ok = true;
    stage.detail = std::to_string(sink_.count()) + " messages";
    const auto last = sink_.Last();
    if (!last.empty() && IsValidUtf8(last.back().content)) {
      stage.detail += ", the last: " + last.back().content.substr(0, kPreviewBytes);
    }
    co_return std::vector<connectors::TestStage>(1, stage);
  }

  Task<void> Drain(TimePoint /*deadline*/, net::Worker& /*worker*/) override { co_return; }

  const MockSink& sink() const { return sink_; }

 private:
  const Capabilities capabilities_ = MockCapabilities();
  std::shared_ptr<const MockConfig> config_;
  MockSink sink_;
};

}  // namespace

connectors::ConnectorKind MockKind() {
  connectors::ConnectorKind kind;
  kind.kind = "mock";
  kind.make = [](const google::protobuf::Message& settings,
                 const connectors::ConnectorContext& context)
      -> StatusOr<connectors::ConnectorPtr> {
    TG_ASSIGN_OR_RETURN(MockConfig config, ReadMockConfig(settings, context.secrets));
    return connectors::ConnectorPtr(std::make_shared<MockConnector>(std::move(config)));
  };
  return kind;
}

std::vector<PublishedMessage> PublishedTo(const connectors::Connector& connector) {
  const auto* mock = dynamic_cast<const MockConnector*>(&connector);
  return mock == nullptr ? std::vector<PublishedMessage>() : mock->sink().Last();
}

}  // namespace tidegate::mock
