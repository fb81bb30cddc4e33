// What the options of each login module mean.
#include <algorithm>
#include <array>
#include <span>

#include "connectors/kafka/jaas.h"
#include "connectors/kafka/security.h"
#include "server/base/strings.h"

namespace tidegate::kafka {
namespace {

using Options = std::map<std::string, std::string>;

constexpr std::string_view kStringClaim = "unsecuredLoginStringClaim_";
constexpr std::string_view kNumberClaim = "unsecuredLoginNumberClaim_";
constexpr std::string_view kListClaim = "unsecuredLoginListClaim_";
constexpr std::string_view kUnsecuredExtension = "unsecuredLoginExtension_";
constexpr std::string_view kExtension = "extension_";

Status Refuse(std::string_view why) { return InvalidArgument("JAAS config: " + std::string(why)); }

// A name that can be shown: what is unknown may be a piece of a secret.
Status UnknownOption(const JaasLogin& login, std::span<const std::string_view> known,
                     std::string_view name) {
  std::vector<std::string> names;
  for (std::string_view entry : known) names.emplace_back(entry);
  const std::string nearest = Nearest(name, names);
  std::string text = std::string(login.kind()) + " has an option that is not known";
  if (!nearest.empty()) text += "; did you mean " + nearest + "?";
  return Refuse(text + " Known are " + Join(names, ", "));
}

Status OnlyKnown(const JaasLogin& login, std::span<const std::string_view> known,
                 std::span<const std::string_view> prefixes = {}) {
  for (const auto& [name, value] : login.options) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    bool prefixed = false;
    for (std::string_view begin : prefixes) {
      prefixed = prefixed || (StartsWith(name, begin) && name.size() > begin.size());
    }
    if (!prefixed) return UnknownOption(login, known, name);
  }
  return OkStatus();
}

std::string Take(const Options& options, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto at = options.find(name);
    if (at != options.end()) return at->second;
  }
  return "";
}

bool IsTrue(const Options& options, const char* name) {
  return EqualsIgnoreCase(Take(options, {name}), "true");
}

Status UserAndPassword(const JaasLogin& login, SecuritySettings& out) {
  out.username = Take(login.options, {"username"});
  out.password = Take(login.options, {"password"});
  if (out.username.empty() || login.options.count("password") == 0) {
    return Refuse(std::string(login.kind()) + " needs username and password");
  }
  return OkStatus();
}

Status Plain(const JaasLogin& login, SecuritySettings& out) {
  constexpr std::array<std::string_view, 2> kKnown = {"username", "password"};
  TG_RETURN_IF_ERROR(OnlyKnown(login, kKnown));
  return UserAndPassword(login, out);
}

Status Scram(const JaasLogin& login, SecuritySettings& out) {
  constexpr std::array<std::string_view, 3> kKnown = {"username", "password", "tokenauth"};
  TG_RETURN_IF_ERROR(OnlyKnown(login, kKnown));
  if (IsTrue(login.options, "tokenauth")) {
    return Refuse("delegation tokens (tokenauth) are not supported; log in with a password");
  }
  return UserAndPassword(login, out);
}

// `[A]` of a number, or nothing: what stands in a token must be JSON.
bool IsJsonNumber(std::string_view text) {
  if (StartsWith(text, "-")) text.remove_prefix(1);
  const std::size_t dot = text.find('.');
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (dot == std::string_view::npos) return digits(text);
  return digits(text.substr(0, dot)) && digits(text.substr(dot + 1));
}

// A list is written with its separator first: "|a|b".
std::string JsonList(std::string_view text) {
  std::string out = "[";
  if (!text.empty()) {
    for (std::string_view item : Split(text.substr(1), text.front())) {
      if (out.size() > 1) out += ',';
      AppendJsonString(out, item);
    }
  }
  return out + "]";
}

Status Unsecured(const Options& options, OauthSettings& out) {
  for (const auto& [name, value] : options) {
    std::string json;
    if (StartsWith(name, kStringClaim)) {
      AppendJsonString(json, value);
      out.unsecured_claims.emplace_back(name.substr(kStringClaim.size()), json);
    } else if (StartsWith(name, kNumberClaim)) {
      if (!IsJsonNumber(value)) return Refuse("a number claim is not a number");
      out.unsecured_claims.emplace_back(name.substr(kNumberClaim.size()), value);
    } else if (StartsWith(name, kListClaim)) {
      out.unsecured_claims.emplace_back(name.substr(kListClaim.size()), JsonList(value));
    } else if (StartsWith(name, kUnsecuredExtension)) {
      out.extensions.emplace_back(name.substr(kUnsecuredExtension.size()), value);
    }
  }
  const std::string principal = Take(options, {"unsecuredLoginPrincipalClaimName"});
  if (!principal.empty()) out.unsecured_principal = principal;
  const std::string life = Take(options, {"unsecuredLoginLifetimeSeconds"});
  if (!life.empty()) {
    const auto seconds = ParseUint(life);
    if (!seconds || *seconds < 5 || *seconds > 31'536'000) {
      return Refuse("unsecuredLoginLifetimeSeconds is from 5 to 31536000");
    }
    out.unsecured_life = std::chrono::seconds(*seconds);
  }
  for (const auto& [name, json] : out.unsecured_claims) {
    if (name == out.unsecured_principal) return OkStatus();
  }
  if (out.unsecured_claims.empty()) return OkStatus();
  return Refuse("an unsecured token needs a claim of the principal, such as " +
                std::string(kStringClaim) + "sub");
}

