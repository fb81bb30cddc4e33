#include "server/telemetry/text_writer.h"

#include <prometheus/metric_family.h>

#include <charconv>
#include <cmath>

namespace tidegate::telemetry {
namespace {

// Text 0.0.4 escapes quotes in label values only; OpenMetrics in help texts as well.
void AppendEscaped(std::string& out, std::string_view text, bool quotes) {
  for (char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void AppendNumber(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    out.append(text, end);
  }
}

using Label = prometheus::ClientMetric::Label;

void AppendLabels(std::string& out, const std::vector<Label>& labels, const double* bound) {
  if (labels.empty() && bound == nullptr) return;
  out += '{';
  bool first = true;
  for (const Label& label : labels) {
    if (!first) out += ',';
    first = false;
    out += label.name;
    out += "=\"";
    AppendEscaped(out, label.value, true);
    out += '"';
  }
  if (bound != nullptr) {
    if (!first) out += ',';
    out += "le=\"";
    AppendNumber(out, *bound);
    out += '"';
  }
  out += '}';
}

void AppendSample(std::string& out, std::string_view name, std::string_view suffix,
                  const std::vector<Label>& labels, const double* bound, double value) {
  out += name;
  out += suffix;
  AppendLabels(out, labels, bound);
  out += ' ';
  AppendNumber(out, value);
  out += '\n';
}

void AppendHistogram(std::string& out, std::string_view name,
                     const prometheus::ClientMetric& metric) {
  for (const auto& bucket : metric.histogram.bucket) {
    AppendSample(out, name, "_bucket", metric.label, &bucket.upper_bound,
                 static_cast<double>(bucket.cumulative_count));
  }
  AppendSample(out, name, "_sum", metric.label, nullptr, metric.histogram.sample_sum);
  AppendSample(out, name, "_count", metric.label, nullptr,
               static_cast<double>(metric.histogram.sample_count));
}

void AppendFamily(std::string& out, const prometheus::MetricFamily& family, TextFormat format) {
  constexpr std::string_view kTotal = "_total";
  const bool open = format == TextFormat::kOpenMetrics;
  std::string_view name = family.name;
  std::string_view suffix;
  const bool counter = family.type == prometheus::MetricType::Counter;
  // OpenMetrics names the family without _total and every sample with it.
  if (counter && open && name.size() > kTotal.size() &&
      name.substr(name.size() - kTotal.size()) == kTotal) {
    name.remove_suffix(kTotal.size());
    suffix = kTotal;
  }
  const bool histogram = family.type == prometheus::MetricType::Histogram;
  out += "# HELP ";
  out += name;
  out += ' ';
  AppendEscaped(out, family.help, open);
  out += "\n# TYPE ";
  out += name;
  out += counter ? " counter\n" : histogram ? " histogram\n" : " gauge\n";
  for (const auto& metric : family.metric) {
    if (histogram) {
      AppendHistogram(out, name, metric);
    } else {
      AppendSample(out, name, suffix, metric.label, nullptr,
                   counter ? metric.counter.value : metric.gauge.value);
    }
  }
}

}  // namespace

TextFormat NegotiateFormat(std::string_view accept) {
  return accept.find("application/openmetrics-text") != std::string_view::npos
             ? TextFormat::kOpenMetrics
             : TextFormat::kPrometheus;
}

std::string_view ContentTypeOf(TextFormat format) {
  return format == TextFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

std::string WriteText(const std::vector<prometheus::MetricFamily>& families, TextFormat format) {
  std::string out;
  for (const auto& family : families) AppendFamily(out, family, format);
  if (format == TextFormat::kOpenMetrics) out += "# EOF\n";
  return out;
}

}  // namespace tidegate::telemetry
