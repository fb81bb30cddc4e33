#include "connectors/kafka/source_group.h"

#include <librdkafka/rdkafka.h>

#include "connectors/kafka/group_core.h"

namespace tidegate::kafka {
namespace {

using connectors::Position;
using connectors::SourcePtr;

class GroupSource final : public connectors::Source {
 public:
  explicit GroupSource(std::shared_ptr<GroupCore> core) : core_(std::move(core)) {}
  Task<StatusOr<std::size_t>> Next(connectors::MessageBatch& batch, std::uint32_t max) override {
    return core_->Next(batch, max);
  }
  const Position& origin() const override { return origin_; }
  Task<void> Close() override { return core_->Close(); }

 private:
  const std::shared_ptr<GroupCore> core_;
  const Position origin_;  // a group has none of its own
};

}  // namespace

Task<StatusOr<SourcePtr>> OpenGroup(SharedPtr shared, connectors::SourceSpec spec,
                                    net::Worker& worker) {
  if (spec.group.empty()) {
    co_return MakeError(ErrorClass::kConfigInvalid, "read kafka: a group needs a name");
  }
  using Joined = StatusOr<std::shared_ptr<GroupHandles>>;
  auto core = std::make_shared<GroupCore>(shared, std::move(spec), worker);
  std::function<Joined()> job = [shared, core] {
    Joined joined = GroupHandles::Join(shared, core->spec(), *core);
    // Nobody waits any more: leave again.
    if (joined.ok() && core->abandoned()) (*joined)->Leave();
    return joined;
  };
  auto joined = co_await shared->threads.Run<Joined>(worker, std::move(job), kOpenDeadline);
  if (!joined) {
    core->Abandon();
    co_return MakeError(ErrorClass::kConnectFailed, "read kafka: no answer in time");
  }
  if (!joined->ok()) {
    shared->monitor->FailedToOpen(joined->status());
    co_return joined->status();
  }
  Status begun = core->Begin(std::move(**joined));
  SourcePtr source = std::make_unique<GroupSource>(core);
  if (!begun.ok()) {
    co_await core->Close();
    co_return begun;
  }
  co_return source;
}

}  // namespace tidegate::kafka
