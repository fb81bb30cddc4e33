// Which of several certificates fits a name that a client asks for.
//
// Thread: immutable after the last Add. Owner: a TLS context. Fails: never; a certificate without a
// name fits none.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/base/strings.h"

struct x509_st;

namespace tidegate::net {

class TlsNames {
 public:
  // The names of `certificate` (its DNS names, else its CN) stand for `index`; of two certificates
  // with the same name the first one stands.
  void Add(x509_st* certificate, std::size_t index);
  void Add(std::string_view name, std::size_t index);

  // Exact first, then a wildcard for the first label (RFC 6125 §6.4.3).
  std::optional<std::size_t> Find(std::string_view name) const;

 private:
  using Map = std::unordered_map<std::string, std::size_t, StringHash, std::equal_to<>>;
  Map exact_;
  Map wildcard_;  // "*.example.com" as "example.com"
};

}  // namespace tidegate::net
