#include "sidecar/ports_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "server/base/strings.h"

namespace tidegate::sidecar {
namespace {

void AppendList(std::string& out, std::string_view key, const std::vector<std::string>& values) {
  AppendJsonString(out, key);
  out += ": ";
  if (values.size() != 1) out += '[';
  for (const std::string& value : values) {
    if (&value != &values.front()) out += ", ";
    AppendJsonString(out, value);
  }
  if (values.size() != 1) out += ']';
}

Status Failed(const std::string& path, const char* operation) {
  return Unavailable("ports file " + path + ": " + operation + ": " + std::strerror(errno));
}

}  // namespace

std::string PortsJson(const BoundAddresses& addresses, long pid) {
  std::string out = "{";
  AppendList(out, "http", addresses.http);
  out += ", ";
  AppendList(out, "admin", addresses.admin);
  out += ", \"operations\": ";
  AppendJsonString(out, addresses.operations);
  out += ", \"pid\": " + std::to_string(pid) + "}\n";
  return out;
}

Status WritePortsFile(const std::string& path, const BoundAddresses& addresses) {
  const std::string text = PortsJson(addresses, getpid());
  const std::string temporary = path + ".tmp";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return Failed(path, "open");
  const ssize_t written = write(fd, text.data(), text.size());
  const bool whole = written == static_cast<ssize_t>(text.size());
  if (close(fd) != 0 || !whole) return Failed(path, "write");
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return Failed(path, "rename");
  return OkStatus();
}

}  // namespace tidegate::sidecar
