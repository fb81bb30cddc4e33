// The guard table: hostile bytes, and what must happen to them. Every row is followed on the same
// connection by a request that nobody may see.
#pragma once

#include <string>
#include <vector>

#include "server/http/guard.h"

namespace tidegate::http {

struct GuardRow {
  std::string name;
  std::string bytes;
  int status;
  Rule rule;
};

std::vector<GuardRow> GuardRows();
// Unusual, but right: must pass (differential to the refusals).
std::vector<GuardRow> AcceptedRows();

}  // namespace tidegate::http
