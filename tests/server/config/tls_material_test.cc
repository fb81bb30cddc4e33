// TLS settings to PEM: every form of store, made by keytool and openssl (stores/make_stores.sh).
#include "server/config/tls_material.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "server/base/codec.h"
#include "server/config/secrets.h"
#include "tidegate/config/v1/tls.pb.h"

namespace tidegate::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kUnicodePassword = "pässwörd€😀";

std::string StorePath(const std::string& name) {
  return std::filesystem::current_path() / "tests/server/config/stores" / name;
}
std::string Content(const std::string& name) {
  std::ifstream in(StorePath(name), std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  EXPECT_FALSE(out.str().empty()) << name;
  return out.str();
}

// The common names of a PEM bundle, in its order.
std::vector<std::string> NamesOf(const std::string& pem) {
  std::vector<std::string> names;
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  while (X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)) {
    char name[100] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof(name));
    names.emplace_back(name);
    X509_free(certificate);
  }
  BIO_free(bio);
  return names;
}

bool KeyFits(const TlsMaterial& material) {
  const auto open = [](const std::string& text) {
    return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  };
  BIO* chain = open(material.chain_pem);
  BIO* text = open(material.key_pem);
  X509* leaf = PEM_read_bio_X509(chain, nullptr, nullptr, nullptr);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(text, nullptr, nullptr, nullptr);
  const bool fits = leaf != nullptr && key != nullptr && X509_check_private_key(leaf, key) == 1;
  EVP_PKEY_free(key);
  X509_free(leaf);
  BIO_free(text);
  BIO_free(chain);
  return fits && material.key_pem.rfind("-----BEGIN PRIVATE KEY-----", 0) == 0;
}

class Stores : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tidegate-stores-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    SecretRules rules;
    rules.files = {folder_, StorePath(".")};
    rules.env = {"TG_STORE_*"};
    secrets_ = std::make_unique<SecretResolver>(rules);
  }
  void TearDown() override {
    for (const std::string& file : written_) ::unlink(file.c_str());
    ::rmdir(folder_.c_str());
  }

  std::string Write(const std::string& name, const std::string& bytes) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    written_.push_back(path);
    return path;
  }

  static v1::Tls Settings(const std::string& text) {
    v1::Tls tls;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &tls)) << text;
    return tls;
  }
  TlsMaterial Read(const v1::Tls& tls) {
    auto material = ReadTls(tls, *secrets_);
    EXPECT_TRUE(material.ok()) << MessageOf(material.status());
    return material.ok() ? *material : TlsMaterial();
  }
  std::string ErrorOf(const v1::Tls& tls) {
    const auto material = ReadTls(tls, *secrets_);
    EXPECT_FALSE(material.ok());
    return MessageOf(material.status());
  }

  // A trust store by `location`, or with the bytes as base64 in `content`.
  v1::Tls Trust(const std::string& form, const std::string& file, bool inline_content,
                const std::string& password = "changeit") {
    v1::Tls tls;
    auto* store = form == "jks" ? tls.mutable_trust_store()->mutable_jks()
                                : tls.mutable_trust_store()->mutable_pkcs12();
    if (inline_content) {
      store->mutable_content()->set_text(Base64(Content(file)));
    } else {
      store->set_location(StorePath(file));
    }
    if (!password.empty()) store->mutable_password()->set_text(password);
    return tls;
  }
  // `form` is jks or pkcs12 (p12).
  v1::BinaryKeyStore* KeyOf(v1::Tls* tls, const std::string& form) {
    return form == "jks" ? tls->mutable_key_store()->mutable_jks()
                         : tls->mutable_key_store()->mutable_pkcs12();
  }
  v1::Tls Key(const std::string& form, const std::string& file, const std::string& where,
              const std::string& password = "changeit", const std::string& key_password = "") {
    v1::Tls tls;
    v1::BinaryKeyStore* store = KeyOf(&tls, form);
    if (where == "location") store->set_location(StorePath(file));
    if (where == "content") store->mutable_content()->set_text(Base64(Content(file)));
    if (where == "key") store->mutable_key()->set_text(Base64(Content(file)));
    if (!password.empty()) store->mutable_password()->set_text(password);
    if (!key_password.empty()) store->mutable_key_password()->set_text(key_password);
    return tls;
  }

  std::string folder_;
  std::vector<std::string> written_;
  std::unique_ptr<SecretResolver> secrets_;
};

