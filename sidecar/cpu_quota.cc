#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

#include "server/base/limits.h"
#include "sidecar/bootstrap.h"

namespace tidegate::sidecar {
namespace {

// cgroup v2 "MAX PERIOD" in microseconds, else v1's two files; 0 when there is no quota.
double QuotaCpus() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period) {
    return quota == "max" || period <= 0 ? 0 : std::atof(quota.c_str()) / period;
  }
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double micros = 0;
  if (v1_quota >> micros && v1_period >> period && micros > 0 && period > 0) {
    return micros / period;
  }
  return 0;
}

}  // namespace

std::uint32_t DefaultWorkers() {
  const double cpus = std::max(1U, std::thread::hardware_concurrency());
  const double quota = QuotaCpus();
  const double wanted = quota > 0 ? std::min(std::ceil(quota), cpus) : cpus;
  return static_cast<std::uint32_t>(
      std::min(wanted, static_cast<double>(kWorkersMax)));
}

}  // namespace tidegate::sidecar
