#include <algorithm>

#include "connectors/kafka/config_check.h"
#include "connectors/kafka/jaas.h"
#include "server/base/strings.h"
#include "server/config/secrets.h"
#include "server/config/tls_material.h"
#include "tidegate/config/v1/kafka.pb.h"

namespace tidegate::kafka {
namespace {

namespace pb = ::tidegate::config::v1;
using std::chrono::milliseconds;

constexpr const char* kSasl = "security.sasl";

std::string At(std::string_view field) { return std::string(kSasl) + "." + std::string(field); }

milliseconds ToMillis(const google::protobuf::Duration& value) {
  return milliseconds(value.seconds() * 1000 + value.nanos() / 1'000'000);
}

bool IsSecure(std::string_view url) { return StartsWith(ToLower(url.substr(0, 8)), "https://"); }

void ReadProtocol(const pb::KafkaEndpoint& in, SecuritySettings& out) {
  pb::KafkaSecurityProtocol protocol = in.security().protocol();
  if (protocol == pb::KAFKA_SECURITY_PROTOCOL_UNSPECIFIED &&
      in.preset() == pb::KAFKA_PRESET_CONFLUENT) {
    protocol = pb::KAFKA_SECURITY_PROTOCOL_SASL_SSL;
  }
  out.tls = protocol == pb::KAFKA_SECURITY_PROTOCOL_SSL ||
            protocol == pb::KAFKA_SECURITY_PROTOCOL_SASL_SSL;
  out.sasl = protocol == pb::KAFKA_SECURITY_PROTOCOL_SASL_PLAINTEXT ||
             protocol == pb::KAFKA_SECURITY_PROTOCOL_SASL_SSL;
}

Mechanism ReadMechanism(const pb::KafkaEndpoint& in, Check& check) {
  switch (in.security().sasl().mechanism()) {
    case pb::SASL_MECHANISM_PLAIN: return Mechanism::kPlain;
    case pb::SASL_MECHANISM_SCRAM_SHA_256: return Mechanism::kScramSha256;
    case pb::SASL_MECHANISM_SCRAM_SHA_512: return Mechanism::kScramSha512;
    case pb::SASL_MECHANISM_OAUTHBEARER: return Mechanism::kOauthBearer;
    case pb::SASL_MECHANISM_GSSAPI: return Mechanism::kGssapi;
    case pb::SASL_MECHANISM_UNSPECIFIED:
      if (in.preset() == pb::KAFKA_PRESET_CONFLUENT) return Mechanism::kPlain;
      check.Add(At("mechanism"), "is required");
      return Mechanism::kNone;
    default:
      check.Add(At("mechanism"),
                "one of plain, scram-sha-256, scram-sha-512, oauthbearer and gssapi");
      return Mechanism::kNone;
  }
}

// Fields of other mechanisms would have no effect: they are refused.
void RefuseForeign(const pb::KafkaSasl& sasl, Mechanism mechanism, Check& check) {
  const bool password = mechanism == Mechanism::kPlain || mechanism == Mechanism::kScramSha256 ||
                        mechanism == Mechanism::kScramSha512;
  const bool jaas = sasl.has_jaas_config();
  if ((!password || jaas) && !sasl.username().empty()) {
    check.Add(At("username"), jaas ? "cannot stand beside jaasConfig" : "is for plain and scram");
  }
  if ((!password || jaas) && sasl.has_password()) {
    check.Add(At("password"), jaas ? "cannot stand beside jaasConfig" : "is for plain and scram");
  }
  if (sasl.has_oauth() && mechanism != Mechanism::kOauthBearer) {
    check.Add(At("oauth"), "is for oauthbearer");
  }
  if (sasl.has_kerberos() && (mechanism != Mechanism::kGssapi || jaas)) {
    check.Add(At("kerberos"), jaas ? "cannot stand beside jaasConfig" : "is for gssapi");
  }
}

void ReadHttp(const pb::HttpClient& http, OauthSettings& out, Check& check) {
  const std::string at = At("oauth.http");
  if (http.has_connect_timeout()) out.connect_timeout = ToMillis(http.connect_timeout());
  if (http.has_read_timeout()) out.read_timeout = ToMillis(http.read_timeout());
  if (http.has_request_timeout()) out.request_timeout = ToMillis(http.request_timeout());
  if (http.has_idle_timeout() || http.has_max_concurrent_connections()) {
    check.Add(at, "idleTimeout and maxConcurrentConnections have no effect: a call to the token "
                  "endpoint has a connection of its own");
  }
  if (http.version() == pb::HTTP_VERSION_HTTP2) {
    check.Add(at + ".version", "token endpoints are spoken to in HTTP/1.1");
  }
  if (http.has_proxy()) check.Add(at + ".proxy", "no proxy is used towards token endpoints");
  if (http.has_tls() && !IsSecure(out.token_endpoint)) {
    check.Add(at + ".tls", "needs a token endpoint with https");
  }
}

void ReadOauth(const pb::KafkaSasl& sasl, OauthSettings& out, Check& check) {
  const pb::KafkaOauth& oauth = sasl.oauth();
  out.token_endpoint = oauth.token_endpoint();
  if (sasl.has_jaas_config()) {
    // Java takes the endpoint from a property beside the JAAS text; so do we.
    if (!oauth.client_id().empty() || oauth.has_client_secret() || oauth.scopes_size() > 0 ||
        oauth.extensions_size() > 0 || oauth.has_access_token()) {
      check.Add(At("oauth"), "beside jaasConfig only tokenEndpoint and http can be given");
    }
    return;
  }
  out.client_id = oauth.client_id();
  if (oauth.has_client_secret()) {
    out.client_secret = check.Secret(oauth.client_secret(), At("oauth.clientSecret"));
  }
  if (oauth.has_access_token()) {
    out.access_token = check.Secret(oauth.access_token(), At("oauth.accessToken"));
  }
  for (const std::string& scope : oauth.scopes()) {
    if (scope.empty() || scope.find_first_of(" \"\\\t\r\n") != std::string::npos) {
      check.Add(At("oauth.scopes"), "a scope has no blanks, quotes and backslashes");
    }
    out.scope += (out.scope.empty() ? "" : " ") + scope;
  }
  for (const auto& [name, value] : oauth.extensions()) out.extensions.emplace_back(name, value);
  std::sort(out.extensions.begin(), out.extensions.end());
  if (!out.token_endpoint.empty() && !out.access_token.empty()) {
    check.Add(At("oauth"), "either tokenEndpoint or accessToken is given");
  }
}

bool IsExtensionName(std::string_view name) {
  return name != "auth" && !name.empty() &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return c < 128 && std::isalpha(c) != 0;
         });
}