TEST_F(Stores, TrustInEveryFormHoldsBothRoots) {
  v1::Tls pem_location;
  pem_location.mutable_trust_store()->mutable_pem()->set_location(StorePath("trust.pem"));
  v1::Tls pem_text;
  pem_text.mutable_trust_store()->mutable_pem()->mutable_certificates()->set_text(
      Content("trust.pem"));
  for (const v1::Tls& tls :
       {pem_location, pem_text, Trust("jks", "trust.jks", false), Trust("jks", "trust.jks", true),
        Trust("pkcs12", "trust.p12", false), Trust("pkcs12", "trust.p12", true),
        Trust("pkcs12", "trust-openssl.p12", false), Trust("pkcs12", "trust-rc2.p12", false),
        Trust("pkcs12", "trust-oldjava.p12", true)}) {
    EXPECT_THAT(NamesOf(Read(tls).trust_pem),
                ::testing::UnorderedElementsAre("Store Test Root", "Store Test Other Root"))
        << tls.ShortDebugString();
  }
}

TEST_F(Stores, KeysInEveryFormComeWithTheirChain) {
  v1::Tls pem_location;
  auto* store = pem_location.mutable_key_store()->mutable_pem();
  store->mutable_certificate_chain()->set_file(StorePath("client-chain.pem"));
  store->set_location(StorePath("client.key"));
  v1::Tls pem_text;
  store = pem_text.mutable_key_store()->mutable_pem();
  store->mutable_certificate_chain()->set_text(Content("client-chain.pem"));
  store->mutable_key()->set_text(Content("client.key"));
  v1::Tls pem_both;
  pem_both.mutable_key_store()->mutable_pem()->set_location(StorePath("client-both.pem"));
  for (const v1::Tls& tls :
       {pem_location, pem_text, pem_both,
        Key("jks", "client.jks", "location", "changeit", "keypass1"),
        Key("jks", "client.jks", "key", "changeit", "keypass1"),
        Key("jks", "client-samepass.jks", "content"),
        Key("pkcs12", "client.p12", "location"), Key("pkcs12", "client.p12", "key"),
        Key("pkcs12", "client.p12", "content", "changeit", "changeit"),
        Key("pkcs12", "client-keytool.p12", "location"),
        Key("pkcs12", "client-rc2.p12", "location"),
        Key("pkcs12", "client-oldjava.p12", "location"),
        Key("jks", "unicode.jks", "location", kUnicodePassword),
        Key("pkcs12", "unicode.p12", "location", kUnicodePassword)}) {
    const TlsMaterial material = Read(tls);
    EXPECT_THAT(NamesOf(material.chain_pem),
                ElementsAre("store-test-client", "Store Test Intermediate"))
        << tls.ShortDebugString().substr(0, 200);
    EXPECT_TRUE(KeyFits(material)) << tls.ShortDebugString().substr(0, 200);
  }
}

