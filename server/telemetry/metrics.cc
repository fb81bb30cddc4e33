#include "server/telemetry/metrics.h"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>

#include "server/base/check.h"

namespace tidegate::telemetry {
namespace {

constexpr std::size_t kSlotsDefault = 5;
std::atomic<std::size_t> g_slot_count{kSlotsDefault};

constexpr char kOther[] = "__other__";

prometheus::ClientMetric Labelled(const Labels& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) {
    prometheus::ClientMetric::Label label;
    label.name = name;
    label.value = value;
    metric.label.push_back(std::move(label));
  }
  return metric;
}

template <typename T>
struct Family {
  std::string help;
  std::map<Labels, std::unique_ptr<T>> series;
};

struct Computed {
  std::string help;
  std::string kind;
  std::vector<Registry::Collector> collectors;
};

}  // namespace

void SetSlotCount(std::size_t workers_plus_one) {
  TG_CHECK(workers_plus_one >= 1);
  g_slot_count = workers_plus_one;
}

std::size_t SlotCount() { return g_slot_count.load(std::memory_order_relaxed); }

void SetThreadSlot(std::size_t slot) { internal::thread_slot = slot < SlotCount() ? slot : 0; }

Counter::Counter() : slots_(new Slot[SlotCount()]) {}

std::uint64_t Counter::Value() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < SlotCount(); ++i) {
    sum += slots_[i].value.load(std::memory_order_relaxed);
  }
  return sum;
}

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), slots_(SlotCount()) {
  for (Slot& slot : slots_) {
    slot.buckets.reset(new std::atomic<std::uint64_t>[bounds_.size() + 1]());
  }
}

void Histogram::Observe(double value) {
  // Most of what is fast is below the first bound, and that branch is foreseen.
  std::size_t index = 0;
  if (!bounds_.empty() && value > bounds_.front()) {
    index = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  }
  const std::size_t own = ThreadSlot();
  Slot& slot = slots_[own];
  const auto nanos = static_cast<std::uint64_t>(std::max(value, 0.0) * 1e9);
  if (own == 0) {
    slot.buckets[index].fetch_add(1, std::memory_order_relaxed);
    slot.sum_nanos.fetch_add(nanos, std::memory_order_relaxed);
    return;
  }
  auto add = [](std::atomic<std::uint64_t>& cell, std::uint64_t n) {
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  };
  add(slot.buckets[index], 1);
  add(slot.sum_nanos, nanos);
}

Histogram::View Histogram::Read() const {
  View view;
  view.cumulative.resize(bounds_.size() + 1);
  std::uint64_t nanos = 0;
  for (const Slot& slot : slots_) {
    for (std::size_t i = 0; i <= bounds_.size(); ++i) {
      view.cumulative[i] += slot.buckets[i].load(std::memory_order_relaxed);
    }
    nanos += slot.sum_nanos.load(std::memory_order_relaxed);
  }
  for (std::size_t i = 1; i < view.cumulative.size(); ++i) {
    view.cumulative[i] += view.cumulative[i - 1];
  }
  view.count = view.cumulative.back();
  view.sum = static_cast<double>(nanos) / 1e9;  // division rounds correctly
  return view;
}

const std::vector<double>& DurationBuckets() {
  static const std::vector<double> bounds{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                          0.5,   0.75, 1,     2.5,  5,     7.5, 10};
  return bounds;
}

const std::vector<double>& OverheadBuckets() {
  static const std::vector<double> bounds{0.0001, 0.0002, 0.0005, 0.001, 0.002,
                                          0.005,  0.01,   0.02,   0.05,  0.1};
  return bounds;
}

const std::vector<double>& ConnectionBuckets() {
  static const std::vector<double> bounds{1, 10, 60, 300, 1800, 3600, 14400, 86400};
  return bounds;
}

struct Registry::Impl {
  mutable std::mutex mutex;
  std::map<std::string, Family<Counter>> counters;
  std::map<std::string, Family<Gauge>> gauges;
  std::map<std::string, Family<Histogram>> histograms;
  std::map<std::string, Computed> computed;
  Counter overflow;