bool IsExtensionValue(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return (c >= 0x20 && c <= 0x7E) || c == '\t' || c == '\r' || c == '\n';
  });
}

// What holds wherever the settings come from.
void CheckOauth(const pb::KafkaSasl& sasl, OauthSettings& out, Check& check) {
  if (!out.access_token.empty() || !out.unsecured_claims.empty()) {
    out.token_endpoint.clear();  // may stand beside a JAAS text that does not need it
  } else if (out.token_endpoint.empty()) {
    check.Add(At("oauth.tokenEndpoint"), "is required, unless a token is given");
  } else if (out.client_id.empty() || out.client_secret.empty()) {
    check.Add(At("oauth"), "a token endpoint needs clientId and clientSecret");
  } else if (!IsSecure(out.token_endpoint) &&
             !StartsWith(ToLower(out.token_endpoint.substr(0, 7)), "http://")) {
    check.Add(At("oauth.tokenEndpoint"), "must be a URL with http or https");
  }
  if (sasl.oauth().has_http()) ReadHttp(sasl.oauth().http(), out, check);
  for (const auto& [name, value] : out.extensions) {
    if (IsExtensionName(name) && IsExtensionValue(value)) continue;
    check.Add(At("oauth.extensions"),
              "a name has letters only and is not auth, a value is printable ASCII");
  }
}

void CheckKerberos(const KerberosSettings& kerberos, Check& check) {
  const auto fine = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char c) {
      constexpr std::string_view kSigns = "._/@-";
      const bool sign = kSigns.find(static_cast<char>(c)) != std::string_view::npos;
      return c < 128 && (sign || std::isalnum(c) != 0);
    });
  };
  if (!fine(kerberos.principal)) {
    check.Add(At("kerberos.principal"), "has letters, digits, '.', '_', '/', '@' and '-'");
  }
  if (!fine(kerberos.service) || kerberos.service.empty()) {
    check.Add(At("kerberos.serviceName"), "has letters, digits, '.', '_', '/', '@' and '-'");
  }
  if (!kerberos.keytab.empty()) check.Path(kerberos.keytab, At("kerberos.keytab"));
  std::string_view cache = kerberos.ticket_cache;
  if (StartsWith(cache, "FILE:")) cache.remove_prefix(5);
  if (!cache.empty()) check.Path(std::string(cache), At("jaasConfig"));
}

