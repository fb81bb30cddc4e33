// What a broker says of itself when it opens a connection: how addresses of topics and queues
// begin.
//
// Thread: the connection's. Fails: never; what is not said is empty.
#pragma once

#include <string>

struct pn_connection_t;

namespace tidegate::solace {

struct Prefixes {
  std::string topic;
  std::string queue;
};
Prefixes ReadPrefixes(pn_connection_t* connection);

}  // namespace tidegate::solace
