// The calls into libkrb5: tickets from a key table or another cache into the process's own cache.
//
// Thread: (control) calls wait for KDCs; one at a time is enough, so a mutex inside. Fails: see
// kerberos.h.
#pragma once

#include <cstdint>

#include "connectors/kafka/security.h"
#include "server/base/status.h"

namespace tidegate::kafka {

struct Tickets {
  std::int64_t starts_unix_s = 0;
  std::int64_t ends_unix_s = 0;
};

StatusOr<Tickets> GetTickets(const KerberosSettings& settings);

}  // namespace tidegate::kafka
