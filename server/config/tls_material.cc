#include "server/config/tls_material.h"

#include <google/protobuf/message.h>

#include <algorithm>

#include "server/base/codec.h"
#include "server/config/key_store.h"
#include "server/config/key_store_contents.h"
#include "server/config/secrets.h"
#include "tidegate/config/v1/tls.pb.h"

namespace tidegate::config {
namespace {

namespace pb = google::protobuf;

Status At(const std::string& field, const std::string& text) {
  return InvalidArgument(field + ": " + text);
}

// The same failure, said about a field.
Status At(const std::string& field, const Status& status) {
  Status result = MakeStatus(status.code(), field + ": " + MessageOf(status));
  const std::string reason = ReasonOf(status);
  return reason.empty() ? result : WithReason(std::move(result), reason);
}

// Which fields of a store the parts of a fault are.
struct StoreFields {
  std::string base;          // "trustStore.jks"
  std::string store;         // what holds the store itself: "location", "content", "key" …
  std::string chain;         // what holds the certificates; binary stores: the store
};

Status Fault(const StoreFields& fields, const StoreFault& fault) {
  switch (fault.part) {
    case StorePart::kNone: return OkStatus();
    case StorePart::kStore: return At(fields.base + "." + fields.store, fault.text);
    case StorePart::kChain: return At(fields.base + "." + fields.chain, fault.text);
    case StorePart::kPassword: return At(fields.base + ".password", fault.text);
    case StorePart::kKeyPassword: return At(fields.base + ".keyPassword", fault.text);
    case StorePart::kAlias: return At(fields.base + ".alias", fault.text);
  }
  return Internal("a store's fault without a part");
}

// Exactly one of the fields that hold the same thing.
Status OneOf(const std::string& base, std::initializer_list<std::pair<const char*, bool>> fields,
             std::string* chosen) {
  std::string names;
  std::size_t count = 0;
  for (const auto& [name, is_set] : fields) {
    if (!names.empty()) names += ", ";
    names += name;
    if (!is_set) continue;
    ++count;
    *chosen = name;
  }
  if (count == 1) return OkStatus();
  return At(base, (count == 0 ? "needs one of " : "takes only one of ") + names);
}

Status StoreField(const std::string& base, const v1::BinaryTrustStore& store, std::string* field) {
  return OneOf(base, {{"location", !store.location().empty()}, {"content", store.has_content()}},
               field);
}
Status StoreField(const std::string& base, const v1::BinaryKeyStore& store, std::string* field) {
  return OneOf(base,
               {{"location", !store.location().empty()},
                {"content", store.has_content()},
                {"key", store.has_key()}},
               field);
}
Status StoreField(const std::string& base, const v1::PemTrustStore& store, std::string* field) {
  return OneOf(base,
               {{"location", !store.location().empty()},
                {"certificates", store.has_certificates()}},
               field);
}
Status StoreField(const std::string& base, const v1::PemKeyStore& store, std::string* field) {
  return OneOf(base, {{"location", !store.location().empty()}, {"key", store.has_key()}}, field);
}

const v1::Secret& InlineOf(const v1::BinaryTrustStore& store) { return store.content(); }
const v1::Secret& InlineOf(const v1::BinaryKeyStore& store) {
  return store.has_content() ? store.content() : store.key();
}

// A text of a Secret or DataSource, or SECRET_UNRESOLVED said about the field.
StatusOr<std::string> TextOf(const std::string& field, const pb::Message& source,
                             const SecretResolver& secrets) {
  auto text = ValueOf(source, secrets);
  if (!text.ok()) return At(field, text.status());
  return text;
}

StatusOr<std::string> FileOf(const std::string& field, const std::string& path,
                             const SecretResolver& secrets) {
  auto bytes = secrets.Bytes(path, kStoreBytesMax);
  if (!bytes.ok()) return At(field, bytes.status());
  return bytes;
}

// The bytes of a binary store.
template <typename Store>
StatusOr<std::string> BytesOf(const StoreFields& fields, const Store& store,
                              const SecretResolver& secrets) {
  const std::string field = fields.base + "." + fields.store;
  if (!store.location().empty()) return FileOf(field, store.location(), secrets);
  TG_ASSIGN_OR_RETURN(std::string text, TextOf(field, InlineOf(store), secrets));
  const Wiped wiped(text);
  if (SniffStore(text) != StoreForm::kUnknown) {
    if (SniffStore(text) == StoreForm::kPem) {
      return At(field, "is PEM, not a binary store; say pem");
    }
    return At(field, "holds the bytes of a store; they are written as base64 here, or named by "
                     "location");
  }
  // The tools that write base64 break it into lines.
  const auto is_space = [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; };
  text.erase(std::remove_if(text.begin(), text.end(), is_space), text.end());
  auto bytes = Base64Decode(text);
  if (!bytes || bytes->empty()) return At(field, text.empty() ? "is empty" : "is not base64");
  if (bytes->size() > kStoreBytesMax) {
    return At(field, "has more than " + std::to_string(kStoreBytesMax) + " bytes");
  }
  return *std::move(bytes);
}

StatusOr<std::optional<std::string>> OptionalText(const std::string& field, bool is_set,
                                                  const v1::Secret& secret,
                                                  const SecretResolver& secrets) {
  std::optional<std::string> result;
  if (!is_set) return result;
  TG_ASSIGN_OR_RETURN(result, TextOf(field, secret, secrets));
  return result;
}

StatusOr<std::string> ReadForm(const std::string& base, const v1::BinaryTrustStore& store,
                               const SecretResolver& secrets) {
  StoreFields fields;
  fields.base = base;
  TG_RETURN_IF_ERROR(StoreField(base, store, &fields.store));
  fields.chain = fields.store;
  StoreAccess access;
  access.alias = store.alias();
  TG_ASSIGN_OR_RETURN(access.password, OptionalText(base + ".password", store.has_password(),
                                                    store.password(), secrets));
  TG_ASSIGN_OR_RETURN(std::string bytes, BytesOf(fields, store, secrets));
  std::string pem;
  TG_RETURN_IF_ERROR(Fault(fields, ReadTrustStore(bytes, access, &pem)));
  return pem;
}

StatusOr<TlsIdentity> ReadForm(const std::string& base, const v1::BinaryKeyStore& store,
                               const SecretResolver& secrets) {
  StoreFields fields;
  fields.base = base;
  TG_RETURN_IF_ERROR(StoreField(base, store, &fields.store));
  fields.chain = fields.store;
  StoreAccess access;
  access.alias = store.alias();
  TG_ASSIGN_OR_RETURN(access.password, OptionalText(base + ".password", store.has_password(),
                                                    store.password(), secrets));
  TG_ASSIGN_OR_RETURN(access.key_password,
                      OptionalText(base + ".keyPassword", store.has_key_password(),
                                   store.key_password(), secrets));
  TG_ASSIGN_OR_RETURN(std::string bytes, BytesOf(fields, store, secrets));
  const Wiped wiped(bytes);
  TlsIdentity identity;
  TG_RETURN_IF_ERROR(Fault(fields, ReadKeyStore(bytes, access, &identity)));
  return identity;
}

StatusOr<std::string> ReadForm(const std::string& base, const v1::PemTrustStore& store,
                               const SecretResolver& secrets) {
  StoreFields fields;
  fields.base = base;
  TG_RETURN_IF_ERROR(StoreField(base, store, &fields.store));
  const std::string field = base + "." + fields.store;
  TG_ASSIGN_OR_RETURN(std::string text, store.location().empty()
                                            ? TextOf(field, store.certificates(), secrets)
                                            : FileOf(field, store.location(), secrets));
  std::string pem;
  TG_RETURN_IF_ERROR(Fault(fields, ReadPemTrust(text, &pem)));
  return pem;
}

StatusOr<TlsIdentity> ReadForm(const std::string& base, const v1::PemKeyStore& store,
                               const SecretResolver& secrets) {
  StoreFields fields;
  fields.base = base;
  fields.chain = "certificateChain";
  TG_RETURN_IF_ERROR(StoreField(base, store, &fields.store));
  std::string chain;
  if (store.has_certificate_chain()) {
    TG_ASSIGN_OR_RETURN(chain, TextOf(base + ".certificateChain", store.certificate_chain(),
                                      secrets));
  }
  const std::string field = base + "." + fields.store;
  TG_ASSIGN_OR_RETURN(std::string key, store.location().empty()
                                           ? TextOf(field, store.key(), secrets)
                                           : FileOf(field, store.location(), secrets));
  const Wiped wiped(key);
  TG_ASSIGN_OR_RETURN(const std::optional<std::string> password,
                      OptionalText(base + ".keyPassword", store.has_key_password(),
                                   store.key_password(), secrets));
  TlsIdentity identity;
  TG_RETURN_IF_ERROR(Fault(fields, ReadPemIdentity(chain, key, password, &identity)));
  return identity;
}

// What `use` makes of the one form that a store has, at its path.
template <typename Result, typename Store, typename Use>
Result OfForm(const std::string& base, const Store& store, Use use) {
  switch (store.store_case()) {
    case Store::kPem: return use(base + ".pem", store.pem());
    case Store::kJks: return use(base + ".jks", store.jks());
    case Store::kPkcs12: return use(base + ".pkcs12", store.pkcs12());
    case Store::STORE_NOT_SET: break;
  }
  return At(base, "needs one of pem, jks, pkcs12");
}

// Content: of a trust store its certificates in PEM, of a key store a TlsIdentity.
template <typename Content, typename Store>
StatusOr<Content> ContentOf(const std::string& base, const Store& store,
                            const SecretResolver& secrets) {
  return OfForm<StatusOr<Content>>(base, store, [&](const std::string& path, const auto& form) {
    return ReadForm(path, form, secrets);
  });
}

StatusOr<TlsIdentity> ListenerIdentity(const std::string& base, const v1::Certificate& certificate,
                                       const SecretResolver& secrets) {
  StoreFields fields;
  fields.base = base;
  fields.store = "key";
  fields.chain = "certificateChain";
  TG_ASSIGN_OR_RETURN(std::string chain, TextOf(base + ".certificateChain",
                                                certificate.certificate_chain(), secrets));
  TG_ASSIGN_OR_RETURN(std::string key, TextOf(base + ".key", certificate.key(), secrets));
  const Wiped wiped(key);
  TG_ASSIGN_OR_RETURN(const std::optional<std::string> password,
                      OptionalText(base + ".keyPassword", certificate.has_key_password(),
                                   certificate.key_password(), secrets));
  TlsIdentity identity;
  TG_RETURN_IF_ERROR(Fault(fields, ReadPemIdentity(chain, key, password, &identity)));
  return identity;
}

// The shape of a store: exactly one form, one place.
template <typename Store>
Status CheckStore(const std::string& base, const Store& store) {
  return OfForm<Status>(base, store, [](const std::string& path, const auto& form) {
    std::string ignored;
    return StoreField(path, form, &ignored);
  });
}

bool AsksClients(const v1::ClientCertificates& clients) {
  return clients.mode() == v1::CLIENT_CERTIFICATE_MODE_OPTIONAL ||
         clients.mode() == v1::CLIENT_CERTIFICATE_MODE_REQUIRED;
}

Status CheckListener(const v1::Tls& tls) {
  if (tls.certificates_size() == 0) {
    return At("certificates", "a listener needs at least one certificate");
  }
  for (const auto& [name, is_set] : {std::pair("trustStore", tls.has_trust_store()),
                                     std::pair("keyStore", tls.has_key_store()),
                                     std::pair("verifyHostname", tls.has_verify_hostname()),
                                     std::pair("trustAll", tls.trust_all())}) {
    if (is_set) {
      return At(name, "is for connections to others; a listener has certificates and "
                      "clientCertificates");
    }
  }
  const v1::ClientCertificates& clients = tls.client_certificates();
  if (!AsksClients(clients)) return OkStatus();
  if (!clients.has_trust_store()) {
    return At("clientCertificates.trustStore", "is needed by the modes optional and required");
  }
  return CheckStore("clientCertificates.trustStore", clients.trust_store());
}

Status CheckConnection(const v1::Tls& tls) {
  for (const auto& [name, is_set] :
       {std::pair("certificates", tls.certificates_size() > 0),
        std::pair("clientCertificates", tls.has_client_certificates())}) {
    if (is_set) {
      return At(name, "is for listeners; a connection has trustStore and keyStore");
    }
  }
  if (tls.has_trust_store()) TG_RETURN_IF_ERROR(CheckStore("trustStore", tls.trust_store()));
  if (tls.has_key_store()) TG_RETURN_IF_ERROR(CheckStore("keyStore", tls.key_store()));
  return OkStatus();
}

const v1::Tls* AsTls(const pb::Message& message) { return dynamic_cast<const v1::Tls*>(&message); }

}  // namespace

Status CheckTls(const pb::Message& message, TlsSide side) {
  const v1::Tls* tls = AsTls(message);
  if (tls == nullptr) return Internal("tls: settings of another kind");
  return side == TlsSide::kListener ? CheckListener(*tls) : CheckConnection(*tls);
}

StatusOr<TlsMaterial> ReadTls(const pb::Message& message, const SecretResolver& secrets) {
  TG_RETURN_IF_ERROR(CheckTls(message, TlsSide::kConnection));
  const v1::Tls& tls = *AsTls(message);
  TlsMaterial material;
  if (tls.has_trust_store()) {
    TG_ASSIGN_OR_RETURN(material.trust_pem,
                        ContentOf<std::string>("trustStore", tls.trust_store(), secrets));
  }
  if (tls.has_key_store()) {
    TG_ASSIGN_OR_RETURN(TlsIdentity identity,
                        ContentOf<TlsIdentity>("keyStore", tls.key_store(), secrets));
    material.chain_pem = std::move(identity.chain_pem);
    material.key_pem = std::move(identity.key_pem);
  }
  material.verify_hostname = !tls.has_verify_hostname() || tls.verify_hostname();
  material.trust_all = tls.trust_all();
  material.only_tls13 = tls.min_version() == v1::TLS_VERSION_TLS13;
  return material;
}

StatusOr<ListenerTlsMaterial> ReadListenerTls(const pb::Message& message,
                                              const SecretResolver& secrets) {
  TG_RETURN_IF_ERROR(CheckTls(message, TlsSide::kListener));
  const v1::Tls& tls = *AsTls(message);
  ListenerTlsMaterial material;
  for (int i = 0; i < tls.certificates_size(); ++i) {
    TG_ASSIGN_OR_RETURN(TlsIdentity identity,
                        ListenerIdentity("certificates[" + std::to_string(i) + "]",
                                         tls.certificates(i), secrets));
    material.identities.push_back(std::move(identity));
  }
  const v1::ClientCertificates& clients = tls.client_certificates();
  if (AsksClients(clients)) {
    material.ask = clients.mode() == v1::CLIENT_CERTIFICATE_MODE_REQUIRED
                       ? ClientCertificateAsk::kRequired
                       : ClientCertificateAsk::kOptional;
    TG_ASSIGN_OR_RETURN(
        material.client_trust_pem,
        ContentOf<std::string>("clientCertificates.trustStore", clients.trust_store(), secrets));
  }
  material.only_tls13 = tls.min_version() == v1::TLS_VERSION_TLS13;
  return material;
}

}  // namespace tidegate::config
