// A StreamSession as the registry sees it.
// Thread: the session's worker. Owner: the serving coroutine, beside its session.
#pragma once

#include "server/flow/stream_registry.h"
#include "server/flow/stream_session.h"

namespace tidegate::entrypoints {

class SessionControl final : public flow::StreamControl {
 public:
  explicit SessionControl(flow::StreamSession& session) : session_(session) {}
  void Stop(flow::EndReason reason, const Status& status) override {
    session_.Stop(reason, status);
  }
  std::uint64_t messages() const override { return session_.frames_written(); }
  std::uint64_t bytes() const override { return session_.bytes_written(); }
  flow::Backlog backlog() const override { return session_.backlog(); }

 private:
  flow::StreamSession& session_;
};

}  // namespace tidegate::entrypoints
