// Resources as callers see them: what is kept, with what follows from the state around it.
// Secrets are redacted by the service after all (service_call.h); keys are hidden here.
// Thread: pure functions. Fails: never.
#pragma once

#include "server/admin/repository.h"

namespace tidegate::config::v1 {
class Plan;
}

namespace tidegate::admin {

// State, deployed revision, etags of plans, conditions (but ResolvedRefs and Ready, which are not
// in the state).
cfg::Api Render(const State& state, const cfg::Api& api);
// Name, type, state and times.
cfg::Api RenderBasic(const State& state, const cfg::Api& api);
cfg::Plan Render(const cfg::Api& api, const cfg::Plan& plan);
cfg::Subscription Render(const cfg::Subscription& subscription);

// Replaces credentials of keys by what may be seen of them.
void HideKeys(cfg::Subscription& subscription);
inline void HideKeys(cfg::Api&) {}
inline void HideKeys(cfg::Application&) {}

}  // namespace tidegate::admin
