// Where client identifiers last stood, kept in the offsets of the consumer group of that name;
// nobody joins the group.
//
// Both ask on a handle made for that name (see Committed for why not by admin calls), which costs
// some threads for a moment and is bounded by the control threads. Topics are looked up on one
// handle per connector, made at first use and dropped kClientLinger after the last.
// Thread: any worker. Owner: the connector. Fails: with the class of the library's error, Timeout
// after 5 s.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "connectors/api/connector.h"
#include "connectors/kafka/client.h"

namespace tidegate::kafka {

class Positions final : public connectors::PositionStore {
 public:
  explicit Positions(SharedPtr shared);
  ~Positions() override;
  Task<StatusOr<std::optional<connectors::Position>>> Load(std::string name,
                                                           net::Worker& worker) override;
  Task<Status> Store(std::string name, connectors::Position position,
                     net::Worker& worker) override;
  void Drop();  // frees the handle when no call is outstanding

 private:
  class Hub;
  std::shared_ptr<Hub> hub_;
};

}  // namespace tidegate::kafka
