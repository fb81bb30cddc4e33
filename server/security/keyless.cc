#include "server/security/authenticator.h"

namespace tidegate::security {
namespace {

class Keyless final : public Authenticator {
 public:
  using Authenticator::Authenticator;
  std::string_view scheme() const override { return "keyless"; }
  Judgement Judge(const Evidence&) const override {
    Judgement judgement;
    judgement.verdict = Verdict::kAccepted;
    return judgement;
  }
  std::string Challenge(std::string_view) const override { return {}; }
};

}  // namespace

AuthenticatorPtr MakeKeyless(const model::Plan& plan) {
  return std::make_unique<const Keyless>(plan);
}

}  // namespace tidegate::security
