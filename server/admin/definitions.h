// What admin asks of the configuration language, in one place: checking, compiling, references.
// Thread: pure functions. Fails: by violations, whose paths begin with `path`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/admin/repository.h"
#include "server/config/violation.h"

namespace google::protobuf {
class Message;
}

namespace tidegate::admin {

// Makes names full and drops what only the gateway sets; the first thing done with what comes in.
void Normalize(google::protobuf::Message& resource, std::string_view path,
               config::Violations& violations);

// Checks every rule of the protos and of the model. The resource is as it will be stored.
void Check(const cfg::Api& api, std::string_view path, config::Violations& violations);
void Check(const cfg::Application& application, std::string_view path,
           config::Violations& violations);
void Check(const cfg::Subscription& subscription, std::string_view path,
           config::Violations& violations);

// Null when there are violations. `tenant` is the gateway's.
model::ApiPtr Compile(const cfg::Api& snapshot, std::uint64_t revision, bool stopped,
                      const std::string& tenant, std::string_view path,
                      config::Violations& violations);
// What is allowed and still worth a look, as texts.
std::vector<std::string> Warnings(const cfg::Api& api);
model::Subscription Compile(const cfg::Subscription& subscription);

// Gives secrets that say only `set` what is stored (null: nothing is); one that has no counterpart
// is a violation.
void KeepSecrets(const google::protobuf::Message* stored, google::protobuf::Message& fresh,
                 std::string_view path, config::Violations& violations);

}  // namespace tidegate::admin
