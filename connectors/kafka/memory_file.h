// Bytes under a path that only this process can open (memfd), for library settings that take
// nothing but a file.
//
// Thread: any. Owner: whoever needs the path; it is gone with the object. Fails: path() is empty
// when the process is out of descriptors.
#pragma once

#include <string>
#include <string_view>

namespace tidegate::kafka {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content);
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile();

  const std::string& path() const { return path_; }

 private:
  int fd_ = -1;
  std::string path_;
};

}  // namespace tidegate::kafka
