// Who is it, by one plan: an authenticator reads its credential from the head and judges it.
//
// One per usable plan of an API, const, shared by all workers, held in the order of
// gravitee-behaviour §4.1 (API keys before keyless; within a kind the order of the file).
// Thread: any worker. Owner: ApiRuntime. Fails: by the Verdict; never throws, never waits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/request_head.h"
#include "server/model/api.h"
#include "server/security/key_cache.h"
#include "server/security/subscription_index.h"

namespace tidegate::security {

enum class Verdict : std::uint8_t {
  kAbsent,    // no credential of this kind: not this plan
  kRefused,   // a credential that this plan does not take
  kAccepted,
};

struct Judgement {
  Verdict verdict = Verdict::kAbsent;
  SubscriptionPtr subscription;        // accepted, unless keyless
  const model::ApiKey* key = nullptr;  // accepted by key: inside `subscription`
};

struct Evidence {
  Evidence(const http::RequestHead& request, const SubscriptionIndex* index, model::WallTime at,
           KeyCache& cache)
      : head(request), subscriptions(index), now(at), keys(cache) {}
  const http::RequestHead& head;
  const SubscriptionIndex* subscriptions = nullptr;  // may be null: none were published
  model::WallTime now;
  KeyCache& keys;
};

class Authenticator {
 public:
  explicit Authenticator(const model::Plan& plan) : plan_(plan) {}
  virtual ~Authenticator() = default;
  const model::Plan& plan() const { return plan_; }
  virtual std::string_view scheme() const = 0;  // metric label: "keyless", "api-key"
  virtual Judgement Judge(const Evidence& evidence) const = 0;
  // Value of WWW-Authenticate when nobody was accepted; empty: none.
  virtual std::string Challenge(std::string_view api) const = 0;

 private:
  const model::Plan plan_;
};

using AuthenticatorPtr = std::unique_ptr<const Authenticator>;

AuthenticatorPtr MakeKeyless(const model::Plan& plan);
AuthenticatorPtr MakeApiKey(const model::Plan& plan);

// One for every published or deprecated plan, in the order in which they are asked.
std::vector<AuthenticatorPtr> MakeAuthenticators(const std::vector<model::Plan>& plans);

// The decision for one request.
struct Decision {
  bool accepted = false;
  std::size_t index = 0;           // accepted: which authenticator
  SubscriptionPtr subscription;
  const model::ApiKey* key = nullptr;
  std::string_view reason;         // refused: a row of the error table
};

// Asks in order. Once any credential was seen, keyless is no way in.
Decision SelectPlan(const std::vector<AuthenticatorPtr>& authenticators, const Evidence& evidence);

// Every Challenge, joined by ", ".
std::string Challenges(const std::vector<AuthenticatorPtr>& authenticators, std::string_view api);

}  // namespace tidegate::security
