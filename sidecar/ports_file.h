// The file that tells a supervisor or a test which addresses were chosen: written whole, by rename,
// once the process is ready.
#pragma once

#include <string>
#include <vector>

#include "server/base/status.h"

namespace tidegate::sidecar {

struct BoundAddresses {
  std::vector<std::string> http;   // ADDR:PORT in the bootstrap's order
  std::vector<std::string> admin;  // unix:PATH or ADDR:PORT
  std::string operations;
};

// {"http": "127.0.0.1:41234", "admin": "…", "operations": "…", "pid": 123}; an array where there
// are several.
std::string PortsJson(const BoundAddresses& addresses, long pid);
Status WritePortsFile(const std::string& path, const BoundAddresses& addresses);

}  // namespace tidegate::sidecar
