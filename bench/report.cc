#include "bench/report.h"

#include <cmath>
#include <cstdio>

namespace tidegate::bench {

Report::Report(std::string_view mode) { Text("mode", mode); }

void Report::Key(std::string_view key) {
  line_ += line_.empty() ? "{\"" : ", \"";
  line_ += key;
  line_ += "\": ";
}

Report& Report::Text(std::string_view key, std::string_view value) {
  Key(key);
  line_ += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') line_ += '\\';
    line_ += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  line_ += '"';
  return *this;
}

Report& Report::Number(std::string_view key, double value) {
  Key(key);
  char text[40];
  const bool whole = std::floor(value) == value && std::fabs(value) < 1e15;
  std::snprintf(text, sizeof text, whole ? "%.0f" : "%.3f", value);
  line_ += text;
  return *this;
}

Report& Report::Latency(const Histogram& histogram) {
  return Number("p50_us", histogram.QuantileUs(0.5))
      .Number("p99_us", histogram.QuantileUs(0.99))
      .Number("p999_us", histogram.QuantileUs(0.999))
      .Number("mean_us", histogram.mean_us())
      .Number("max_us", histogram.max_us());
}

Report& Report::Cpu(const ProcessStats& before, const ProcessStats& after, double units) {
  const double user = after.user_us - before.user_us;
  const double system = after.system_us - before.system_us;
  Number("cpu_user_us", user).Number("cpu_system_us", system);
  if (units > 0) Number("cpu_us_per_unit", (user + system) / units);
  return Number("rss_kb", after.rss_kb);
}

void Report::Print() {
  std::printf("%s}\n", line_.c_str());
  std::fflush(stdout);
}

}  // namespace tidegate::bench
