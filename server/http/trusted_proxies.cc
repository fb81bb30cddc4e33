#include "server/http/trusted_proxies.h"

#include "server/base/strings.h"

namespace tidegate::http {

namespace asio = boost::asio;

namespace {

template <typename Bytes>
bool SamePrefix(const Bytes& a, const Bytes& b, unsigned prefix) {
  for (std::size_t i = 0; i < a.size() && prefix > 0; ++i) {
    const unsigned bits = prefix < 8 ? prefix : 8;
    const auto mask = static_cast<unsigned char>(0xFF00U >> bits);
    if ((a[i] & mask) != (b[i] & mask)) return false;
    prefix -= bits;
  }
  return true;
}

// "1.2.3.4", "1.2.3.4:80", "[::1]:80", "::1".
std::optional<asio::ip::address> ParseHop(std::string_view text) {
  text = Trim(text);
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    text = text.substr(1, end - 1);
  } else if (text.find(':') != std::string_view::npos && text.find(':') == text.rfind(':')) {
    text = text.substr(0, text.find(':'));
  }
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(std::string(text), ec);
  if (ec) return std::nullopt;
  // A proxy with a dual-stack socket writes IPv4 clients as ::ffff:…; they are the same clients.
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::address(asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()));
  }
  return address;
}

}  // namespace

std::optional<std::pair<asio::ip::address, unsigned>> ParseNetwork(const std::string& text) {
  const std::size_t slash = text.find('/');
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(text.substr(0, slash), ec);
  if (ec) return std::nullopt;
  const unsigned bits = address.is_v4() ? 32 : 128;
  if (slash == std::string::npos) return std::make_pair(address, bits);
  const auto prefix = ParseUint(std::string_view(text).substr(slash + 1));
  if (!prefix || *prefix > bits) return std::nullopt;
  return std::make_pair(address, static_cast<unsigned>(*prefix));
}

bool InNetwork(const asio::ip::address& address, const asio::ip::address& network,
               unsigned prefix) {
  if (address.is_v4() != network.is_v4()) return false;
  return address.is_v4()
             ? SamePrefix(address.to_v4().to_bytes(), network.to_v4().to_bytes(), prefix)
             : SamePrefix(address.to_v6().to_bytes(), network.to_v6().to_bytes(), prefix);
}

StatusOr<TrustedProxies> TrustedProxies::Parse(const std::vector<std::string>& networks) {
  TrustedProxies proxies;
  for (std::size_t i = 0; i < networks.size(); ++i) {
    const auto network = ParseNetwork(networks[i]);
    if (!network) {
      return InvalidArgument("trustedProxies[" + std::to_string(i) +
                             "]: not an IP address or network (address/prefix)");
    }
    proxies.networks_.push_back(Network{network->first, network->second});
  }
  return proxies;
}

bool TrustedProxies::Trusts(const asio::ip::address& address) const {
  for (const Network& network : networks_) {
    if (InNetwork(address, network.address, network.prefix)) return true;
  }
  return false;
}

std::optional<asio::ip::address> TrustedProxies::ClientOf(const asio::ip::address& direct,
                                                          const RequestHead& head) const {
  if (!Trusts(direct)) return std::nullopt;
  const std::string all = head.FindAll("x-forwarded-for");
  if (all.empty()) return std::nullopt;
  const std::vector<std::string_view> hops = Split(all, ',');
  std::optional<asio::ip::address> client;
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    const auto address = ParseHop(*hop);
    if (!address) break;  // a name or `unknown`: what lies beyond cannot be believed
    client = address;
    if (!Trusts(*address)) break;
  }
  return client;
}

}  // namespace tidegate::http
