#include "connectors/solace/settler.h"

#include <proton/disposition.h>

#include "connectors/solace/source_core.h"

namespace tidegate::solace {

using connectors::AckToken;
using connectors::NackKind;

// Held by a post, which may be destroyed without having run.
class Settler::Reference {
 public:
  explicit Reference(Settler& settler) : settler_(&settler) { settler.AddRef(); }
  Reference(Reference&& other) noexcept : settler_(std::exchange(other.settler_, nullptr)) {}
  Reference& operator=(Reference&&) = delete;
  ~Reference() {
    if (settler_ != nullptr) settler_->Release();
  }
  Settler& settler() const { return *settler_; }

 private:
  Settler* settler_;
};

Settler::Settler(std::weak_ptr<SourceCore> core, net::Worker& worker)
    : core_(std::move(core)), worker_(worker) {}

void Settler::OnAck(const AckToken& token) { Say(token, PN_ACCEPTED); }

void Settler::OnNack(const AckToken& token, NackKind kind) {
  Say(token, kind == NackKind::kReject ? PN_REJECTED : PN_MODIFIED);
}

// Posted also on the home worker: whoever settles may be inside the engine's events, and many acks
// make one write.
void Settler::Say(const AckToken& token, std::uint64_t outcome) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = said_.empty();
    said_.emplace_back(token, outcome);
  }
  if (!first) return;
  worker_.Post([keep = Reference(*this)] { keep.settler().Apply(); });
}

void Settler::Apply() {
  {
    const std::lock_guard lock(mutex_);
    taken_.swap(said_);
  }
  if (const auto core = core_.lock()) {
    for (const auto& [token, outcome] : taken_) core->Settle(token, outcome);
    core->FlushSettled();
  }
  taken_.clear();
}

}  // namespace tidegate::solace
