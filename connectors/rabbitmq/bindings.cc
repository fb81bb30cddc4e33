#include "connectors/rabbitmq/bindings.h"

#include <algorithm>

#include "connectors/rabbitmq/limits.h"

namespace tidegate::rabbitmq {
namespace {

bool Contains(const std::vector<Binding>& all, const Binding& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

Bindings& Bindings::OfProcess() {
  static Bindings bindings;
  return bindings;
}

std::uint64_t Bindings::NextGeneration() {
  const std::lock_guard lock(mutex_);
  return ++generations_;
}

Bindings::Plan Bindings::Want(const std::string& queue, std::uint64_t generation,
                              std::vector<Binding> wanted) {
  const std::lock_guard lock(mutex_);
  if (!entries_.contains(queue)) MakeRoom();
  Entry& entry = entries_[queue];
  entry.used = ++uses_;
  Plan plan;
  if (entry.generation > generation) {
    plan.newest = false;
    return plan;
  }
  entry.generation = generation;
  for (Binding& old : entry.wanted) {
    if (!Contains(wanted, old)) entry.gone.push_back(std::move(old));
  }
  std::erase_if(entry.gone, [&wanted](const Binding& old) { return Contains(wanted, old); });
  entry.wanted = std::move(wanted);
  plan.gone = entry.gone;
  return plan;
}

void Bindings::Unbound(const std::string& queue, const Binding& binding) {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(queue);
  if (at != entries_.end()) std::erase(at->second.gone, binding);
}

// The queue that was set up longest ago is forgotten: its bindings stay as after a restart.
void Bindings::MakeRoom() {
  if (entries_.size() < kQueuesRemembered) return;
  const auto oldest = std::min_element(
      entries_.begin(), entries_.end(),
      [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
  entries_.erase(oldest);
}

}  // namespace tidegate::rabbitmq
