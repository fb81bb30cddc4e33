// What has to be so before a unix socket can be listened on.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "server/admin/server.h"

namespace tidegate::admin {
namespace {

bool SomebodyAnswers(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool connected =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int error = errno;
  ::close(fd);
  return connected || error == EAGAIN || error == EINPROGRESS;
}

}  // namespace

Status PrepareSocket(const std::string& path) {
  if (path.empty() || path[0] != '/') {
    return InvalidArgument("admin: the path of the unix socket must be absolute");
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return InvalidArgument("admin: unix socket " + path + ": the path is longer than " +
                           std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
  }
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) {
    std::filesystem::create_directories(directory.parent_path(), error);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
      return Unavailable("admin: cannot make directory " + directory.string() + ": " +
                         std::strerror(errno));
    }
  }
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return FailedPrecondition("admin: " + path + " exists and is not a socket");
  }
  if (SomebodyAnswers(path)) {
    return FailedPrecondition("admin: another process answers on " + path);
  }
  if (::unlink(path.c_str()) != 0) {
    return Unavailable("admin: cannot remove the stale socket " + path + ": " +
                       std::strerror(errno));
  }
  return OkStatus();
}

}  // namespace tidegate::admin
