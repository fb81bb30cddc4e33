// One result: a JSON object on one line of standard output.
//
// Thread: one. Owner: the mode that measures. Fails: never.
#pragma once

#include <string>
#include <string_view>

#include "bench/histogram.h"
#include "bench/process_stats.h"

namespace tidegate::bench {

class Report {
 public:
  explicit Report(std::string_view mode);

  Report& Text(std::string_view key, std::string_view value);
  Report& Number(std::string_view key, double value);
  // p50, p99, p99.9, mean and largest, in microseconds.
  Report& Latency(const Histogram& histogram);
  // CPU between two readings, in all and for each of `units`, and the memory of the second.
  Report& Cpu(const ProcessStats& before, const ProcessStats& after, double units);
  void Print();

 private:
  void Key(std::string_view key);

  std::string line_;
};

}  // namespace tidegate::bench
