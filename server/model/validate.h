// What one field's rules cannot say: rules between the fields of a resource, and between resources.
//
// Each function checks the rules of config/validate.h as well, so that the offline tools, the
// definition directories and the admin services refuse the same things with the same words. Names
// must be full (config::NormalizeNames). QoS against connectors' capabilities is server/flow's.
// Thread: pure functions. Fails: by violations with paths, all at once.
#pragma once

#include <string>
#include <vector>

#include "server/config/violation.h"

namespace tidegate::config::v1 {
class Api;
class Application;
class Gateway;
class Subscription;
}  // namespace tidegate::config::v1

namespace tidegate::model {

void Validate(const config::v1::Api& api, config::Violations& violations);
void Validate(const config::v1::Application& application, config::Violations& violations);
void Validate(const config::v1::Subscription& subscription, config::Violations& violations);
void Validate(const config::v1::Gateway& gateway, config::Violations& violations);

// What is allowed and still worth a look; for `validate --strict` and warnings of `apply`.
void Lint(const config::v1::Api& api, config::Violations& warnings);

// Resources that are read together, as from files; null entries are passed over.
struct Bundle {
  std::vector<const config::v1::Api*> apis;
  std::vector<const config::v1::Application*> applications;
  std::vector<const config::v1::Subscription*> subscriptions;
};
// Rules between resources: listeners that two APIs share, subscriptions to what is not there (only
// when the bundle claims to be complete), to keyless plans, and keys that a plan does not ask for.
// `resource` of each violation names whose path it is.
void ValidateBundle(const Bundle& bundle, bool complete, config::Violations& violations);

}  // namespace tidegate::model
