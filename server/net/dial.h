// Reaching others: names to addresses, addresses to TCP streams.
//
// Names are looked up by a few threads of the process (getaddrinfo blocks), so a name server that
// hangs never holds a worker; an address written out (`192.0.2.7`, `::1`) asks nobody.
// Thread: the worker given. Owner: the caller owns the stream.
// Fails: ConnectFailed with `host:port` and the cause, also when the deadline passes.
// Cancel: what a destroyed coroutine waited for is forgotten.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "server/base/status.h"
#include "server/base/task.h"
#include "server/net/byte_stream.h"
#include "server/net/worker.h"

namespace tidegate::net {

// `host` is a name or an address, IPv6 with or without brackets. At least one endpoint when ok.
Task<StatusOr<std::vector<asio::ip::tcp::endpoint>>> ResolveHost(Worker& worker, std::string host,
                                                                 std::uint16_t port,
                                                                 TimePoint deadline);

// Tries them in order until one answers; each gets its share of the time that is left. The error
// is that of the last.
Task<StatusOr<ByteStreamPtr>> DialTcp(Worker& worker,
                                      std::vector<asio::ip::tcp::endpoint> endpoints,
                                      TimePoint deadline);

// Both, one after the other.
Task<StatusOr<ByteStreamPtr>> Dial(Worker& worker, std::string host, std::uint16_t port,
                                   TimePoint deadline);

}  // namespace tidegate::net
