#include "connectors/rabbitmq/source.h"

#include "connectors/rabbitmq/source_core.h"
#include "server/base/codec.h"

namespace tidegate::rabbitmq {
namespace {

using connectors::MessageBatch;
using connectors::Position;
using connectors::Qos;
using connectors::SourcePtr;
using connectors::SourceSpec;

class RabbitSource final : public connectors::Source {
 public:
  RabbitSource(std::shared_ptr<SourceCore> core, net::Worker& worker)
      : core_(std::move(core)), worker_(worker) {}
  ~RabbitSource() override {
    if (!closed_) worker_.Spawn("rabbitmq.abandon", SourceCore::Close(core_));
  }

  Task<StatusOr<std::size_t>> Next(MessageBatch& batch, std::uint32_t max) override {
    return core_->Next(batch, max);
  }
  const Position& origin() const override { return origin_; }
  Task<void> Close() override {
    closed_ = true;
    return SourceCore::Close(core_);
  }

 private:
  const std::shared_ptr<SourceCore> core_;
  net::Worker& worker_;
  const Position origin_;  // a queue has none
  bool closed_ = false;
};

}  // namespace

std::string QueueName(const SourceSpec& spec) {
  std::string name = spec.group;
  if (spec.qos == Qos::kNone) name += ".none";
  if (!spec.topics.empty()) {
    std::string all;
    for (const std::string& topic : spec.topics) all += topic + '\n';
    const Sha256Digest digest = Sha256(all);
    name += '.' + Hex(digest.data(), 6);
  }
  return name;
}

Task<StatusOr<SourcePtr>> OpenRabbitSource(SharedPtr shared, SourceSpec spec,
                                           net::Worker& worker) {
  auto core = std::make_shared<SourceCore>(std::move(shared), std::move(spec), worker);
  Status status = co_await core->Begin();
  if (!status.ok()) {
    co_await SourceCore::Close(core);
    co_return status;
  }
  SourcePtr source = std::make_unique<RabbitSource>(std::move(core), worker);
  co_return std::move(source);
}

}  // namespace tidegate::rabbitmq
