// A directory that is gone at the end of the test.
// Thread: one. Owner: the test. Fails: by TG_CHECK.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "server/base/check.h"

namespace tidegate::state {

class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "tidegate-test-XXXXXX").string();
    TG_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tidegate::state