void ReadSasl(const pb::KafkaEndpoint& in, SecuritySettings& out, Check& check) {
  const pb::KafkaSasl& sasl = in.security().sasl();
  out.mechanism = ReadMechanism(in, check);
  if (out.mechanism == Mechanism::kNone) return;
  RefuseForeign(sasl, out.mechanism, check);
  if (out.mechanism == Mechanism::kOauthBearer) ReadOauth(sasl, out.oauth, check);
  if (sasl.has_jaas_config()) {
    const std::string text = check.Secret(sasl.jaas_config(), At("jaasConfig"));
    if (text.empty()) return;
    const auto login = ParseJaas(text);
    const Status status = login.ok() ? ApplyJaas(*login, out) : login.status();
    if (!status.ok()) check.Add(At("jaasConfig"), MessageOf(status));
    if (!status.ok()) return;
  } else if (out.mechanism == Mechanism::kGssapi) {
    out.kerberos.principal = sasl.kerberos().principal();
    out.kerberos.keytab = sasl.kerberos().keytab();
    if (sasl.kerberos().has_service_name()) out.kerberos.service = sasl.kerberos().service_name();
    if (out.kerberos.principal.empty() || out.kerberos.keytab.empty()) {
      check.Add(At("kerberos"), "principal and keytab are required");
    }
  } else if (out.mechanism != Mechanism::kOauthBearer) {
    out.username = sasl.username();
    if (out.username.empty()) check.Add(At("username"), "is required");
    if (!sasl.has_password()) check.Add(At("password"), "is required");
    if (sasl.has_password()) out.password = check.Secret(sasl.password(), At("password"));
  }
  if (out.mechanism == Mechanism::kOauthBearer) CheckOauth(sasl, out.oauth, check);
  if (out.mechanism == Mechanism::kGssapi) CheckKerberos(out.kerberos, check);
}

void ReadTlsSettings(const pb::Tls& tls, SecuritySettings& out, Check& check) {
  if (check.secrets() == nullptr) {
    check.Add("security.tls", "its stores cannot be read here");
    return;
  }
  auto material = config::ReadTls(tls, *check.secrets());
  if (!material.ok()) {
    check.Add("security.tls", MessageOf(material.status()));
    return;
  }
  out.trust_pem = std::move(material->trust_pem);
  out.chain_pem = std::move(material->chain_pem);
  out.key_pem = std::move(material->key_pem);
  out.verify_hostname = material->verify_hostname;
  out.trust_all = material->trust_all;
  out.only_tls13 = material->only_tls13;
}

}  // namespace

std::string Check::Secret(const google::protobuf::Message& secret, const std::string& field) {
  const auto* source = dynamic_cast<const pb::Secret*>(&secret);
  std::string text;
  if (source != nullptr && source->source_case() == pb::Secret::kText) {
    text = source->text();
  } else if (secrets_ == nullptr) {
    Add(field, "cannot be read here");
    return "";
  } else {
    auto value = config::ValueOf(secret, *secrets_);
    if (!value.ok()) {
      Add(field, MessageOf(value.status()));
      return "";
    }
    text = std::move(*value);
  }
  if (text.empty()) Add(field, "must not be empty");
  if (text.find('\0') != std::string::npos) Add(field, "must not contain a zero byte");
  return text;
}

void Check::Path(const std::string& path, const std::string& field) {
  if (path.empty() || path.front() != '/') {
    Add(field, "the file must be an absolute path");
    return;
  }
  if (secrets_ == nullptr) return;
  const Status status = secrets_->CheckPath(path);
  if (!status.ok()) Add(field, MessageOf(status));
}

void ReadSecurity(const pb::KafkaEndpoint& in, KafkaConfig& out, Check& check) {
  SecuritySettings& security = out.security;
  ReadProtocol(in, security);
  if (security.sasl) {
    if (in.security().has_sasl()) {
      ReadSasl(in, security, check);
    } else {
      check.Add(kSasl, "is required by the sasl protocols");
    }
  } else if (in.security().has_sasl()) {
    check.Add(kSasl, "needs the protocol sasl-plaintext or sasl-ssl");
  }
  if (security.tls && in.security().has_tls()) {
    ReadTlsSettings(in.security().tls(), security, check);
  } else if (in.security().has_tls()) {
    check.Add("security.tls", "needs the protocol ssl or sasl-ssl");
  }
  // Clouds close connections that rest for ten minutes without saying so to either side.
  bool idle_set = false;
  for (const auto& [name, value] : out.properties) {
    idle_set = idle_set || name == "connections.max.idle.ms";
  }
  if (in.preset() == pb::KAFKA_PRESET_CONFLUENT && !idle_set) {
    out.properties.emplace_back("connections.max.idle.ms", "180000");
  }
}

const google::protobuf::Message* TokenTls(const google::protobuf::Message& settings) {
  const auto* in = dynamic_cast<const pb::KafkaEndpoint*>(&settings);
  if (in == nullptr) return nullptr;
  return &in->security().sasl().oauth().http().tls();  // the default instance where none is given
}

}  // namespace tidegate::kafka
