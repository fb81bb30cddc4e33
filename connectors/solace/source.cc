#include "connectors/solace/source.h"

#include "connectors/solace/limits.h"
#include "connectors/solace/source_core.h"

namespace tidegate::solace {
namespace {

using connectors::Position;
using connectors::SourcePtr;

class AmqpSource final : public connectors::Source {
 public:
  explicit AmqpSource(std::shared_ptr<SourceCore> core) : core_(std::move(core)) {}
  Task<StatusOr<std::size_t>> Next(connectors::MessageBatch& batch, std::uint32_t max) override {
    return core_->Next(batch, max);
  }
  const Position& origin() const override { return origin_; }
  Task<void> Close() override { return core_->Close(); }

 private:
  const std::shared_ptr<SourceCore> core_;
  const Position origin_;  // AMQP knows no positions
};

}  // namespace

Task<StatusOr<SourcePtr>> OpenAmqpSource(SharedPtr shared, connectors::SourceSpec spec,
                                         net::Worker& worker) {
  if (spec.share == connectors::Share::kGroup && spec.group.empty()) {
    co_return MakeError(ErrorClass::kConfigInvalid, "read solace: a group needs a name");
  }
  auto core = std::make_shared<SourceCore>(std::move(shared), std::move(spec), worker);
  Status opened = co_await core->Open(Clock::now() + kOpenTimeout);
  if (!opened.ok()) {
    co_await core->Close();
    co_return opened;
  }
  SourcePtr source = std::make_unique<AmqpSource>(std::move(core));
  co_return source;
}

}  // namespace tidegate::solace
