#include "connectors/mqtt5/client_id.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "connectors/mqtt5/limits.h"
#include "server/base/codec.h"

namespace tidegate::mqtt5 {
namespace {

constexpr std::size_t kApiChars = 24;
constexpr std::size_t kReplicaChars = 48;
constexpr std::size_t kHashBytes = 8;

struct Known {
  bool held = false;
  bool closing = false;
  Residue residue;
};

struct Registry {
  std::mutex mutex;
  std::map<std::string, Known> ids;
};

Registry& TheRegistry() {
  static Registry registry;
  return registry;
}

std::string Plain(std::string_view text, std::size_t size) {
  std::string out(text.substr(0, size));
  for (char& c : out) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain) c = '-';
  }
  return out;
}

// A socket with this name, or -1 when another process of this machine has it.
int HoldName(const std::string& id) {
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  // Names have at most 107 bytes, ids may have more.
  const Sha256Digest digest = Sha256(id);
  const std::string name = "tidegate/mqtt5/" + Hex(digest.data(), 16);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0) return fd;
  ::close(fd);
  return -1;
}

std::string IdOf(std::string_view base, std::size_t slot) {
  std::string id(base);
  if (slot > 0) id += "-" + std::to_string(slot);
  return id;
}

// Ids that nobody holds are kept for what they left behind, as far as there is room.
void Sweep(std::map<std::string, Known>& ids) {
  for (auto at = ids.begin(); at != ids.end() && ids.size() > kIdsRemembered;) {
    at = at->second.held ? std::next(at) : ids.erase(at);
  }
}

}  // namespace

IdLease::IdLease(std::string id, std::size_t slot, int fd)
    : id_(std::move(id)), slot_(slot), fd_(fd) {}

IdLease::~IdLease() {
  ::close(fd_);
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  const auto at = registry.ids.find(id_);
  if (at == registry.ids.end()) return;
  at->second.held = false;
  at->second.closing = false;
  Sweep(registry.ids);
}

Residue IdLease::TakeResidue() {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  return std::exchange(registry.ids[id_].residue, Residue());
}

void IdLease::LeaveResidue(Residue residue) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  registry.ids[id_].residue = std::move(residue);
}

void IdLease::Closing() {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  registry.ids[id_].closing = true;
}

bool IdLease::HasCompany() const {
  if (slot_ != 0) return false;
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  for (std::size_t slot = 1; slot < kSlotsMax; ++slot) {
    const auto at = registry.ids.find(IdOf(id_, slot));
    if (at != registry.ids.end() && at->second.held && !at->second.closing) return true;
  }
  return false;
}

std::string GroupIdBase(std::string_view api, std::string_view group,
                        std::span<const std::string> filters, std::string_view replica) {
  std::string text(group);
  for (const std::string& filter : filters) text += "\n" + filter;
  const Sha256Digest digest = Sha256(text);
  return "tidegate-" + Plain(api, kApiChars) + "-" + Hex(digest.data(), kHashBytes) + "-" +
         Plain(replica, kReplicaChars);
}

std::string ReplicaName() {
  const char* said = std::getenv("TIDEGATE_REPLICA");
  if (said != nullptr && *said != '\0') return said;
  char name[256] = {};
  if (::gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') return "gateway";
  return name;
}

std::unique_ptr<IdLease> AcquireId(std::string_view base, bool& try_again) {
  try_again = false;
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  for (std::size_t slot = 0; slot < kSlotsMax; ++slot) {
    std::string id = IdOf(base, slot);
    Known& known = registry.ids[id];
    if (known.closing) {
      try_again = true;
      return nullptr;
    }
    if (known.held) continue;
    const int fd = HoldName(id);
    if (fd < 0) {
      registry.ids.erase(id);
      continue;
    }
    known.held = true;
    return std::unique_ptr<IdLease>(new IdLease(std::move(id), slot, fd));
  }
  return nullptr;
}

std::string RandomId(std::string_view api) {
  return "tidegate-" + Plain(api, kApiChars) + "-" + RandomToken(8);
}

}  // namespace tidegate::mqtt5
