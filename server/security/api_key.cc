#include <optional>

#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/security/authenticator.h"

namespace tidegate::security {
namespace {

// The credential as sent. `bad`: it is there but cannot be one key (empty, two that differ, too
// long, malformed escape): refused without a look-up, and never taken for "no credential".
struct Sent {
  bool present = false;
  bool bad = false;
  std::string_view key;
  std::optional<std::string> decoded;  // owns `key` when it came from the query
};

// Cheap test before the query is decoded: percent-encoded names are found by Query itself.
bool MayHold(std::string_view query, std::string_view name) {
  return query.find(name) != std::string_view::npos || query.find('%') != std::string_view::npos;
}

class ApiKeyAuthenticator final : public Authenticator {
 public:
  using Authenticator::Authenticator;
  std::string_view scheme() const override { return "api-key"; }

  Judgement Judge(const Evidence& evidence) const override {
    Judgement judgement;
    Sent sent;
    Read(evidence.head, sent);
    if (!sent.present) return judgement;
    judgement.verdict = Verdict::kRefused;
    if (sent.bad || evidence.subscriptions == nullptr) return judgement;
    const Sha256Digest digest = evidence.keys.Digest(sent.key);
    SubscriptionIndex::Found found =
        evidence.subscriptions->FindKey(plan().name, digest, evidence.now);
    if (!found.subscription) return judgement;
    if (ValidityOf(*found.subscription, evidence.now) != Validity::kValid) return judgement;
    if (ValidityOf(*found.key, evidence.now) != Validity::kValid) return judgement;
    judgement.verdict = Verdict::kAccepted;
    judgement.subscription = std::move(found.subscription);
    judgement.key = found.key;
    return judgement;
  }

  std::string Challenge(std::string_view api) const override {
    std::string out = "ApiKey realm=\"" + std::string(api) + "\"";
    if (!plan().key_header.empty()) out += ", header=\"" + plan().key_header + "\"";
    return out;
  }

 private:
  void Read(const http::RequestHead& head, Sent& sent) const {
    if (!plan().key_header.empty()) {
      for (const http::HeaderView& header : head.headers) {
        if (!EqualsIgnoreCase(header.name, plan().key_header)) continue;
        Take(header.value, sent);
      }
    }
    if (!plan().key_query.empty() && MayHold(head.query, plan().key_query)) {
      bool malformed = false;
      std::optional<std::string> value = head.Query(plan().key_query, &malformed);
      if (malformed) {
        sent.present = true;
        sent.bad = true;
      } else if (value) {
        if (sent.present && sent.key != *value) sent.bad = true;
        if (!sent.present) {
          sent.decoded = std::move(value);
          Take(*sent.decoded, sent);
        }
      }
    }
  }

  static void Take(std::string_view value, Sent& sent) {
    if (value.empty() || value.size() > kApiKeyBytesMax) sent.bad = true;
    if (sent.present && sent.key != value) sent.bad = true;
    sent.present = true;
    sent.key = value;
  }
};

}  // namespace

AuthenticatorPtr MakeApiKey(const model::Plan& plan) {
  return std::make_unique<const ApiKeyAuthenticator>(plan);
}

}  // namespace tidegate::security