TEST_F(Stores, EncryptedPemKeysOpenWithTheirPassword) {
  for (const char* file : {"client-aes.key", "client-des.key", "client-header.key"}) {
    v1::Tls tls;
    auto* store = tls.mutable_key_store()->mutable_pem();
    store->mutable_certificate_chain()->set_text(Content("client-chain.pem"));
    store->set_location(StorePath(file));
    EXPECT_EQ(ErrorOf(tls), "keyStore.pem.keyPassword: is missing; the private key is encrypted");
    store->mutable_key_password()->set_text("wrong-CANARY");
    EXPECT_EQ(ErrorOf(tls), "keyStore.pem.keyPassword: does not open the private key");
    store->mutable_key_password()->set_text("keypass1");
    EXPECT_TRUE(KeyFits(Read(tls))) << file;
  }
  v1::Tls plain;
  auto* store = plain.mutable_key_store()->mutable_pem();
  store->mutable_certificate_chain()->set_text(Content("client-chain.pem"));
  store->set_location(StorePath("client-rsa.key"));
  EXPECT_TRUE(KeyFits(Read(plain)));
}

TEST_F(Stores, TheBytesTellTheFormNotTheName) {
  EXPECT_TRUE(KeyFits(Read(Key("jks", "client-keytool.p12", "location"))));
  EXPECT_TRUE(KeyFits(Read(Key("pkcs12", "client-samepass.jks", "location"))));
  EXPECT_THAT(ErrorOf(Key("jks", "client.jceks", "location")),
              AllOf(StartsWith("keyStore.jks.location: is a JCEKS store"), HasSubstr("keytool")));
  EXPECT_EQ(ErrorOf(Key("pkcs12", "client.key", "location")),
            "keyStore.pkcs12.location: is PEM, not a binary store; say pem");
  v1::Tls tls = Key("jks", "client.jks", "");
  KeyOf(&tls, "jks")->set_location(Write("text", "hello, I am no store at all"));
  EXPECT_EQ(ErrorOf(tls), "keyStore.jks.location: is not a key store");
  KeyOf(&tls, "jks")->set_location(Write("empty", ""));
  EXPECT_EQ(ErrorOf(tls), "keyStore.jks.location: is empty");
}

TEST_F(Stores, AnAliasChoosesTheEntry) {
  for (const std::string form : {"jks", "p12"}) {
    v1::Tls tls = Key(form, "two." + form, "location");
    EXPECT_THAT(NamesOf(Read(tls).chain_pem)[0], StartsWith("store-test-"));
    KeyOf(&tls, form)->set_alias("second");  // Java writes aliases in lower case
    EXPECT_THAT(NamesOf(Read(tls).chain_pem), ElementsAre("store-test-second"));
    KeyOf(&tls, form)->set_alias("CLIENT");
    EXPECT_THAT(NamesOf(Read(tls).chain_pem),
                ElementsAre("store-test-client", "Store Test Intermediate"));
    KeyOf(&tls, form)->set_alias("third");
    EXPECT_THAT(ErrorOf(tls), AllOf(HasSubstr(".alias: names no such entry of the store: "
                                              "\"third\"; there are: "),
                                    HasSubstr("client"), HasSubstr("second")));
  }
  v1::Tls emoji = Key("jks", "unicode.jks", "location", kUnicodePassword);
  KeyOf(&emoji, "jks")->set_alias("klient-😀");
  EXPECT_TRUE(KeyFits(Read(emoji)));
  for (const std::string form : {"jks", "p12"}) {
    v1::Tls trust = Trust(form, "trust." + form, false);
    auto* store = form == "jks" ? trust.mutable_trust_store()->mutable_jks()
                                : trust.mutable_trust_store()->mutable_pkcs12();
    store->set_alias("ca");
    EXPECT_THAT(NamesOf(Read(trust).trust_pem), ElementsAre("Store Test Root"));
    store->set_alias("nobody");
    EXPECT_THAT(ErrorOf(trust), HasSubstr(".alias: names no such entry"));
  }
}

TEST_F(Stores, ATrustStoreWithKeysTrustsOnlyItsTrustEntries) {
  EXPECT_THAT(NamesOf(Read(Trust("jks", "both.jks", false)).trust_pem),
              ElementsAre("Store Test Root"));
  EXPECT_EQ(ErrorOf(Trust("jks", "client.jks", false)),
            "trustStore.jks.location: holds no trusted certificate");
  EXPECT_EQ(ErrorOf(Key("jks", "trust.jks", "location")),
            "keyStore.jks.location: holds no private key");
  EXPECT_EQ(ErrorOf(Key("pkcs12", "trust.p12", "location")),
            "keyStore.pkcs12.location: holds no private key");
}

