#include "sidecar/ctl/server_address.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/base/strings.h"

namespace tidegate::ctl {
namespace {

constexpr std::string_view kSystemSocket = "/run/tidegate/admin.sock";
constexpr std::string_view kLoopback = "127.0.0.1:19090";

// 0, or the errno of a connection that is closed again at once.
int TryConnect(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  const int result =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
  ::close(fd);
  return result == EAGAIN ? 0 : result;  // its backlog is full: somebody listens
}

ServerAddress UnixAddress(std::string path, std::string_view origin) {
  ServerAddress address;
  address.target = "unix:" + path;
  address.text = address.target;
  address.origin = origin;
  address.is_unix = true;
  address.is_loopback = true;
  return address;
}

bool ParseTcp(std::string_view text, ServerAddress& address, std::string& error) {
  const std::size_t colon = text.rfind(':');
  const std::string_view host = text.substr(0, colon);
  const auto port =
      colon == std::string_view::npos ? std::nullopt : ParseUint(text.substr(colon + 1));
  const bool bare_v6 = !host.empty() && host.find(':') != std::string_view::npos &&
                       (host.front() != '[' || host.back() != ']');
  if (host.empty() || !port || *port == 0 || *port > 65535 || bare_v6 ||
      text.find('/') != std::string_view::npos) {
    error = address.origin + ": a server is unix:PATH or HOST:PORT, as in unix:" +
            std::string(kSystemSocket) + " or " + std::string(kLoopback);
    return false;
  }
  address.target = text;
  address.text = text;
  address.is_loopback = StartsWith(host, "127.") || host == "localhost" || host == "[::1]";
  return true;
}

// The first socket where somebody listens, else the first that exists, else the port.
ServerAddress DefaultServer(const Environment& environment) {
  std::vector<std::string> paths;
  const auto runtime = environment.getenv("XDG_RUNTIME_DIR");
  if (runtime && !runtime->empty()) paths.push_back(*runtime + "/tidegate/admin.sock");
  paths.emplace_back(kSystemSocket);
  std::string existing;
  for (const std::string& path : paths) {
    const int failure = TryConnect(path);
    if (failure == 0) return UnixAddress(path, "default");
    if (failure != ENOENT && failure != ENOTDIR && existing.empty()) existing = path;
  }
  if (!existing.empty()) return UnixAddress(existing, "default");
  ServerAddress address;
  address.target = kLoopback;
  address.text = kLoopback;
  address.origin = "default; no socket at " + Join(paths, " or ");
  address.is_loopback = true;
  return address;
}

}  // namespace

bool ChooseServer(std::string_view flag, const Environment& environment, ServerAddress& address,
                  std::string& error) {
  std::string chosen(flag);
  address.origin = "from --server";
  if (chosen.empty()) {
    chosen = environment.getenv("TIDEGATE_SERVER").value_or("");
    address.origin = "from TIDEGATE_SERVER";
  }
  if (chosen.empty()) {
    address = DefaultServer(environment);
    return true;
  }
  if (!StartsWith(chosen, "unix:")) return ParseTcp(chosen, address, error);
  std::string path = chosen.substr(5);
  if (StartsWith(path, "///")) path = path.substr(2);  // unix:///run/… as gRPC writes it
  if (path.empty() || path.size() > 107) {
    error = address.origin + ": unix: takes the path of a socket, 1 to 107 bytes long";
    return false;
  }
  address = UnixAddress(path, address.origin);
  return true;
}

std::string ProbeSocket(const std::string& path) {
  switch (const int failure = TryConnect(path)) {
    case 0: return "";
    case ENOENT:
    case ENOTDIR: return "there is no socket there";
    case ECONNREFUSED: return "nobody listens on that socket";
    case EACCES:
    case EPERM: return "permission denied: run as the user of the gateway, or as root";
    default: return std::strerror(failure);
  }
}

}  // namespace tidegate::ctl
