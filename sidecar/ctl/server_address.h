// Which gateway is meant: what the flag says, else TIDEGATE_SERVER, else the local sockets, else
// the loopback port.
//
// Thread: the caller's; a default is found by trying to connect to the sockets, which is at once.
// Fails: by an error text.
#pragma once

#include <string>
#include <string_view>

#include "sidecar/ctl/environment.h"

namespace tidegate::ctl {

struct ServerAddress {
  std::string target;   // what gRPC takes: unix:/run/… or 127.0.0.1:19090
  std::string text;     // what a person reads
  std::string origin;   // "from --server", "from TIDEGATE_SERVER", "default"
  bool is_unix = false;
  bool is_loopback = false;
};

bool ChooseServer(std::string_view flag, const Environment& environment, ServerAddress& address,
                  std::string& error);

// What stands in the way of a unix socket, for people; empty when somebody listens there.
std::string ProbeSocket(const std::string& path);

}  // namespace tidegate::ctl