TEST_F(Stores, WrongAndMissingPasswordsAreTold) {
  const std::string wrong = "does not open the store: it is wrong, or the store was changed";
  EXPECT_EQ(ErrorOf(Trust("jks", "trust.jks", false, "CANARY")),
            "trustStore.jks.password: " + wrong);
  EXPECT_EQ(ErrorOf(Trust("pkcs12", "trust.p12", true, "CANARY")),
            "trustStore.pkcs12.password: " + wrong);
  EXPECT_EQ(ErrorOf(Trust("pkcs12", "trust-rc2.p12", true, "CANARY")),
            "trustStore.pkcs12.password: " + wrong);
  EXPECT_EQ(ErrorOf(Key("jks", "client.jks", "key", "CANARY")), "keyStore.jks.password: " + wrong);
  EXPECT_EQ(ErrorOf(Key("pkcs12", "client.p12", "location", "CANARY")),
            "keyStore.pkcs12.password: " + wrong);
  EXPECT_EQ(ErrorOf(Trust("pkcs12", "trust.p12", false, "")),
            "trustStore.pkcs12.password: is missing; the store needs one");
  EXPECT_EQ(ErrorOf(Key("jks", "client.jks", "location", "")),
            "keyStore.jks.password: is missing; the store needs one");
  // Java reads a trust store without its password; so do we.
  EXPECT_EQ(NamesOf(Read(Trust("jks", "trust.jks", false, "")).trust_pem).size(), 2U);
  EXPECT_EQ(ErrorOf(Key("jks", "client.jks", "location")),
            "keyStore.jks.keyPassword: does not open the key of the entry \"client\" (it is not "
            "given: the store's was tried)");
  EXPECT_EQ(ErrorOf(Key("jks", "client.jks", "location", "changeit", "CANARY")),
            "keyStore.jks.keyPassword: does not open the key of the entry \"client\"");
  EXPECT_EQ(ErrorOf(Key("pkcs12", "client.p12", "location", "changeit", "CANARY")),
            "keyStore.pkcs12.keyPassword: does not open the key of the entry \"client\"");
}

TEST_F(Stores, EveryTruncationIsToldAndNothingIsReadBeyondIt) {
  for (const std::string name : {"client.jks", "trust.jks", "client.p12"}) {
    const std::string whole = Content(name);
    for (std::size_t size = 0; size < whole.size(); size += size < 64 ? 1 : 37) {
      v1::Tls tls;
      KeyOf(&tls, "jks")->set_location(Write("cut", whole.substr(0, size)));
      KeyOf(&tls, "jks")->mutable_password()->set_text("changeit");
      const std::string error = ErrorOf(tls);
      EXPECT_THAT(error, AllOf(StartsWith("keyStore.jks.location: "), Not(HasSubstr("changeit"))))
          << size;
      if (size >= 4) {
        EXPECT_THAT(error, HasSubstr("is cut short or damaged")) << size;
      }
    }
  }
}

TEST_F(Stores, AChangedByteOfAJksIsFound) {
  const std::string whole = Content("trust.jks");
  for (std::size_t at = 12; at < whole.size(); at += 101) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x20);
    v1::Tls tls = Trust("jks", "trust.jks", false);
    tls.mutable_trust_store()->mutable_jks()->set_location(Write("changed", changed));
    EXPECT_THAT(ErrorOf(tls), StartsWith("trustStore.jks.")) << at;
  }
}

