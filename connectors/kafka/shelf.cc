#include "connectors/kafka/shelf.h"

#include <algorithm>

#include "server/base/limits.h"

namespace tidegate::kafka {

struct Shelf::Entry final : net::WheelTimer {
  explicit Entry(Shelf& owner) : shelf(owner) {}
  void OnTimer() override {
    std::erase_if(shelf.entries_, [this](const auto& entry) { return entry.get() == this; });
  }
  Shelf& shelf;
  const Monitor* connector = nullptr;
  ClientPtr client;
};

Shelf::Shelf(net::Worker& worker) : worker_(worker) {}
Shelf::~Shelf() = default;

void Shelf::Put(const Monitor* connector, ClientPtr client) {
  const auto mine = std::count_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
    return entry->connector == connector;
  });
  if (static_cast<std::size_t>(mine) >= kShelvedPerConnector) return;
  Entry& entry = *entries_.emplace_back(std::make_unique<Entry>(*this));
  entry.connector = connector;
  entry.client = std::move(client);
  worker_.wheel().Arm(entry, kClientLinger);
}

ClientPtr Shelf::Take(const Monitor* connector) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
    return entry->connector == connector;
  });
  if (found == entries_.end()) return nullptr;
  ClientPtr client = std::move((*found)->client);
  entries_.erase(found);
  return client;
}

void Shelf::Purge(const Monitor* connector) {
  std::erase_if(entries_, [&](const auto& entry) { return entry->connector == connector; });
}

}  // namespace tidegate::kafka
