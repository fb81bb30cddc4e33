// Networks whose X-Forwarded-For is believed.
//
// Thread: immutable after parsing. Fails: Parse by Status naming the entry's position.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/base/status.h"
#include "server/http/request_head.h"

namespace tidegate::http {

class TrustedProxies {
 public:
  TrustedProxies() = default;
  // Addresses or networks ("10.0.0.0/8", "::1").
  static StatusOr<TrustedProxies> Parse(const std::vector<std::string>& networks);

  bool empty() const { return networks_.empty(); }
  bool Trusts(const boost::asio::ip::address& address) const;
  // The client's address: walks X-Forwarded-For from the right while the hop is trusted. nullopt:
  // `direct` is not trusted, or nothing usable was sent.
  std::optional<boost::asio::ip::address> ClientOf(const boost::asio::ip::address& direct,
                                                   const RequestHead& head) const;

 private:
  struct Network {
    boost::asio::ip::address address;
    unsigned prefix = 0;
  };
  std::vector<Network> networks_;
};

// "10.0.0.0/8" or a single address; used by IP filters too.
std::optional<std::pair<boost::asio::ip::address, unsigned>> ParseNetwork(const std::string& text);
bool InNetwork(const boost::asio::ip::address& address, const boost::asio::ip::address& network,
               unsigned prefix);

}  // namespace tidegate::http