TEST_F(Stores, LimitsHold) {
  EXPECT_THAT(ErrorOf(Key("pkcs12", "slow.p12", "location")),
              HasSubstr("hashes its password more than 2000000 times"));
  v1::Tls big;
  big.mutable_trust_store()->mutable_jks()->set_location(
      Write("big", std::string(kStoreBytesMax + 1, 'x')));
  EXPECT_THAT(ErrorOf(big), StartsWith("trustStore.jks.location: file "));
  std::string many = std::string("\xFE\xED\xFE\xED\0\0\0\2\0\1\0\0", 12) + std::string(40, '\0');
  v1::Tls tls;
  tls.mutable_trust_store()->mutable_jks()->set_location(Write("many", many));
  EXPECT_EQ(ErrorOf(tls), "trustStore.jks.location: has more than 1000 entries");
  const std::string one = Content("trust.pem");
  std::string bundle;
  for (std::size_t i = 0; i <= kStoreEntriesMax / 2; ++i) bundle += one;
  v1::Tls pem;
  pem.mutable_trust_store()->mutable_pem()->set_location(Write("bundle", bundle));
  EXPECT_EQ(ErrorOf(pem), "trustStore.pem.location: has more than 1000 blocks");
}

TEST_F(Stores, AKeyThatDoesNotFitIsToldAtTheChain) {
  v1::Tls tls;
  auto* store = tls.mutable_key_store()->mutable_pem();
  store->mutable_certificate_chain()->set_text(Content("client-chain.pem"));
  store->set_location(StorePath("second.key"));
  EXPECT_EQ(ErrorOf(tls),
            "keyStore.pem.certificateChain: the private key does not fit the first certificate");
  store->clear_certificate_chain();
  EXPECT_EQ(ErrorOf(tls), "keyStore.pem.certificateChain: is missing, and the key's text holds no "
                          "certificate either");
  store->mutable_certificate_chain()->set_text("-----BEGIN CERTIFICATE-----\n…");
  EXPECT_EQ(ErrorOf(tls), "keyStore.pem.certificateChain: is PEM that is cut short or damaged");
}

TEST_F(Stores, TextsThatAreNoStoreAreTold) {
  v1::Tls tls;
  auto* store = tls.mutable_trust_store()->mutable_jks();
  store->mutable_content()->set_text("not base64!");
  EXPECT_EQ(ErrorOf(tls), "trustStore.jks.content: is not base64");
  store->mutable_content()->set_text(Content("trust.pem"));
  EXPECT_EQ(ErrorOf(tls), "trustStore.jks.content: is PEM, not a binary store; say pem");
  store->mutable_content()->set_text("");
  EXPECT_EQ(ErrorOf(tls), "trustStore.jks.content: is empty");
  std::string lines = Base64(Content("trust.jks"));
  for (std::size_t at = 76; at < lines.size(); at += 77) lines.insert(at, 1, '\n');
  store->mutable_content()->set_text(lines + "\n");  // as base64(1) writes it
  store->mutable_password()->set_text("changeit");
  EXPECT_EQ(NamesOf(Read(tls).trust_pem).size(), 2U);
  tls.mutable_trust_store()->mutable_pem()->mutable_certificates()->set_text("nothing");
  EXPECT_EQ(ErrorOf(tls), "trustStore.pem.certificates: holds no certificate as PEM");
}

TEST_F(Stores, TheShapeIsCheckedWithoutReading) {
  const auto shape = [](const std::string& text, TlsSide side = TlsSide::kConnection) {
    return MessageOf(CheckTls(Settings(text), side));
  };
  EXPECT_EQ(shape("trust_store {}"), "trustStore: needs one of pem, jks, pkcs12");
  EXPECT_EQ(shape("trust_store { jks {} }"), "trustStore.jks: needs one of location, content");
  EXPECT_EQ(shape("key_store { pkcs12 { location: '/x' key { text: 'a' } } }"),
            "keyStore.pkcs12: takes only one of location, content, key");
  EXPECT_EQ(shape("key_store { pem {} }"), "keyStore.pem: needs one of location, key");
  EXPECT_THAT(shape("certificates {}"), StartsWith("certificates: is for listeners"));
  EXPECT_EQ(shape("", TlsSide::kListener),
            "certificates: a listener needs at least one certificate");
  EXPECT_THAT(shape("certificates {} trust_store {}", TlsSide::kListener),
              StartsWith("trustStore: is for connections"));
  EXPECT_EQ(shape("certificates {} client_certificates { mode: CLIENT_CERTIFICATE_MODE_REQUIRED }",
                  TlsSide::kListener),
            "clientCertificates.trustStore: is needed by the modes optional and required");
}

