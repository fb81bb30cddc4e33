#include "server/telemetry/metrics.h"

#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include <thread>

#include "server/telemetry/text_writer.h"

namespace tidegate::telemetry {
namespace {

std::string Text(const Registry& registry, TextFormat format = TextFormat::kPrometheus) {
  return WriteText(registry.Collect(), format);
}

TEST(Metrics, CounterSumsSlotsOfWorkersAndOthers) {
  Registry registry;
  Counter& counter = registry.GetCounter("tidegate_x_total", "X.", {{"api", "a"}});
  std::vector<std::thread> threads;
  for (std::size_t slot = 0; slot < 4; ++slot) {
    threads.emplace_back([&, slot] {
      SetThreadSlot(slot);
      for (int i = 0; i < 10000; ++i) counter.Add();
    });
  }
  threads.emplace_back([&] {  // another thread without a slot of its own
    for (int i = 0; i < 10000; ++i) counter.Add();
  });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.Value(), 50000u);
}

TEST(Metrics, SameNameAndLabelsAreOneSeries) {
  Registry registry;
  EXPECT_EQ(&registry.GetCounter("t_total", "T.", {{"a", "1"}}),
            &registry.GetCounter("t_total", "T.", {{"a", "1"}}));
  EXPECT_NE(&registry.GetCounter("t_total", "T.", {{"a", "1"}}),
            &registry.GetCounter("t_total", "T.", {{"a", "2"}}));
}

TEST(Metrics, AFullFamilyUsesOneCatchAllSeries) {
  Registry registry;
  for (std::size_t i = 0; i < kSeriesPerFamilyMax + 10; ++i) {
    registry.GetCounter("t_total", "T.", {{"a", std::to_string(i)}}).Add();
  }
  const std::string text = Text(registry);
  EXPECT_NE(text.find("t_total{a=\"__other__\"} 10\n"), std::string::npos);
  EXPECT_NE(text.find("tidegate_metric_label_overflow_total 10\n"), std::string::npos);
}

TEST(Metrics, HistogramBucketsAreCumulativeAndCloseWithInf) {
  Registry registry;
  Histogram& histogram = registry.GetHistogram("t_seconds", "T.", {0.1, 1});
  histogram.Observe(0.1);
  histogram.Observe(0.5);
  histogram.Observe(7.0);
  const std::string text = Text(registry);
  EXPECT_NE(text.find("t_seconds_bucket{le=\"0.1\"} 1\n"
                      "t_seconds_bucket{le=\"1\"} 2\n"
                      "t_seconds_bucket{le=\"+Inf\"} 3\n"
                      "t_seconds_sum 7.6\nt_seconds_count 3\n"),
            std::string::npos)
      << text;
}

TEST(TextWriter, OpenMetricsNamesCountersWithoutTotalAndEndsWithEof) {
  Registry registry;
  registry.GetCounter("t_total", "Says \"x\".", {{"a", "q\"\\\n"}}).Add(3);
  const std::string open = Text(registry, TextFormat::kOpenMetrics);
  EXPECT_NE(open.find("# HELP t Says \\\"x\\\".\n# TYPE t counter\n"
                      "t_total{a=\"q\\\"\\\\\\n\"} 3\n"),
            std::string::npos)
      << open;
  EXPECT_EQ(open.substr(open.size() - 6), "# EOF\n");
  const std::string plain = Text(registry);
  EXPECT_NE(plain.find("# HELP t_total Says \"x\".\n# TYPE t_total counter\n"), std::string::npos);
}

TEST(TextWriter, NegotiatesByAccept) {
  EXPECT_EQ(NegotiateFormat(""), TextFormat::kPrometheus);
  EXPECT_EQ(NegotiateFormat("text/plain;version=0.0.4;q=0.3"), TextFormat::kPrometheus);
  EXPECT_EQ(NegotiateFormat("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
            TextFormat::kOpenMetrics);
}

TEST(Metrics, ProcessFamiliesAreThere) {
  Registry registry;
  AddProcessMetrics(registry, "1.2.3+4f2a");
  const std::string text = Text(registry);
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes",
                           "process_open_fds", "process_max_fds", "process_start_time_seconds",
                           "tidegate_build_info{version=\"1.2.3\",revision=\"4f2a\"} 1"}) {
    EXPECT_NE(text.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace tidegate::telemetry
