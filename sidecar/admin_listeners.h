// From the bootstrap's admin listeners to those of the admin server, TLS texts resolved; those in
// files are read again when they change.
// Thread: control. Owner: `secrets` must outlive the admin server.
// Fails: by Status naming the listener.
#pragma once

#include <vector>

#include "server/admin/server.h"
#include "server/config/secrets.h"
#include "server/model/gateway.h"

namespace tidegate::sidecar {

StatusOr<std::vector<admin::AdminListener>> AdminListenersOf(const model::Gateway& gateway,
                                                             const config::SecretResolver& secrets);

}  // namespace tidegate::sidecar