TEST_F(Stores, ReferencesAreResolvedAndUnresolvedOnesNamed) {
  v1::Tls tls = Trust("jks", "trust.jks", false, "");
  tls.mutable_trust_store()->mutable_jks()->mutable_password()->set_env("TG_STORE_ABSENT");
  const auto material = ReadTls(tls, *secrets_);
  EXPECT_EQ(ReasonOf(material.status()), "SECRET_UNRESOLVED");
  EXPECT_THAT(MessageOf(material.status()),
              AllOf(StartsWith("trustStore.jks.password: "), HasSubstr("TG_STORE_ABSENT")));
  tls.mutable_trust_store()->mutable_jks()->mutable_password()->set_file(
      Write("password", "changeit\n"));
  EXPECT_EQ(NamesOf(Read(tls).trust_pem).size(), 2U);
  tls.mutable_trust_store()->mutable_jks()->set_location("/etc/passwd");
  EXPECT_THAT(ErrorOf(tls), AllOf(StartsWith("trustStore.jks.location: "), HasSubstr("not below")));
}

TEST_F(Stores, SwitchesAndDefaults) {
  const TlsMaterial plain = Read(Settings(""));
  EXPECT_TRUE(plain.verify_hostname);
  EXPECT_FALSE(plain.trust_all);
  EXPECT_FALSE(plain.only_tls13);
  EXPECT_THAT(plain.trust_pem + plain.chain_pem + plain.key_pem, IsEmpty());
  const TlsMaterial other =
      Read(Settings("verify_hostname: false trust_all: true min_version: TLS_VERSION_TLS13"));
  EXPECT_FALSE(other.verify_hostname);
  EXPECT_TRUE(other.trust_all);
  EXPECT_TRUE(other.only_tls13);
}

TEST_F(Stores, ListenersReadSeveralCertificatesAndTrustInAnyForm) {
  v1::Tls tls;
  auto* first = tls.add_certificates();
  first->mutable_certificate_chain()->set_text(Content("client-chain.pem"));
  first->mutable_key()->set_text(Content("client-aes.key"));
  first->mutable_key_password()->set_text("keypass1");
  auto* second = tls.add_certificates();
  second->mutable_certificate_chain()->set_file(StorePath("client-chain.pem"));
  second->mutable_key()->set_file(StorePath("client.key"));
  tls.mutable_client_certificates()->set_mode(v1::CLIENT_CERTIFICATE_MODE_OPTIONAL);
  *tls.mutable_client_certificates()->mutable_trust_store() =
      Trust("jks", "trust.jks", false).trust_store();
  auto material = ReadListenerTls(tls, *secrets_);
  ASSERT_TRUE(material.ok()) << MessageOf(material.status());
  EXPECT_EQ(material->identities.size(), 2U);
  EXPECT_EQ(material->identities[0].key_pem, material->identities[1].key_pem);
  EXPECT_EQ(material->ask, ClientCertificateAsk::kOptional);
  EXPECT_EQ(NamesOf(material->client_trust_pem).size(), 2U);
  second->mutable_key()->set_file(StorePath("second.key"));
  EXPECT_EQ(MessageOf(ReadListenerTls(tls, *secrets_).status()),
            "certificates[1].certificateChain: the private key does not fit the first certificate");
}

}  // namespace
}  // namespace tidegate::config
