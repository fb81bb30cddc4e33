// Joins what flow records of a request to the writer of JSON lines.
// Thread: Write on workers. Owner: lifecycle; outlives the data plane. Fails: never.
#pragma once

#include <memory>

#include "server/flow/access_log.h"
#include "server/telemetry/access_log.h"

namespace tidegate::sidecar {

class AccessLogSink : public flow::AccessLog {
 public:
  explicit AccessLogSink(std::unique_ptr<telemetry::AccessLog> writer)
      : writer_(std::move(writer)) {}
  void Write(const flow::AccessRecord& record) override;

 private:
  std::unique_ptr<telemetry::AccessLog> writer_;
};

}  // namespace tidegate::sidecar
