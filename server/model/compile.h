// From the protos to the plain structs, all defaults applied.
//
// The input must have passed model::Validate; what it would have refused is left out here.
// Thread: pure functions. Owner: the caller. Fails: never.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/model/api.h"
#include "server/model/gateway.h"
#include "server/model/subscription.h"

namespace tidegate::config::v1 {
class Api;
class Gateway;
class Subscription;
}  // namespace tidegate::config::v1

namespace tidegate::model {

struct CompileOptions {
  std::uint64_t revision = 0;
  bool stopped = false;
  std::string tenant;  // the gateway's; empty: endpoints of all tenants are used
};
ApiPtr CompileApi(const config::v1::Api& api, const CompileOptions& options);

// Keys without a hash (the caller resolves and hashes them first) are left out.
Subscription CompileSubscription(const config::v1::Subscription& subscription);

// What a gateway is when its file says nothing.
struct Surroundings {
  std::string host_name;    // for `node`
  std::string runtime_dir;  // $XDG_RUNTIME_DIR, may be empty
};
Gateway CompileGateway(const config::v1::Gateway& gateway, const Surroundings& surroundings);

// "127.0.0.1:80", "[::1]:80"; the host without brackets.
std::optional<HostPort> ParseHostPort(std::string_view text);
bool IsLoopback(std::string_view host);
// The admin socket when no other is configured.
std::string DefaultAdminSocket(const std::string& runtime_dir);

}  // namespace tidegate::model
