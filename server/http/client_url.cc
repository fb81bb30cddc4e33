#include "server/http/client_url.h"

#include <algorithm>

#include "server/base/strings.h"

namespace tidegate::http {
namespace {

Status Refuse(std::string_view rule) { return InvalidArgument("URL: " + std::string(rule)); }

bool IsHost(std::string_view host) {
  return !host.empty() && host.size() <= 253 &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return (c < 128 && std::isalnum(c) != 0) || c == '-' || c == '.' || c == '_';
         });
}

bool IsIpv6(std::string_view host) {
  return host.size() >= 2 && host.size() <= 45 &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return (c < 128 && std::isxdigit(c) != 0) || c == ':' || c == '.';
         });
}

}  // namespace

StatusOr<Url> ParseUrl(std::string_view text) {
  if (text.size() > kUrlBytesMax) return Refuse("longer than 2048 bytes");
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; })) {
    return Refuse("only visible ASCII characters, others as %XX");
  }
  const std::size_t scheme_end = text.find("://");
  const std::string scheme = ToLower(text.substr(0, std::min<std::size_t>(scheme_end, 8)));
  Url url;
  if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return Refuse("must begin with http:// or https://");
  }
  url.tls = scheme == "https";
  std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, authority_end);
  rest = rest.substr(authority_end);
  if (rest.find('#') != std::string_view::npos) return Refuse("no fragment (#) can be given");
  if (authority.find('@') != std::string_view::npos) return Refuse("no user can be given");
  std::string_view port;
  const bool bracket = StartsWith(authority, "[");
  const std::size_t host_end = bracket ? authority.find(']') : authority.find(':');
  if (bracket) {
    if (host_end == std::string_view::npos) return Refuse("a bracket is not closed");
    url.host = std::string(authority.substr(1, host_end - 1));
    const std::string_view after = authority.substr(host_end + 1);
    if (!after.empty() && after.front() != ':') return Refuse("what follows ] is not a port");
    port = after;
  } else {
    url.host = std::string(authority.substr(0, host_end));
    if (host_end != std::string_view::npos) port = authority.substr(host_end);
  }
  if (bracket ? !IsIpv6(url.host) : !IsHost(url.host)) return Refuse("the host is not a host name");
  url.port = url.tls ? 443 : 80;
  url.authority = bracket ? "[" + url.host + "]" : url.host;
  if (!port.empty()) {
    const auto number = ParseUint(port.substr(1));
    if (!number || *number == 0 || *number > 65535) return Refuse("the port is from 1 to 65535");
    if (*number != url.port) url.authority += ":" + std::to_string(*number);
    url.port = static_cast<std::uint16_t>(*number);
  }
  url.target = StartsWith(rest, "/") ? std::string(rest) : "/" + std::string(rest);
  return url;
}

}  // namespace tidegate::http
