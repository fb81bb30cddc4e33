#include "connectors/kafka/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

namespace tidegate::kafka {

MemoryFile::MemoryFile(std::string_view content) {
  fd_ = ::memfd_create("tidegate", MFD_CLOEXEC);
  if (fd_ < 0) return;
  while (!content.empty()) {
    const ssize_t written = ::write(fd_, content.data(), content.size());
    if (written <= 0) return;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  path_ = "/proc/self/fd/" + std::to_string(fd_);
}

MemoryFile::~MemoryFile() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace tidegate::kafka
