// What the HTTP engine calls for every request: the order of DESIGN §6 from head to answer.
//
// Thread: the connection's worker. Owner: DataPlane. Fails: never; every refusal is answered with
// the standard error body, and an entrypoint that answered nothing is found out by the engine.
#pragma once

#include <vector>

#include "server/flow/call.h"
#include "server/flow/worker_state.h"
#include "server/http/handler.h"

namespace tidegate::flow {

class Mediator final : public http::Handler {
 public:
  // `states` holds one entry per worker, by index.
  Mediator(Services& services, const std::vector<WorkerStatePtr>& states)
      : services_(services), states_(states) {}

  Task<void> Handle(http::Exchange& exchange) override;

 private:
  struct Request;
  struct Logged;

  // Decides without waiting for anything: stages 1 to 6 of the list in mediator.cc.
  void Judge(Request& request) const;
  bool Admit(Request& request) const;
  bool FindApi(Request& request) const;
  bool Authenticate(Request& request) const;
  bool Identify(Request& request) const;
  bool ChooseEntrypoint(Request& request) const;

  Task<void> Answer(Request& request) const;
  void Served(Request& request, const Call& call, const EntrypointMetrics& metrics) const;
  static void Describe(const Call& call, AccessRecord& record);
  void Finish(Request& request, const EntrypointMetrics& metrics,
              TimePoint ended) const;

  Services& services_;
  const std::vector<WorkerStatePtr>& states_;
};

}  // namespace tidegate::flow
