#include <arpa/inet.h>
#include <google/protobuf/message.h>
#include <netinet/in.h>

#include <cstring>

#include "server/base/strings.h"
#include "server/config/field_rules.h"
#include "server/config/values.h"
#include "server/model/compile.h"
#include "tidegate/config/v1/gateway.pb.h"

namespace tidegate::model {
namespace {

namespace v1 = config::v1;
using std::chrono::milliseconds;

milliseconds ToMs(const google::protobuf::Duration& duration) {
  return milliseconds(duration.seconds() * 1000 + duration.nanos() / 1'000'000);
}

ProtoPtr ToTls(bool present, const v1::Tls& tls) {
  if (!present) return nullptr;
  auto copy = std::make_shared<v1::Tls>(tls);
  config::ApplyDefaults(copy.get());
  copy->clear_verify_hostname();  // a default for those who connect; a listener checks no names
  return copy;
}

GatewayLimits ToLimits(v1::GatewayLimits limits) {
  config::ApplyDefaults(&limits);
  GatewayLimits out;
  if (limits.has_connections()) {
    out.connections = static_cast<std::uint32_t>(limits.connections());
  }
  out.connections_per_address = static_cast<std::uint32_t>(limits.connections_per_address());
  out.request_line_bytes = static_cast<std::uint64_t>(limits.request_line_bytes());
  out.header_bytes = static_cast<std::uint64_t>(limits.header_bytes());
  out.header_field_bytes = static_cast<std::uint64_t>(limits.header_field_bytes());
  out.header_count = static_cast<std::uint32_t>(limits.header_count());
  out.header_timeout = ToMs(limits.header_timeout());
  out.handshake_timeout = ToMs(limits.handshake_timeout());
  out.body_bytes = static_cast<std::uint64_t>(limits.body_bytes());
  out.body_idle_timeout = ToMs(limits.body_idle_timeout());
  out.body_timeout = ToMs(limits.body_timeout());
  out.keep_alive = ToMs(limits.keep_alive());
  out.keep_alive_requests = static_cast<std::uint32_t>(limits.keep_alive_requests());
  out.request_timeout = ToMs(limits.request_timeout());
  out.write_stall_timeout = ToMs(limits.write_stall_timeout());
  if (limits.connection_age().seconds() != config::kNeverSeconds) {
    out.connection_age = ToMs(limits.connection_age());
  }
  out.consumer_buffer_bytes = static_cast<std::uint64_t>(limits.consumer_buffer_bytes());
  out.streams_per_subscription = static_cast<std::uint32_t>(limits.streams_per_subscription());
  out.streams_per_address = limits.has_streams_per_address()
                                ? static_cast<std::uint32_t>(limits.streams_per_address())
                                : out.connections_per_address;
  return out;
}

LogLevel ToLevel(v1::LogLevel level) {
  switch (level) {
    case v1::LOG_LEVEL_DEBUG:
      return LogLevel::kDebug;
    case v1::LOG_LEVEL_WARNING:
      return LogLevel::kWarn;
    case v1::LOG_LEVEL_ERROR:
      return LogLevel::kError;
    default:
      return LogLevel::kInfo;
  }
}

void ToListeners(const v1::Gateway& gateway, const Surroundings& surroundings, Gateway& out) {
  for (const v1::HttpListener& listener : gateway.http()) {
    HttpListener to;
    to.name = listener.name();
    to.address = ParseHostPort(listener.address()).value_or(HostPort());
    to.tls = ToTls(listener.has_tls(), listener.tls());
    to.trusted_proxies = {listener.trusted_proxies().begin(), listener.trusted_proxies().end()};
    out.http.push_back(std::move(to));
  }
  if (out.http.empty()) {
    HttpListener plain;
    plain.name = "plain";
    plain.address = {"0.0.0.0", 19080};
    out.http.push_back(std::move(plain));
  }
  for (const v1::AdminListener& listener : gateway.admin()) {
    AdminListener to;
    to.unix_path = listener.unix();
    to.address = ParseHostPort(listener.address()).value_or(HostPort());
    to.tls = ToTls(listener.has_tls(), listener.tls());
    out.admin.push_back(std::move(to));
  }
  if (out.admin.empty()) {
    AdminListener socket;
    socket.unix_path = DefaultAdminSocket(surroundings.runtime_dir);
    out.admin.push_back(std::move(socket));
  }
  v1::OperationsListener operations = gateway.operations();
  config::ApplyDefaults(&operations);
  out.operations = ParseHostPort(operations.address()).value_or(HostPort());
}

void ToState(const v1::StateStore& state, Gateway& out) {
  if (state.has_none()) return;
  v1::SqliteState sqlite = state.sqlite();
  config::ApplyDefaults(&sqlite);
  out.state_directory = sqlite.directory();
}

void ToSecrets(const v1::SecretAccess& secrets, Gateway& out) {
  out.secret_files = {secrets.files().begin(), secrets.files().end()};
  if (secrets.env_size() > 0) {
    out.secret_env = std::vector<std::string>(secrets.env().begin(), secrets.env().end());
  }
}

}  // namespace

Gateway CompileGateway(const v1::Gateway& gateway, const Surroundings& surroundings) {
  Gateway out;
  out.node = gateway.node().empty() ? surroundings.host_name : gateway.node();
  out.workers = static_cast<std::uint32_t>(gateway.workers());
  ToListeners(gateway, surroundings, out);
  ToState(gateway.state(), out);
  for (const v1::DefinitionSource& source : gateway.definitions()) {
    out.definitions.push_back(source.directory());
  }
  ToSecrets(gateway.secrets(), out);
  v1::Drain drain = gateway.drain();
  config::ApplyDefaults(&drain);
  out.drain_notice = ToMs(drain.notice());
  out.drain_timeout = ToMs(drain.timeout());
  const v1::AccessLog& access = gateway.access_log();
  out.access_log = gateway.has_access_log() && (!access.has_enabled() || access.enabled());
  out.access_log_path = access.path();
  out.log_level = ToLevel(gateway.log().level());
  out.log_json = gateway.log().format() == v1::LOG_FORMAT_JSON;
  out.limits = ToLimits(gateway.limits());
  out.tags = {gateway.tags().begin(), gateway.tags().end()};
  out.tenant = gateway.tenant();
  return out;
}

std::optional<HostPort> ParseHostPort(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = ParseUint(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (!port || *port > 65535) return std::nullopt;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  HostPort out;
  out.host = std::string(host);
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

bool IsLoopback(std::string_view host) {
  if (host == "localhost") return true;
  const std::string name(host);
  unsigned char address[16] = {};
  if (inet_pton(AF_INET, name.c_str(), address) == 1) return address[0] == 127;
  const in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
  return inet_pton(AF_INET6, name.c_str(), address) == 1 &&
         std::memcmp(address, &loopback, sizeof address) == 0;
}

std::string DefaultAdminSocket(const std::string& runtime_dir) {
  return (runtime_dir.empty() ? std::string("/run") : runtime_dir) + "/tidegate/admin.sock";
}

}  // namespace tidegate::model
