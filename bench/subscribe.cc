// Modes subs and idle: both hold N subscribers; subs measures what they receive, idle what it
// costs that they are there.
#include <cstdio>
#include <string>

#include "bench/modes.h"
#include "bench/process_stats.h"
#include "bench/report.h"
#include "bench/subscribers.h"

namespace tidegate::bench {
namespace {

std::int64_t After(double seconds) { return NowNs() + static_cast<std::int64_t>(seconds * 1e9); }

double Seconds(std::int64_t from) { return static_cast<double>(NowNs() - from) / 1e9; }

}  // namespace

int RunSubs(int count, char** values) {
  const Options options(count, values, {"url", "n", "kind", "header", "last-event-id", "duration",
                                        "warmup", "pid", "name", "ready-file", "rate"});
  const auto pids = options.Pids();
  Subscribers subscribers(options);
  const ProcessStats alone = ReadStats(pids);
  subscribers.OpenAll();
  WriteFile(options.Get("ready-file", ""), "ready");
  subscribers.Run(After(options.Number("warmup", 1)));
  subscribers.Reset();
  const ProcessStats before = ReadStats(pids);
  const std::int64_t from = NowNs();
  subscribers.Run(After(options.Number("duration", 8)));
  const double seconds = Seconds(from);
  const ProcessStats after = ReadStats(pids);
  Report report("subs");
  report.Text("name", options.Get("name", ""))
      .Text("kind", options.Get("kind", "sse"))
      .Number("n", static_cast<double>(subscribers.size()))
      .Number("rate", options.Number("rate", 0))  // published; a run that lags does not count
      .Number("seconds", seconds)
      .Number("count", static_cast<double>(subscribers.deliveries()))
      .Number("bytes", static_cast<double>(subscribers.bytes()))
      .Number("per_second", static_cast<double>(subscribers.deliveries()) / seconds)
      .Number("least_per_sub", static_cast<double>(subscribers.least()))
      .Number("most_per_sub", static_cast<double>(subscribers.most()))
      .Number("closed", static_cast<double>(subscribers.closed()))
      .Number("garbled", static_cast<double>(subscribers.garbled()))
      .Latency(subscribers.histogram())
      .Cpu(before, after, static_cast<double>(subscribers.deliveries()))
      .Number("rss_before_kb", alone.rss_kb)
      .Print();
  return 0;
}

int RunIdle(int count, char** values) {
  const Options options(count, values, {"url", "n", "kind", "header", "last-event-id", "duration",
                                        "settle", "pid", "name"});
  const auto pids = options.Pids();
  Subscribers subscribers(options);
  const ProcessStats alone = ReadStats(pids);
  subscribers.OpenAll();
  subscribers.Run(After(options.Number("settle", 5)));
  subscribers.Reset();
  const ProcessStats before = ReadStats(pids);
  const std::int64_t from = NowNs();
  subscribers.Run(After(options.Number("duration", 30)));
  const double seconds = Seconds(from);
  const ProcessStats after = ReadStats(pids);
  const auto held = static_cast<double>(subscribers.size());
  Report report("idle");
  report.Text("name", options.Get("name", ""))
      .Text("kind", options.Get("kind", "sse"))
      .Number("n", held)
      .Number("seconds", seconds)
      .Number("closed", static_cast<double>(subscribers.closed()))
      .Number("bytes", static_cast<double>(subscribers.bytes()))
      .Number("rss_before_kb", alone.rss_kb)
      .Number("kb_per_connection", (after.rss_kb - alone.rss_kb) / held)
      .Cpu(before, after, held * seconds)  // per connection and second
      .Print();
  return 0;
}

}  // namespace tidegate::bench
