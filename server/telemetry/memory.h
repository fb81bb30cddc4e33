// How much memory this process may have, and how much of that is taken.
//
// A container's limit is its cgroup's: of all levels from the process's own cgroup upwards the
// tightest counts, and what is taken there is what the kernel counts against it, less the page
// cache that it would drop first (as Kubernetes reckons). Without a limit: the machine's memory,
// and what the process has resident.
// Thread: any; reads a few files. Fails: never; what cannot be read is 0.
#pragma once

#include <cstdint>
#include <string>

namespace tidegate::telemetry {

struct Memory {
  std::uint64_t budget_bytes = 0;
  std::uint64_t used_bytes = 0;
};

// `root` stands before /proc and /sys; for tests.
Memory ReadMemory(const std::string& root = "");

}  // namespace tidegate::telemetry
