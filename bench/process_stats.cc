#include "bench/process_stats.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "bench/options.h"

namespace tidegate::bench {
namespace {

void AddCpu(int pid, ProcessStats& stats) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) Fail("no process " + std::to_string(pid) + " to measure");
  // The name in parentheses may hold blanks: the fields are counted from behind it.
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  const double tick_us = 1e6 / static_cast<double>(sysconf(_SC_CLK_TCK));
  stats.user_us += user * tick_us;
  stats.system_us += system * tick_us;
}

void AddMemory(int pid, ProcessStats& stats) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (file >> word) {
    if (word != "VmRSS:") continue;
    double kb = 0;
    file >> kb;
    stats.rss_kb += kb;
    return;
  }
}

}  // namespace

ProcessStats ReadStats(const std::vector<int>& pids) {
  ProcessStats stats;
  for (const int pid : pids) {
    AddCpu(pid, stats);
    AddMemory(pid, stats);
  }
  return stats;
}

}  // namespace tidegate::bench
