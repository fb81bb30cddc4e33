// wait: looks again and again until an API, or the gateway, is what it shall be.
#include <ostream>

#include "sidecar/ctl/output.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/admin/v1/api_service.pb.h"
#include "tidegate/admin/v1/runtime_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
namespace v1 = tidegate::config::v1;

constexpr int kNotFoundCode = 5;  // of gRPC

// One look: whether the state is there, and what stands in its way.
struct Look {
  bool done = false;
  std::string why;
};

template <typename Conditions>
std::string FirstUnmet(const Conditions& conditions) {
  for (const v1::Condition& condition : conditions) {
    if (condition.status() == v1::CONDITION_STATUS_TRUE) continue;
    std::string text = condition.type() + " is not true";
    if (!condition.reason().empty()) text += ": " + condition.reason();
    if (!condition.message().empty()) text += ", " + condition.message();
    return text;
  }
  return "";
}

Look LookAtApi(const v1::Api& api, const std::string& wanted) {
  const std::string state = WordOfEnum(v1::ApiState_Name(api.state()), "API_STATE_");
  if (wanted == "deleted") return {false, "it is still there"};
  if (wanted != "ready") return {state == wanted, "it is " + state};
  if (api.state() != v1::API_STATE_LIVE) return {false, "it is " + state + ", not live"};
  if (api.reconciling()) return {false, "the workers are still taking up a change"};
  const std::string unmet = FirstUnmet(api.conditions());
  return {unmet.empty(), unmet};
}

// Deletion ends the wait for it; before start-up is over a server is allowed to be missing.
int LookOnce(Context& context, const Target* target, const std::string& wanted, Look& look) {
  CallResult result;
  if (target == nullptr) {
    admin::Readiness readiness;
    result = context.TryCall("RuntimeService/GetReadiness", admin::GetReadinessRequest(),
                             readiness);
    if (result.unreachable) {
      look = {false, "the gateway cannot be reached: " + result.message};
      return kDone;
    }
    look = {readiness.ready(), FirstUnmet(readiness.conditions())};
    return result.ok() ? kDone : context.Report(result, "wait");
  }
  admin::GetApiRequest request;
  request.set_name(target->FullName());
  v1::Api api;
  result = context.TryCall("ApiService/GetApi", request, api);
  if (result.code == kNotFoundCode && wanted == "deleted") {
    look = {true, ""};
    return kDone;
  }
  if (!result.ok()) return context.Report(result, "wait " + target->Text());
  look = LookAtApi(api, wanted);
  return kDone;
}

}  // namespace

int RunWait(Context& context) {
  const std::string wanted =
      context.options.wait_for.empty() ? "ready" : context.options.wait_for;
  if (wanted != "ready" && wanted != "live" && wanted != "stopped" && wanted != "stored" &&
      wanted != "deleted") {
    return context.Usage("--for takes ready, live, stopped, stored or deleted");
  }
  Target target;
  const bool of_api = !context.options.arguments.empty();
  if (of_api) {
    if (!context.OneTarget({Type::kApi}, target)) return kUsage;
    if (!target.IsOne()) return context.Usage("wait needs api/NAME");
  } else if (wanted != "ready") {
    return context.Usage("the gateway as a whole can only be waited for --for ready");
  }
  const std::string name = of_api ? target.Text() : "the gateway";
  Look look;
  do {
    const int code = LookOnce(context, of_api ? &target : nullptr, wanted, look);
    if (code != kDone) return code;
    if (look.done) {
      context.out() << name << " is " << wanted << '\n';
      return kDone;
    }
  } while (context.WaitForNextLook());
  return context.TimedOut(name + " is not " + wanted + ": " +
                          (look.why.empty() ? "no reason is known" : look.why));
}

}  // namespace tidegate::ctl
