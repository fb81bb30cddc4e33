#include "server/telemetry/memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>

namespace tidegate::telemetry {
namespace {

// nullopt: no such file, or no number in it ("max").
std::optional<std::uint64_t> Number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

// The value behind `key` in a file of "key value" lines; 0 where there is none.
std::uint64_t Valued(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.compare(0, key.size(), key) != 0) continue;
    return std::strtoull(line.c_str() + key.size(), nullptr, 10);
  }
  return 0;
}

// How the two generations of cgroups name the same things.
struct Names {
  const char* mount;
  const char* limit;
  const char* usage;
  const char* inactive;
};
constexpr Names kV2{"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file "};
constexpr Names kV1{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                    "total_inactive_file "};

// Where the process stands: "0::/a/b" (v2), or "9:memory:/a/b" (v1). Empty: nowhere.
std::string PathAfter(const std::string& root, const std::string& mark) {
  std::ifstream file(root + "/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t at = line.find(mark);
    if (at == std::string::npos || (mark[0] == '0' && at != 0)) continue;
    return line.substr(at + mark.size());
  }
  return "";
}

// A cgroup namespace, or a mount of the own cgroup alone, hides levels: those are passed over.
void Tighten(const std::string& root, const Names& names, std::string path, Memory& memory) {
  for (;;) {
    if (path == "/") path.clear();
    const std::string directory = root + names.mount + path + "/";
    const auto limit = Number(directory + names.limit);
    if (limit && *limit < memory.budget_bytes) {
      memory.budget_bytes = *limit;
      const std::uint64_t usage = Number(directory + names.usage).value_or(0);
      const std::uint64_t inactive = Valued(directory + "memory.stat", names.inactive);
      memory.used_bytes = usage - std::min(usage, inactive);
    }
    if (path.empty()) return;
    path.erase(path.rfind('/'));
  }
}

}  // namespace

Memory ReadMemory(const std::string& root) {
  Memory memory;
  memory.budget_bytes = Valued(root + "/proc/meminfo", "MemTotal:") * 1024;
  std::ifstream statm(root + "/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (statm >> total >> resident) {
    memory.used_bytes = resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }
  if (const std::string path = PathAfter(root, "0::"); !path.empty()) {
    Tighten(root, kV2, path, memory);
  }
  if (const std::string path = PathAfter(root, ":memory:"); !path.empty()) {
    Tighten(root, kV1, path, memory);
  }
  return memory;
}

}  // namespace tidegate::telemetry
