#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

#include "server/base/check.h"
#include "server/base/log.h"
#include "server/telemetry/metrics.h"

namespace tidegate::telemetry {
namespace {

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  long total = 0;
  long resident = 0;
  const int read = std::fscanf(file, "%ld %ld", &total, &resident);
  std::fclose(file);
  return read == 2 ? static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0;
}

double OpenFds() {
  DIR* dir = opendir("/proc/self/fd");
  if (dir == nullptr) return 0;
  int count = -3;  // ".", "..", and the descriptor of this listing
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

double MaxFds() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

std::vector<Registry::Sample> One(double value) {
  Registry::Sample sample;
  sample.value = value;
  return {sample};
}

}  // namespace

void AddProcessMetrics(Registry& registry, const std::string& version) {
  const auto start = static_cast<double>(std::time(nullptr));
  registry.AddCollector("process_cpu_seconds_total", "User and system CPU time.", "counter",
                        [] { return One(CpuSeconds()); });
  registry.AddCollector("process_resident_memory_bytes", "Resident memory.", "gauge",
                        [] { return One(ResidentBytes()); });
  registry.AddCollector("process_open_fds", "Open file descriptors.", "gauge",
                        [] { return One(OpenFds()); });
  registry.AddCollector("process_max_fds", "Limit of file descriptors.", "gauge",
                        [] { return One(MaxFds()); });
  registry.AddCollector("process_start_time_seconds", "Start of the process, Unix time.", "gauge",
                        [start] { return One(start); });
  registry.AddCollector("tidegate_bugs_total", "Survived conditions that should not happen.",
                        "counter", [] { return One(static_cast<double>(BugCount())); });
  registry.AddCollector("tidegate_log_messages_total", "Log lines written.", "counter", [] {
    std::vector<Registry::Sample> samples;
    const std::pair<LogLevel, const char*> levels[] = {{LogLevel::kDebug, "debug"},
                                                       {LogLevel::kInfo, "info"},
                                                       {LogLevel::kWarn, "warn"},
                                                       {LogLevel::kError, "error"}};
    for (const auto& [level, name] : levels) {
      Registry::Sample sample;
      sample.labels = {{"level", name}};
      sample.value = static_cast<double>(LogLinesWritten(level));
      samples.push_back(std::move(sample));
    }
    return samples;
  });
  // As versions are written with their build: 1.2.3+REVISION.
  const std::size_t plus = version.find('+');
  const std::string revision = plus == std::string::npos ? "unknown" : version.substr(plus + 1);
  registry.GetGauge("tidegate_build_info", "Version and revision of this build; always 1.",
                    {{"version", version.substr(0, plus)}, {"revision", revision}})
      .Set(1);
}

}  // namespace tidegate::telemetry
