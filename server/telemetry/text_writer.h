// Writes metric families as Prometheus text 0.0.4 or OpenMetrics 1.0.
// Thread: pure function. Fails: never.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
struct MetricFamily;
}

namespace tidegate::telemetry {

enum class TextFormat { kPrometheus, kOpenMetrics };

// OpenMetrics when the Accept header names it (with any version), else text 0.0.4.
TextFormat NegotiateFormat(std::string_view accept);
std::string_view ContentTypeOf(TextFormat format);
std::string WriteText(const std::vector<prometheus::MetricFamily>& families, TextFormat format);

}  // namespace tidegate::telemetry
