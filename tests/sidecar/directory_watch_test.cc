#include "sidecar/directory_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace tidegate::sidecar {
namespace {

namespace fs = std::filesystem;

class DirectoryWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("tg_watch_" + std::to_string(getpid()));
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
  }
  std::string Stamp() const { return DirectoryStamp(dir_.string()); }
  fs::path dir_;
};

TEST_F(DirectoryWatchTest, ChangesWithContentNewFilesAndRemoval) {
  Write("a.yaml", "1");
  const std::string first = Stamp();
  EXPECT_EQ(Stamp(), first);
  Write("a.yaml", "12");
  const std::string second = Stamp();
  EXPECT_NE(second, first);
  Write("b.json", "{}");
  const std::string third = Stamp();
  EXPECT_NE(third, second);
  fs::remove(dir_ / "b.json");
  EXPECT_EQ(Stamp(), second);
}

TEST_F(DirectoryWatchTest, IgnoresWhatIsNotRead) {
  const std::string empty = Stamp();
  Write(".hidden.yaml", "x");
  Write("notes.txt", "x");
  EXPECT_EQ(Stamp(), empty);
}

TEST_F(DirectoryWatchTest, SeesASwappedSymlinkAsKubernetesDoesIt) {
  fs::create_directories(dir_ / "..1");
  fs::create_directories(dir_ / "..2");
  std::ofstream(dir_ / "..1" / "a.yaml") << "same";
  std::ofstream(dir_ / "..2" / "a.yaml") << "same";
  fs::create_directory_symlink("..1", dir_ / "..data");
  fs::create_symlink("..data/a.yaml", dir_ / "a.yaml");
  const std::string before = Stamp();
  fs::create_directory_symlink("..2", dir_ / "..data_tmp");
  fs::rename(dir_ / "..data_tmp", dir_ / "..data");
  EXPECT_NE(Stamp(), before);
}

TEST_F(DirectoryWatchTest, AMissingDirectoryIsEmpty) {
  EXPECT_EQ(DirectoryStamp("/nonexistent-tg"), Stamp());
}

}  // namespace
}  // namespace tidegate::sidecar
