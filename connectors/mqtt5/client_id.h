// Who the gateway is to a broker. Members of a group must be found again under the same client id
// when the process has started anew, or their session is lost; and two living members must never
// have the same one, or they throw each other out for ever.
//
// `tidegate-<api>-<hash of group and filters>-<replica>[-<slot>]`: the replica is TIDEGATE_REPLICA,
// else the host name (in Kubernetes the pod's). Members of one group on one machine take slots, the
// lowest that is free; a slot is held by a socket in the abstract namespace, which the kernel frees
// whatever way the process ends. Everybody else has a random id that nobody meets twice.
//
// Thread: any (a mutex, no waiting). Owner: an IdLease is held by its source until its connection
// has ended. Fails: Acquire by nullopt when all slots are taken, or while a lease of this process
// on the lowest is being given back (`try_again`).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::mqtt5 {

// What a session that ended in this process may deliver again although it was handed over.
struct Residue {
  bool known = false;  // false: the session began in another process, or too long ago
  std::vector<bool> fresh;  // then: the packet ids that came to this process first, by number
  std::deque<std::uint16_t> handed_over;  // packet ids whose acknowledgement may have been lost
};

class IdLease {
 public:
  ~IdLease();  // frees the slot
  IdLease(const IdLease&) = delete;
  IdLease& operator=(const IdLease&) = delete;

  const std::string& id() const { return id_; }
  std::size_t slot() const { return slot_; }
  Residue TakeResidue();
  void LeaveResidue(Residue residue);
  // From here on the slot comes free soon: who asks for it waits instead of taking the next.
  void Closing();
  // Of the lowest slot: whether another member of the group in this process goes on.
  bool HasCompany() const;

 private:
  friend std::unique_ptr<IdLease> AcquireId(std::string_view base, bool& try_again);
  IdLease(std::string id, std::size_t slot, int fd);
  const std::string id_;
  const std::size_t slot_;
  const int fd_;
};

// The stable part of a member's id.
std::string GroupIdBase(std::string_view api, std::string_view group,
                        std::span<const std::string> filters, std::string_view replica);
std::string ReplicaName();  // TIDEGATE_REPLICA, else the host's name
std::unique_ptr<IdLease> AcquireId(std::string_view base, bool& try_again);
// For publishers and readers that no session is kept for.
std::string RandomId(std::string_view api);

}  // namespace tidegate::mqtt5
