// Rules between the fields of the bootstrap.
#include <map>

#include "server/base/strings.h"
#include "server/config/tls_material.h"
#include "server/config/validate.h"
#include "server/model/compile.h"
#include "server/model/validate.h"
#include "tidegate/config/v1/gateway.pb.h"

namespace tidegate::model {
namespace {

namespace v1 = config::v1;
using config::Child;
using config::Item;
using config::Violations;

std::size_t At(int index) { return static_cast<std::size_t>(index); }

class GatewayValidator {
 public:
  GatewayValidator(const v1::Gateway& gateway, Violations& violations)
      : gateway_(gateway), violations_(violations) {}

  void Run() {
    for (int i = 0; i < gateway_.http_size(); ++i) {
      const std::string path = Item("http", At(i));
      Address(gateway_.http(i).address(), Child(path, "address"));
      if (gateway_.http(i).has_tls()) ServerTls(gateway_.http(i).tls(), Child(path, "tls"));
    }
    for (int i = 0; i < gateway_.admin_size(); ++i) Admin(gateway_.admin(i), Item("admin", At(i)));
    if (gateway_.has_operations() && gateway_.operations().has_address()) {
      Address(gateway_.operations().address(), "operations.address");
    }
    if (gateway_.has_state() && gateway_.state().kind_case() == v1::StateStore::KIND_NOT_SET) {
      return;  // said by the rules of the field
    }
    for (int i = 0; i < gateway_.secrets().files_size(); ++i) {
      Absolute(gateway_.secrets().files(i), Item("secrets.files", At(i)));
    }
  }

 private:
  void Add(const std::string& path, std::string_view reason, const std::string& text) {
    violations_.push_back(config::FieldViolation(path, reason, text));
  }

  void Absolute(const std::string& file, const std::string& path) {
    if (!file.empty() && file.front() != '/') {
      Add(path, config::kInvalidField, "must be an absolute path");
    }
  }

  // No two listeners on one address; port 0 is another each time.
  void Address(const std::string& address, const std::string& path) {
    const auto parsed = ParseHostPort(address);
    if (!parsed || parsed->port == 0) return;
    const auto [at, fresh] = addresses_.emplace(address, path);
    if (!fresh) Add(path, config::kDuplicate, "is the address of " + at->second);
  }

  void Admin(const v1::AdminListener& listener, const std::string& path) {
    if (listener.place_case() == v1::AdminListener::PLACE_NOT_SET) {
      Add(path, config::kRequiredField, "must say one of unix, address");
      return;
    }
    if (listener.place_case() == v1::AdminListener::kUnix) {
      Absolute(listener.unix(), Child(path, "unix"));
      if (listener.has_tls()) {
        Add(Child(path, "tls"), config::kInvalidField, "cannot stand beside unix");
      }
      return;
    }
    Address(listener.address(), Child(path, "address"));
    if (listener.has_tls()) ServerTls(listener.tls(), Child(path, "tls"));
    if (listener.tls().min_version() == v1::TLS_VERSION_TLS13) {
      Add(Child(path, "tls.minVersion"), config::kInvalidField,
          "must be tls12 here: gRPC has no way to say otherwise");
    }
    const auto address = ParseHostPort(listener.address());
    if (!address || IsLoopback(address->host)) return;
    const v1::ClientCertificates& clients = listener.tls().client_certificates();
    if (!listener.has_tls() || clients.mode() != v1::CLIENT_CERTIFICATE_MODE_REQUIRED) {
      Add(Child(path, "tls"), config::kRequiredField,
          "an admin address that is not loopback needs tls with clientCertificates of mode "
          "required");
    }
  }

  void ServerTls(const v1::Tls& tls, const std::string& path) {
    const std::size_t before = violations_.size();
    if (tls.certificates_size() == 0) {
      Add(Child(path, "certificates"), config::kRequiredField, "must have at least one item");
    }
    const v1::ClientCertificates& clients = tls.client_certificates();
    const bool asks = clients.mode() == v1::CLIENT_CERTIFICATE_MODE_OPTIONAL ||
                      clients.mode() == v1::CLIENT_CERTIFICATE_MODE_REQUIRED;
    if (asks && !clients.has_trust_store()) {
      Add(Child(path, "clientCertificates.trustStore"), config::kRequiredField,
          "is required: it says whose certificates are believed");
    }
    const std::string text = "is for connections to others, not for a listener";
    if (tls.has_trust_store()) Add(Child(path, "trustStore"), config::kInvalidField, text);
    if (tls.has_key_store()) Add(Child(path, "keyStore"), config::kInvalidField, text);
    if (tls.has_verify_hostname()) {
      Add(Child(path, "verifyHostname"), config::kInvalidField, text);
    }
    if (tls.trust_all()) Add(Child(path, "trustAll"), config::kInvalidField, text);
    if (before != violations_.size()) return;
    // What is left to say is said as at the start of the process: "field: what is wrong".
    const std::string shape = MessageOf(config::CheckTls(tls, config::TlsSide::kListener));
    const std::size_t colon = shape.find(": ");
    if (colon == std::string::npos) return;
    Add(Child(path, shape.substr(0, colon)), config::kInvalidField, shape.substr(colon + 2));
  }

  const v1::Gateway& gateway_;
  Violations& violations_;
  std::map<std::string, std::string> addresses_;
};

}  // namespace

void Validate(const v1::Gateway& gateway, Violations& violations) {
  config::ValidateFields(gateway, violations);
  GatewayValidator(gateway, violations).Run();
}

}  // namespace tidegate::model
