// How a Kafka cluster is spoken to and who we are to it, as plain structs; read from
// tidegate.config.v1.KafkaSecurity by security_config.cc, with a JAAS entry taken apart.
//
// Thread: values. Secrets: passwords, tokens and keys are in here; nobody logs these structs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/base/status.h"

namespace tidegate::kafka {

struct JaasLogin;

enum class Mechanism : std::uint8_t {
  kNone,
  kPlain,
  kScramSha256,
  kScramSha512,
  kOauthBearer,
  kGssapi,
};
std::string_view NameOf(Mechanism mechanism);  // as the brokers know it: "SCRAM-SHA-256"

// Where bearer tokens come from; the first of these that is filled.
struct OauthSettings {
  std::string access_token;  // shown as it is
  // An unsigned token of these claims (name, JSON), for brokers of developers.
  std::vector<std::pair<std::string, std::string>> unsecured_claims;
  std::string unsecured_principal = "sub";  // the claim that names us
  std::chrono::seconds unsecured_life{3600};
  // The client credentials grant at an endpoint.
  std::string token_endpoint;
  std::string client_id;
  std::string client_secret;
  std::string scope;
  // With each of them.
  std::vector<std::pair<std::string, std::string>> extensions;
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds read_timeout{10'000};
  std::chrono::milliseconds request_timeout{30'000};
};

struct KerberosSettings {
  std::string principal;     // empty: that of the ticket cache
  std::string keytab;        // empty: tickets come from the cache
  std::string ticket_cache;  // a cache that somebody else fills; empty: the default one
  std::string service = "kafka";
};

struct SecuritySettings {
  bool tls = false;   // ssl, sasl-ssl
  bool sasl = false;  // sasl-plaintext, sasl-ssl
  Mechanism mechanism = Mechanism::kNone;
  std::string username;  // plain, scram
  std::string password;
  OauthSettings oauth;
  KerberosSettings kerberos;
  // TLS, all PEM.
  std::string trust_pem;  // empty: the authorities of the system
  std::string chain_pem;
  std::string key_pem;
  bool verify_hostname = true;
  bool trust_all = false;
  bool only_tls13 = false;

  std::string_view protocol() const {
    if (sasl) return tls ? "SASL_SSL" : "SASL_PLAINTEXT";
    return tls ? "SSL" : "PLAINTEXT";
  }
};

// Takes what `login` says into `out`, whose mechanism it must fit. Fails InvalidArgument naming the
// module or option, never a value.
Status ApplyJaas(const JaasLogin& login, SecuritySettings& out);

}  // namespace tidegate::kafka