Status Oauth(const JaasLogin& login, SecuritySettings& out) {
  constexpr std::array<std::string_view, 13> kKnown = {
      "access_token", "clientId", "clientSecret", "scope", "tokenEndpointUrl",
      "oauth.access.token", "oauth.client.id", "oauth.client.secret", "oauth.scope",
      "oauth.token.endpoint.uri", "unsecuredLoginPrincipalClaimName",
      "unsecuredLoginLifetimeSeconds", "unsecuredLoginStringClaim_sub"};
  constexpr std::array kPrefixes = {kStringClaim, kNumberClaim, kListClaim, kUnsecuredExtension,
                                    kExtension};
  TG_RETURN_IF_ERROR(OnlyKnown(login, kKnown, kPrefixes));
  const Options& options = login.options;
  OauthSettings& oauth = out.oauth;
  oauth.access_token = Take(options, {"access_token", "oauth.access.token"});
  const std::string endpoint = Take(options, {"tokenEndpointUrl", "oauth.token.endpoint.uri"});
  if (!endpoint.empty()) oauth.token_endpoint = endpoint;
  const std::string client = Take(options, {"clientId", "oauth.client.id"});
  if (!client.empty()) oauth.client_id = client;
  const std::string secret = Take(options, {"clientSecret", "oauth.client.secret"});
  if (!secret.empty()) oauth.client_secret = secret;
  const std::string scope = Take(options, {"scope", "oauth.scope"});
  if (!scope.empty()) oauth.scope = scope;
  for (const auto& [name, value] : options) {
    if (StartsWith(name, kExtension)) {
      oauth.extensions.emplace_back(name.substr(kExtension.size()), value);
    }
  }
  return Unsecured(options, oauth);
}

Status Kerberos(const JaasLogin& login, SecuritySettings& out) {
  constexpr std::array<std::string_view, 13> kKnown = {
      "principal", "keyTab", "useKeyTab", "useTicketCache", "ticketCache", "serviceName",
      "storeKey", "doNotPrompt", "refreshKrb5Config", "debug", "renewTGT", "isInitiator",
      "useFirstPass"};
  TG_RETURN_IF_ERROR(OnlyKnown(login, kKnown));
  KerberosSettings& kerberos = out.kerberos;
  kerberos.principal = Take(login.options, {"principal"});
  const std::string service = Take(login.options, {"serviceName"});
  if (!service.empty()) kerberos.service = service;
  if (IsTrue(login.options, "useKeyTab")) {
    kerberos.keytab = Take(login.options, {"keyTab"});
    if (kerberos.keytab.empty() || kerberos.principal.empty()) {
      return Refuse("Krb5LoginModule with useKeyTab needs keyTab and principal");
    }
    return OkStatus();
  }
  if (!IsTrue(login.options, "useTicketCache")) {
    return Refuse("Krb5LoginModule needs useKeyTab=true or useTicketCache=true");
  }
  kerberos.ticket_cache = Take(login.options, {"ticketCache"});
  return OkStatus();
}

struct Module {
  std::string_view kind;
  Status (*apply)(const JaasLogin&, SecuritySettings&);
  bool (*fits)(Mechanism);
};

constexpr std::array kModules = {
    Module{"PlainLoginModule", Plain, [](Mechanism m) { return m == Mechanism::kPlain; }},
    Module{"ScramLoginModule", Scram,
           [](Mechanism m) {
             return m == Mechanism::kScramSha256 || m == Mechanism::kScramSha512;
           }},
    Module{"OAuthBearerLoginModule", Oauth,
           [](Mechanism m) { return m == Mechanism::kOauthBearer; }},
    Module{"Krb5LoginModule", Kerberos, [](Mechanism m) { return m == Mechanism::kGssapi; }},
};

}  // namespace

Status ApplyJaas(const JaasLogin& login, SecuritySettings& out) {
  std::string kinds;
  for (const Module& module : kModules) {
    if (module.kind == login.kind()) {
      if (module.fits(out.mechanism)) return module.apply(login, out);
      return Refuse(std::string(module.kind) + " does not fit the mechanism " +
                    std::string(NameOf(out.mechanism)));
    }
    kinds += (kinds.empty() ? "" : ", ") + std::string(module.kind);
  }
  return Refuse("the login module is not one of " + kinds);
}

std::string_view NameOf(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::kNone: return "none";
    case Mechanism::kPlain: return "PLAIN";
    case Mechanism::kScramSha256: return "SCRAM-SHA-256";
    case Mechanism::kScramSha512: return "SCRAM-SHA-512";
    case Mechanism::kOauthBearer: return "OAUTHBEARER";
    case Mechanism::kGssapi: return "GSSAPI";
  }
  return "none";
}

}  // namespace tidegate::kafka
