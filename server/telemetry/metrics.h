// Counters, gauges and histograms whose hot side costs a nanosecond, and the registry that exposes
// them (prometheus-cpp's Collectable; the text writer is ours, see text_writer.h).
//
//   Counter& requests = Registry::Global().GetCounter(
//       "tidegate_http_requests_total", "Requests answered.", {{"api", api}, {"code", "2xx"}});
//   requests.Add();
//
// Get… returns the same object for the same name and labels; resolve once (at configuration time),
// keep the reference: it lives as long as the process. Labels must be bounded by configuration;
// beyond kSeriesPerFamilyMax the series "__other__" takes the rest, and
// tidegate_metric_label_overflow_total counts it.
// Thread: Add/Set/Observe from any thread; Get… from any thread but not on the hot path (a lock).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/telemetry/slots.h"

namespace prometheus {
struct MetricFamily;
}

namespace tidegate::telemetry {

inline constexpr std::size_t kSeriesPerFamilyMax = 2000;

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  Counter();
  void Add(std::uint64_t n = 1) {
    const std::size_t slot = ThreadSlot();
    std::atomic<std::uint64_t>& value = slots_[slot].value;
    if (slot == 0) {
      value.fetch_add(n, std::memory_order_relaxed);
    } else {
      value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
  }
  std::uint64_t Value() const;

 private:
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> value{0};
  };
  std::unique_ptr<Slot[]> slots_;
};

class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  // Up and down from several threads.
  void Add(double delta) {
    double seen = value_.load(std::memory_order_relaxed);
    while (!value_.compare_exchange_weak(seen, seen + delta, std::memory_order_relaxed)) {
    }
  }
  double Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Fixed buckets, chosen when the family is made. Sum is kept in nanoseconds (or units × 1e9).
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  void Observe(double value);
  void Observe(std::chrono::nanoseconds value) {
    Observe(static_cast<double>(value.count()) * 1e-9);
  }
  struct View {
    std::vector<std::uint64_t> cumulative;  // one per bound, then +Inf
    std::uint64_t count = 0;
    double sum = 0;
  };
  View Read() const;
  const std::vector<double>& bounds() const { return bounds_; }

 private:
  struct Slot {
    std::unique_ptr<std::atomic<std::uint64_t>[]> buckets;
    std::atomic<std::uint64_t> sum_nanos{0};
  };
  std::vector<double> bounds_;
  std::vector<Slot> slots_;
};

// OpenTelemetry's advice for durations, in seconds.
const std::vector<double>& DurationBuckets();
// For what the gateway itself adds: 100 µs … 100 ms.
const std::vector<double>& OverheadBuckets();
// For lengths of connections: 1 s … 1 day.
const std::vector<double>& ConnectionBuckets();

class Registry {
 public:
  Registry();
  ~Registry();
  static Registry& Global();

  Counter& GetCounter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& GetGauge(const std::string& name, const std::string& help, const Labels& labels = {});
  Histogram& GetHistogram(const std::string& name, const std::string& help,
                          const std::vector<double>& bounds, const Labels& labels = {});

  // Values computed at scrape: each sample is labels and value. `kind` is "gauge" or "counter".
  struct Sample {
    Labels labels;
    double value = 0;
  };
  using Collector = std::function<std::vector<Sample>()>;
  void AddCollector(const std::string& name, const std::string& help, const std::string& kind,
                    Collector collector);

  std::vector<prometheus::MetricFamily> Collect() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, process_max_fds,
// process_start_time_seconds, tidegate_build_info, tidegate_log_messages_total,
// tidegate_bugs_total.
void AddProcessMetrics(Registry& registry, const std::string& version);

}  // namespace tidegate::telemetry
