// The bootstrap as plain structs, all defaults applied: how the process runs.
// Compiled from tidegate.config.v1.Gateway by compile.h; flags and variables are merged before.
// Thread: immutable after start. Owner: the process.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/base/log.h"
#include "server/model/api.h"

namespace tidegate::model {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

// One TLS block of a listener: the proto's message, resolved by net::TlsContext's builder.
struct HttpListener {
  std::string name;
  HostPort address;
  ProtoPtr tls;  // tidegate.config.v1.Tls; nullptr: in the open
  std::vector<std::string> trusted_proxies;  // CIDR
};

struct AdminListener {
  std::string unix_path;  // empty: TCP
  HostPort address;
  ProtoPtr tls;
};

struct GatewayLimits {
  std::optional<std::uint32_t> connections;
  std::uint32_t connections_per_address = 1000;
  std::uint64_t request_line_bytes = 8 * 1024;
  std::uint64_t header_bytes = 16 * 1024;
  std::uint64_t header_field_bytes = 8 * 1024;
  std::uint32_t header_count = 100;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds handshake_timeout{10'000};
  std::uint64_t body_bytes = 1024 * 1024;
  std::chrono::milliseconds body_idle_timeout{10'000};
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds keep_alive{60'000};
  std::uint32_t keep_alive_requests = 1'000'000;
  std::chrono::milliseconds request_timeout{30'000};
  std::chrono::milliseconds write_stall_timeout{30'000};
  std::chrono::milliseconds connection_age{0};  // 0: never
  std::uint64_t consumer_buffer_bytes = 256 * 1024;
  std::uint32_t streams_per_subscription = 100;
  std::uint32_t streams_per_address = 1000;
};

struct Gateway {
  std::string node;
  std::uint32_t workers = 0;  // 0: the CPU quota, rounded up
  std::vector<HttpListener> http;
  std::vector<AdminListener> admin;
  HostPort operations;
  std::optional<std::string> state_directory;  // nullopt: nothing is kept
  std::vector<std::string> definitions;        // directories
  std::vector<std::string> secret_files;       // directories that may be read
  std::optional<std::vector<std::string>> secret_env;  // nullopt: the default rule
  std::chrono::milliseconds drain_notice{5'000};
  std::chrono::milliseconds drain_timeout{30'000};
  bool access_log = false;
  std::string access_log_path;  // empty: standard output
  LogLevel log_level = LogLevel::kInfo;
  bool log_json = false;
  GatewayLimits limits;
  std::vector<std::string> tags;
  std::string tenant;
};

}  // namespace tidegate::model
