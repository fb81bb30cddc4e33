#include "sidecar/listener_tls.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "server/config/secrets.h"
#include "tidegate/config/v1/tls.pb.h"

namespace tidegate::sidecar {
namespace {

namespace v1 = tidegate::config::v1;

// A path under which `text` can be read: anonymous memory, never a file on disk. It stays open for
// the life of the process, as the listener does.
StatusOr<std::string> InMemory(const std::string& text) {
  const int fd = memfd_create("tidegate-tls", MFD_CLOEXEC);
  if (fd < 0) return Internal(std::string("memfd_create: ") + std::strerror(errno));
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    close(fd);
    return Internal("tls: memory could not be written");
  }
  return "/proc/self/fd/" + std::to_string(fd);
}

template <typename Source>
StatusOr<std::string> PathOf(const Source& source, const config::SecretResolver& secrets) {
  if (!source.file().empty()) {
    TG_RETURN_IF_ERROR(secrets.CheckPath(source.file()));
    return source.file();
  }
  TG_ASSIGN_OR_RETURN(std::string text, config::ValueOf(source, secrets));
  return InMemory(text);
}

Status NotBuilt(std::string_view what) {
  return WithReason(Unimplemented(std::string(what) + " of a listener is not built yet"),
                    "FEATURE_DISABLED");
}

StatusOr<std::string> TrustPath(const v1::TrustStore& store,
                                const config::SecretResolver& secrets) {
  if (!store.has_pem()) {
    return NotBuilt("clientCertificates.trustStore other than pem");
  }
  const v1::PemTrustStore& pem = store.pem();
  if (!pem.location().empty()) {
    TG_RETURN_IF_ERROR(secrets.CheckPath(pem.location()));
    return pem.location();
  }
  return PathOf(pem.certificates(), secrets);
}

}  // namespace

StatusOr<std::shared_ptr<net::TlsContext>> MakeListenerTls(
    const google::protobuf::Message& message, const config::SecretResolver& secrets) {
  const auto* tls = dynamic_cast<const v1::Tls*>(&message);
  if (tls == nullptr) return Internal("listener tls: settings of another kind");
  if (tls->certificates_size() == 0) {
    return InvalidArgument("tls.certificates: a listener needs at least one certificate");
  }
  if (tls->certificates_size() > 1) return NotBuilt("tls.certificates: more than one certificate");
  if (tls->has_key_store()) {
    return InvalidArgument(
        "tls.keyStore is for connections to others; a listener has certificates");
  }
  const v1::Certificate& certificate = tls->certificates(0);
  if (certificate.has_key_password()) return NotBuilt("tls.certificates[0].keyPassword");
  net::TlsOptions options;
  TG_ASSIGN_OR_RETURN(options.certificate_file, PathOf(certificate.certificate_chain(), secrets));
  TG_ASSIGN_OR_RETURN(options.key_file, PathOf(certificate.key(), secrets));
  const v1::ClientCertificates& clients = tls->client_certificates();
  switch (clients.mode()) {
    case v1::CLIENT_CERTIFICATE_MODE_OPTIONAL:
      options.client_certificates = net::ClientCertificates::kOptional;
      break;
    case v1::CLIENT_CERTIFICATE_MODE_REQUIRED:
      options.client_certificates = net::ClientCertificates::kRequired;
      break;
    default:
      break;
  }
  if (options.client_certificates != net::ClientCertificates::kNone) {
    TG_ASSIGN_OR_RETURN(options.client_ca_file, TrustPath(clients.trust_store(), secrets));
  }
  return net::TlsContext::Create(std::move(options));
}

}  // namespace tidegate::sidecar
