// CPU time and memory of other processes, from /proc. CPU counts all threads, also ended ones; its
// tick is 10 ms, so measure for seconds.
//
// Thread: any. Fails: a process that does not exist ends the program with a text.
#pragma once

#include <vector>

namespace tidegate::bench {

struct ProcessStats {
  double user_us = 0;
  double system_us = 0;
  double rss_kb = 0;
};

// The sum over all processes.
ProcessStats ReadStats(const std::vector<int>& pids);

}  // namespace tidegate::bench
