#include "connectors/kafka/kerberos_tickets.h"

#include <krb5.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <mutex>

namespace tidegate::kafka {
namespace {

constexpr const char* kCache = "MEMORY:tidegate";

// What the environment said before it was changed below.
std::string& OriginalCache() {
  static auto* const name = new std::string;
  return *name;
}

// The SASL module takes the default cache, which only the environment can name for other threads.
// The environment can be changed safely only while there are none: when the program is loaded.
const bool kCacheIsOurs = [] {
  if (const char* before = std::getenv("KRB5CCNAME")) OriginalCache() = before;
  return ::setenv("KRB5CCNAME", kCache, 1) == 0;
}();

// One context and what was opened with it, freed in the right order.
class Krb {
 public:
  Krb() { code_ = krb5_init_context(&context_); }
  Krb(const Krb&) = delete;
  Krb& operator=(const Krb&) = delete;
  ~Krb() {
    if (context_ == nullptr) return;
    krb5_free_cred_contents(context_, &creds_);
    if (options_ != nullptr) krb5_get_init_creds_opt_free(context_, options_);
    if (keytab_ != nullptr) krb5_kt_close(context_, keytab_);
    if (from_ != nullptr) krb5_cc_close(context_, from_);
    if (to_ != nullptr) krb5_cc_close(context_, to_);
    if (principal_ != nullptr) krb5_free_principal(context_, principal_);
    krb5_free_context(context_);
  }

  StatusOr<Tickets> FromKeytab(const KerberosSettings& settings);
  StatusOr<Tickets> FromCache(const KerberosSettings& settings);

 private:
  bool Ok(krb5_error_code code) {
    code_ = code;
    return code == 0;
  }
  Status Failure(const std::string& what) const;

  krb5_context context_ = nullptr;
  krb5_error_code code_ = 0;
  krb5_principal principal_ = nullptr;
  krb5_keytab keytab_ = nullptr;
  krb5_get_init_creds_opt* options_ = nullptr;
  krb5_ccache from_ = nullptr;
  krb5_ccache to_ = nullptr;
  krb5_creds creds_{};
};

ErrorClass ClassOfKrb(krb5_error_code code) {
  switch (code) {
    case KRB5_KDC_UNREACH:
    case KRB5_REALM_CANT_RESOLVE:
      return ErrorClass::kConnectFailed;
    case KRB5_REALM_UNKNOWN:
    case KRB5_CONFIG_CANTOPEN:
    case KRB5_CONFIG_BADFORMAT:
    case KRB5_CONFIG_NODEFREALM:
    case KRB5_KT_BADNAME:
    case KRB5_KT_NOTFOUND:
    case KRB5_KT_UNKNOWN_TYPE:
    case KRB5_PARSE_MALFORMED:
    case KRB5_KEYTAB_BADVNO:
    case KRB5_FCC_NOFILE:
    case KRB5_CC_FORMAT:
    case ENOENT:
    case EACCES:
      return ErrorClass::kConfigInvalid;
    default: return ErrorClass::kAuthFailed;
  }
}

Status Krb::Failure(const std::string& what) const {
  std::string text = "kerberos: " + what;
  if (context_ == nullptr) return MakeError(ErrorClass::kConfigInvalid, text + ": no context");
  const char* cause = krb5_get_error_message(context_, code_);
  text += std::string(": ") + cause;
  krb5_free_error_message(context_, cause);
  return MakeError(ClassOfKrb(code_), text);
}

StatusOr<Tickets> Krb::FromKeytab(const KerberosSettings& settings) {
  const std::string what = "tickets of " + settings.principal;
  if (code_ != 0 || !Ok(krb5_parse_name(context_, settings.principal.c_str(), &principal_)) ||
      !Ok(krb5_kt_resolve(context_, settings.keytab.c_str(), &keytab_)) ||
      !Ok(krb5_cc_resolve(context_, kCache, &to_)) ||
      !Ok(krb5_get_init_creds_opt_alloc(context_, &options_)) ||
      !Ok(krb5_get_init_creds_opt_set_out_ccache(context_, options_, to_)) ||
      !Ok(krb5_get_init_creds_keytab(context_, &creds_, principal_, keytab_, 0, nullptr,
                                     options_))) {
    return Failure(what);
  }
  Tickets tickets;
  tickets.starts_unix_s = static_cast<std::uint32_t>(creds_.times.starttime != 0
                                                         ? creds_.times.starttime
                                                         : creds_.times.authtime);
  tickets.ends_unix_s = static_cast<std::uint32_t>(creds_.times.endtime);
  return tickets;
}

StatusOr<Tickets> Krb::FromCache(const KerberosSettings& settings) {
  std::string name = settings.ticket_cache.empty() ? OriginalCache() : settings.ticket_cache;
  if (name.empty()) name = "FILE:/tmp/krb5cc_" + std::to_string(::getuid());
  const std::string what = "the ticket cache that the JAAS config names";
  if (code_ != 0 || !Ok(krb5_cc_resolve(context_, name.c_str(), &from_)) ||
      !Ok(krb5_cc_get_principal(context_, from_, &principal_))) {
    return Failure(what);
  }
  if (!settings.principal.empty()) {
    krb5_principal wanted = nullptr;
    if (!Ok(krb5_parse_name(context_, settings.principal.c_str(), &wanted))) return Failure(what);
    const bool same = krb5_principal_compare(context_, wanted, principal_) != 0;
    krb5_free_principal(context_, wanted);
    if (!same) {
      return MakeError(ErrorClass::kAuthFailed, "kerberos: " + what + " is another principal's");
    }
  }
  // The ticket that others are got with.
  krb5_creds wanted{};
  const krb5_data* realm = &principal_->realm;
  const std::string realm_name(realm->data, realm->length);
  if (!Ok(krb5_build_principal(context_, &wanted.server, realm->length, realm_name.c_str(),
                               "krbtgt", realm_name.c_str(), nullptr))) {
    return Failure(what);
  }
  wanted.client = principal_;
  const bool found = Ok(krb5_cc_retrieve_cred(context_, from_, KRB5_TC_SUPPORTED_KTYPES, &wanted,
                                              &creds_));
  krb5_free_principal(context_, wanted.server);
  if (!found || !Ok(krb5_cc_resolve(context_, kCache, &to_)) ||
      !Ok(krb5_cc_initialize(context_, to_, principal_)) ||
      !Ok(krb5_cc_copy_creds(context_, from_, to_))) {
    return Failure(what);
  }
  Tickets tickets;
  tickets.starts_unix_s = static_cast<std::uint32_t>(creds_.times.authtime);
  tickets.ends_unix_s = static_cast<std::uint32_t>(creds_.times.endtime);
  return tickets;
}

}  // namespace

StatusOr<Tickets> GetTickets(const KerberosSettings& settings) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (!kCacheIsOurs) {
    return MakeError(ErrorClass::kConfigInvalid, "kerberos: the environment cannot be set");
  }
  Krb krb;
  return settings.keytab.empty() ? krb.FromCache(settings) : krb.FromKeytab(settings);
}

}  // namespace tidegate::kafka