  // The series with these labels, or the catch-all one when the family is full.
  template <typename T, typename Make>
  T& Get(std::map<std::string, Family<T>>& families, const std::string& name,
         const std::string& help, const Labels& labels, Make make) {
    std::lock_guard lock(mutex);
    Family<T>& family = families[name];
    if (family.help.empty()) family.help = help;
    Labels wanted = labels;
    if (family.series.find(wanted) == family.series.end() &&
        family.series.size() >= kSeriesPerFamilyMax) {
      for (auto& label : wanted) label.second = kOther;
      overflow.Add();
    }
    std::unique_ptr<T>& slot = family.series[wanted];
    if (!slot) slot = make();
    return *slot;
  }
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Registry& Registry::Global() {
  static auto* registry = new Registry();
  return *registry;
}

Counter& Registry::GetCounter(const std::string& name, const std::string& help,
                              const Labels& labels) {
  return impl_->Get(impl_->counters, name, help, labels,
                    [] { return std::make_unique<Counter>(); });
}

Gauge& Registry::GetGauge(const std::string& name, const std::string& help, const Labels& labels) {
  return impl_->Get(impl_->gauges, name, help, labels, [] { return std::make_unique<Gauge>(); });
}

Histogram& Registry::GetHistogram(const std::string& name, const std::string& help,
                                  const std::vector<double>& bounds, const Labels& labels) {
  return impl_->Get(impl_->histograms, name, help, labels,
                    [&] { return std::make_unique<Histogram>(bounds); });
}

void Registry::AddCollector(const std::string& name, const std::string& help,
                            const std::string& kind, Collector collector) {
  std::lock_guard lock(impl_->mutex);
  Computed& entry = impl_->computed[name];
  entry.help = help;
  entry.kind = kind;
  entry.collectors.push_back(std::move(collector));
}

namespace {

prometheus::MetricFamily NewFamily(const std::string& name, const std::string& help,
                                   prometheus::MetricType type) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  return family;
}

prometheus::ClientMetric HistogramMetric(const Labels& labels, const Histogram& histogram) {
  prometheus::ClientMetric metric = Labelled(labels);
  const Histogram::View view = histogram.Read();
  metric.histogram.sample_count = view.count;
  metric.histogram.sample_sum = view.sum;
  for (std::size_t i = 0; i < view.cumulative.size(); ++i) {
    prometheus::ClientMetric::Bucket bucket;
    bucket.cumulative_count = view.cumulative[i];
    bucket.upper_bound = i < histogram.bounds().size()
                             ? histogram.bounds()[i]
                             : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back(bucket);
  }
  return metric;
}

}  // namespace

std::vector<prometheus::MetricFamily> Registry::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  std::vector<std::pair<std::string, Computed>> computed;
  {
    std::lock_guard lock(impl_->mutex);
    for (const auto& [name, family] : impl_->counters) {
      auto out = NewFamily(name, family.help, prometheus::MetricType::Counter);
      for (const auto& [labels, counter] : family.series) {
        auto metric = Labelled(labels);
        metric.counter.value = static_cast<double>(counter->Value());
        out.metric.push_back(std::move(metric));
      }
      families.push_back(std::move(out));
    }
    for (const auto& [name, family] : impl_->gauges) {
      auto out = NewFamily(name, family.help, prometheus::MetricType::Gauge);
      for (const auto& [labels, gauge] : family.series) {
        auto metric = Labelled(labels);
        metric.gauge.value = gauge->Value();
        out.metric.push_back(std::move(metric));
      }
      families.push_back(std::move(out));
    }
    for (const auto& [name, family] : impl_->histograms) {
      auto out = NewFamily(name, family.help, prometheus::MetricType::Histogram);
      for (const auto& [labels, histogram] : family.series) {
        out.metric.push_back(HistogramMetric(labels, *histogram));
      }
      families.push_back(std::move(out));
    }
    computed.assign(impl_->computed.begin(), impl_->computed.end());
    auto out = NewFamily("tidegate_metric_label_overflow_total",
                         "Series refused because their family was full.",
                         prometheus::MetricType::Counter);
    prometheus::ClientMetric metric;
    metric.counter.value = static_cast<double>(impl_->overflow.Value());
    out.metric.push_back(std::move(metric));
    families.push_back(std::move(out));
  }
  // Collectors run without the lock: they may look at other parts of the process.
  for (const auto& [name, entry] : computed) {
    const bool counter = entry.kind == "counter";
    auto out = NewFamily(name, entry.help,
                         counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge);
    for (const Collector& collector : entry.collectors) {
      for (const Sample& sample : collector()) {
        auto metric = Labelled(sample.labels);
        (counter ? metric.counter.value : metric.gauge.value) = sample.value;
        out.metric.push_back(std::move(metric));
      }
    }
    if (!out.metric.empty()) families.push_back(std::move(out));
  }
  std::sort(families.begin(), families.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return families;
}

}  // namespace tidegate::telemetry
