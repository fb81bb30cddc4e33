#include "server/net/tls_names.h"

#include <openssl/x509v3.h>

namespace tidegate::net {

void TlsNames::Add(std::string_view name, std::size_t index) {
  const std::string lower = ToLower(name);
  if (lower.size() > 2 && StartsWith(lower, "*.")) {
    wildcard_.emplace(lower.substr(2), index);
  } else if (!lower.empty()) {
    exact_.emplace(lower, index);
  }
}

void TlsNames::Add(x509_st* certificate, std::size_t index) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  bool named = false;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    named = true;
    Add(std::string_view(
            reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
            static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))),
        index);
  }
  GENERAL_NAMES_free(names);
  if (named) return;
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return;
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return;
  Add(std::string_view(reinterpret_cast<char*>(text), static_cast<std::size_t>(size)), index);
  OPENSSL_free(text);
}

std::optional<std::size_t> TlsNames::Find(std::string_view name) const {
  const std::string lower = ToLower(name);
  if (const auto it = exact_.find(lower); it != exact_.end()) return it->second;
  const std::size_t dot = lower.find('.');
  if (dot == std::string::npos || dot == 0) return std::nullopt;
  const auto it = wildcard_.find(std::string_view(lower).substr(dot + 1));
  if (it == wildcard_.end()) return std::nullopt;
  return it->second;
}

}  // namespace tidegate::net
