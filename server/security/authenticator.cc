#include "server/security/authenticator.h"

#include <algorithm>

namespace tidegate::security {
namespace {

int OrderOf(model::Security security) {
  switch (security) {
    case model::Security::kApiKey: return 500;
    case model::Security::kKeyless: return 1000;
  }
  return 1000;
}

}  // namespace

std::vector<AuthenticatorPtr> MakeAuthenticators(const std::vector<model::Plan>& plans) {
  std::vector<AuthenticatorPtr> out;
  for (const model::Plan& plan : plans) {
    if (plan.stage != model::PlanStage::kPublished &&
        plan.stage != model::PlanStage::kDeprecated) {
      continue;
    }
    switch (plan.security) {
      case model::Security::kKeyless: out.push_back(MakeKeyless(plan)); break;
      case model::Security::kApiKey: out.push_back(MakeApiKey(plan)); break;
    }
  }
  const auto before = [](const AuthenticatorPtr& a, const AuthenticatorPtr& b) {
    return OrderOf(a->plan().security) < OrderOf(b->plan().security);
  };
  std::stable_sort(out.begin(), out.end(), before);
  return out;
}

Decision SelectPlan(const std::vector<AuthenticatorPtr>& authenticators, const Evidence& evidence) {
  Decision decision;
  bool key_plan = false;
  bool refused = false;
  for (std::size_t i = 0; i < authenticators.size(); ++i) {
    const AuthenticatorPtr& authenticator = authenticators[i];
    const bool keyless = authenticator->plan().security == model::Security::kKeyless;
    if (keyless && refused) break;
    key_plan = key_plan || !keyless;
    Judgement judgement = authenticator->Judge(evidence);
    if (judgement.verdict == Verdict::kAccepted) {
      decision.accepted = true;
      decision.index = i;
      decision.subscription = std::move(judgement.subscription);
      decision.key = judgement.key;
      return decision;
    }
    if (judgement.verdict == Verdict::kRefused) refused = true;
  }
  decision.reason = refused    ? "API_KEY_INVALID"
                    : key_plan ? "API_KEY_MISSING"
                               : "GATEWAY_PLAN_UNRESOLVABLE";
  return decision;
}

std::string Challenges(const std::vector<AuthenticatorPtr>& authenticators, std::string_view api) {
  std::string out;
  for (const AuthenticatorPtr& authenticator : authenticators) {
    const std::string challenge = authenticator->Challenge(api);
    if (challenge.empty() || out.find(challenge) != std::string::npos) continue;
    if (!out.empty()) out += ", ";
    out += challenge;
  }
  return out;
}

}  // namespace tidegate::security
