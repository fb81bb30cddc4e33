// Counts what another engine does: every engine is watched alike.
#include <chrono>
#include <type_traits>
#include <utility>

#include "server/state/config_store.h"
#include "server/telemetry/metrics.h"

namespace tidegate::state {
namespace {

using telemetry::Counter;
using telemetry::Registry;

// One kind of operation.
class Meter {
 public:
  Meter(const std::string& backend, const std::string& operation)
      : ok_(Of(backend, operation, "ok")),
        refused_(Of(backend, operation, "refused")),
        failed_(Of(backend, operation, "failed")),
        duration_(Registry::Global().GetHistogram(
            "tidegate_state_operation_duration_seconds", "How long the store took.",
            telemetry::DurationBuckets(), {{"backend", backend}, {"op", operation}})) {}

  // Refused is what the caller's data did not fit (an etag, a missing revision); the store works.
  enum class Result { kOk, kRefused, kFailed };
  Result Note(const Status& status, std::chrono::steady_clock::time_point begin) {
    duration_.Observe(std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin));
    if (status.ok()) {
      ok_.Add();
      return Result::kOk;
    }
    if (status.code() == StatusCode::kAborted || status.code() == StatusCode::kNotFound) {
      refused_.Add();
      return Result::kRefused;
    }
    failed_.Add();
    return Result::kFailed;
  }

 private:
  static Counter& Of(const std::string& backend, const std::string& operation,
                     const char* result) {
    return Registry::Global().GetCounter(
        "tidegate_state_operations_total", "Operations of the store, by how they ended.",
        {{"backend", backend}, {"op", operation}, {"result", result}});
  }

  Counter& ok_;
  Counter& refused_;
  Counter& failed_;
  telemetry::Histogram& duration_;
};

class MeteredStore final : public ConfigStore {
 public:
  MeteredStore(std::unique_ptr<ConfigStore> inner, const std::string& backend)
      : inner_(std::move(inner)),
        degraded_(Registry::Global().GetGauge("tidegate_state_degraded",
                                              "1 while the store fails.", {{"backend", backend}})),
        commit_(backend, "commit"),
        load_(backend, "load"),
        revisions_(backend, "revisions") {}

  StatusOr<std::uint64_t> Commit(const Transaction& transaction) override {
    return Measured(commit_, [&] { return inner_->Commit(transaction); });
  }
  StatusOr<Contents> Load() override {
    return Measured(load_, [&] { return inner_->Load(); });
  }
  StatusOr<std::vector<RevisionRecord>> Revisions(const std::string& api) override {
    return Measured(revisions_, [&] { return inner_->Revisions(api); });
  }
  StatusOr<RevisionRecord> Revision(const std::string& api, std::uint64_t number) override {
    return Measured(revisions_, [&] { return inner_->Revision(api, number); });
  }
  std::string Describe() const override { return inner_->Describe(); }

 private:
  template <typename Operation>
  std::invoke_result_t<Operation> Measured(Meter& meter, Operation operation) {
    const auto begin = std::chrono::steady_clock::now();
    auto result = operation();
    const Meter::Result noted = meter.Note(result.status(), begin);
    if (noted != Meter::Result::kRefused) degraded_.Set(noted == Meter::Result::kFailed ? 1 : 0);
    return result;
  }

  const std::unique_ptr<ConfigStore> inner_;
  telemetry::Gauge& degraded_;
  Meter commit_;
  Meter load_;
  Meter revisions_;
};

}  // namespace

std::unique_ptr<ConfigStore> MakeMeteredStore(std::unique_ptr<ConfigStore> store,
                                              const std::string& backend) {
  return std::make_unique<MeteredStore>(std::move(store), backend);
}

}  // namespace tidegate::state
