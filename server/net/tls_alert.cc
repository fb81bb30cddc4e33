#include "server/net/tls_alert.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string_view>

namespace tidegate::net {
namespace {

constexpr int kAlertMax = 255;

class AlertCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tls.alert"; }
  std::string message(int alert) const override {
    // OpenSSL says "tlsv1 alert unknown ca", "tlsv1 unrecognized name": its first words name a
    // protocol version that is not the one spoken.
    const char* reason = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, Offset(alert)));
    std::string_view text = reason != nullptr ? reason : "";
    const std::size_t space = text.find(' ');
    if (space != std::string_view::npos) text.remove_prefix(space + 1);
    if (text.substr(0, 6) == "alert ") text.remove_prefix(6);
    const std::string words =
        text.empty() ? "number " + std::to_string(alert) : std::string(text);
    return "TLS alert from the peer: " + words;
  }
  boost::system::error_condition default_error_condition(int) const noexcept override {
    return boost::system::errc::make_error_condition(boost::system::errc::connection_reset);
  }

 private:
  static int Offset(int alert) { return SSL_AD_REASON_OFFSET + alert; }
};

const AlertCategory& Category() {
  static const AlertCategory kCategory;
  return kCategory;
}

}  // namespace

ErrorCode PeerAlertOf(unsigned long openssl_error) {
  if (openssl_error == 0 || ERR_GET_LIB(openssl_error) != ERR_LIB_SSL) return ErrorCode();
  const int alert = ERR_GET_REASON(openssl_error) - SSL_AD_REASON_OFFSET;
  if (alert < 0 || alert > kAlertMax) return ErrorCode();
  return ErrorCode(alert, Category());
}

bool IsPeerAlert(const ErrorCode& ec) { return ec.category() == Category(); }

}  // namespace tidegate::net
