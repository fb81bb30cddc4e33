#include "server/telemetry/access_log.h"
#include "tests/support/is_ok.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tidegate::telemetry {
namespace {

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

AccessRecord Sample() {
  AccessRecord record;
  record.request_id = "r1";
  record.method = "GET";
  record.path = "/a\"b";
  record.status = 200;
  record.response_bytes = 12;
  record.duration = std::chrono::microseconds(1500);
  return record;
}

TEST(AccessLog, LineIsOneJsonObjectWithoutEmptyFields) {
  const std::chrono::milliseconds since_epoch(1'700'000'000'007);
  const std::string line =
      FormatAccess(Sample(), std::chrono::system_clock::time_point(since_epoch));
  EXPECT_EQ(line,
            "{\"time\":\"2023-11-14T22:13:20.007Z\",\"requestId\":\"r1\",\"method\":\"GET\","
            "\"path\":\"/a\\\"b\",\"status\":200,\"requestBytes\":0,\"responseBytes\":12,"
            "\"durationMicros\":1500}\n");
}

// A directory of its own, gone at the end.
struct Directory {
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "tg-log-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

TEST(AccessLog, WritesEverythingBeforeItIsDestroyed) {
  const Directory directory;
  const auto path = directory.path / "log";
  {
    auto log = AccessLog::Open(path.string());
    ASSERT_TRUE(log.ok()) << log.status();
    for (int i = 0; i < 1000; ++i) (*log)->Write(Sample());
  }
  const std::string text = ReadAll(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1000);
}

TEST(AccessLog, AMovedFileIsOpenedAgain) {
  const Directory directory;
  const auto path = directory.path / "log";
  const auto moved = directory.path / "log.1";
  {
    auto log = AccessLog::Open(path.string());
    ASSERT_TRUE(IsOk(log));
    std::filesystem::rename(path, moved);
    (*log)->Write(Sample());
  }
  EXPECT_NE(ReadAll(path), "");
  EXPECT_EQ(ReadAll(moved), "");
}

TEST(AccessLog, AnUnwritablePathIsRefusedWithTheCause) {
  auto log = AccessLog::Open("/nonexistent-directory/x");
  ASSERT_FALSE(log.ok());
  EXPECT_NE(std::string(log.status().message()).find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace tidegate::telemetry
