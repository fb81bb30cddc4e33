#include "server/telemetry/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tidegate::telemetry {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

// A small /proc and /sys.
class MemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "tg-memory-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    Put("/proc/meminfo", "MemTotal:        8192 kB\nMemFree: 10 kB\n");
    Put("/proc/self/statm", "5000 3 2 1 0 4 0\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(MemoryTest, WithoutALimitItIsTheMachines) {
  Put("/proc/self/cgroup", "0::/user.slice\n");
  Put("/sys/fs/cgroup/user.slice/memory.max", "max\n");
  Put("/sys/fs/cgroup/user.slice/memory.current", "4000000\n");
  const Memory memory = ReadMemory(root_);
  EXPECT_EQ(memory.budget_bytes, 8 * kMiB);
  EXPECT_EQ(memory.used_bytes, 3U * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
}

TEST_F(MemoryTest, ALimitIsTheCgroupsAndPageCacheIsNotCounted) {
  Put("/proc/self/cgroup", "0::/\n");
  Put("/sys/fs/cgroup/memory.max", std::to_string(4 * kMiB));
  Put("/sys/fs/cgroup/memory.current", std::to_string(3 * kMiB));
  Put("/sys/fs/cgroup/memory.stat", "anon 5\ninactive_file 1048576\nactive_file 7\n");
  const Memory memory = ReadMemory(root_);
  EXPECT_EQ(memory.budget_bytes, 4 * kMiB);
  EXPECT_EQ(memory.used_bytes, 2 * kMiB);
}

TEST_F(MemoryTest, TheTightestLevelCounts) {
  Put("/proc/self/cgroup", "0::/pods/one/box\n");
  Put("/sys/fs/cgroup/pods/one/box/memory.max", "max\n");
  Put("/sys/fs/cgroup/pods/one/memory.max", std::to_string(2 * kMiB));
  Put("/sys/fs/cgroup/pods/one/memory.current", std::to_string(kMiB));
  Put("/sys/fs/cgroup/pods/memory.max", std::to_string(6 * kMiB));
  Put("/sys/fs/cgroup/pods/memory.current", std::to_string(5 * kMiB));
  const Memory memory = ReadMemory(root_);
  EXPECT_EQ(memory.budget_bytes, 2 * kMiB);
  EXPECT_EQ(memory.used_bytes, kMiB);
}

TEST_F(MemoryTest, TheFirstGenerationIsReadToo) {
  Put("/proc/self/cgroup", "11:cpu,cpuacct:/docker/x\n9:memory:/docker/x\n0::/system\n");
  // Only the own cgroup is mounted, as containers have it.
  Put("/sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(4 * kMiB));
  Put("/sys/fs/cgroup/memory/memory.usage_in_bytes", std::to_string(kMiB));
  EXPECT_EQ(ReadMemory(root_).budget_bytes, 4 * kMiB);
  EXPECT_EQ(ReadMemory(root_).used_bytes, kMiB);
  Put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(ReadMemory(root_).budget_bytes, 8 * kMiB) << "that is no limit";
}

TEST_F(MemoryTest, NothingToReadIsNothingSaid) {
  const Memory memory = ReadMemory(root_ + "/nowhere");
  EXPECT_EQ(memory.budget_bytes, 0U);
  EXPECT_EQ(memory.used_bytes, 0U);
  const Memory here = ReadMemory();
  EXPECT_GT(here.used_bytes, kMiB);
  EXPECT_GT(here.budget_bytes, here.used_bytes);
}

}  // namespace
}  // namespace tidegate::telemetry
