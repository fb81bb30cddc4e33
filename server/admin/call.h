// What a running call knows of itself: who calls, until when, and what the audit line will say.
// Thread: the call's. Owner: the service that received it. Fails: never.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace tidegate::config {
class SecretResolver;
}

namespace tidegate::admin {

// The method of calls that the process makes for its definition directories.
inline constexpr std::string_view kApplyDefinitions = "ApplyDefinitions";

struct Audit {
  std::string resource;
  std::string etag_before;
  std::string etag_after;
};

struct Call {
  using TimePoint = std::chrono::steady_clock::time_point;

  Call() = default;
  explicit Call(std::string_view method_,
                std::chrono::milliseconds limit = std::chrono::seconds(30))
      : method(method_), deadline(std::chrono::steady_clock::now() + limit) {}

  std::string principal = "process";  // "unix", an address, or the name in a certificate
  std::string method;                 // "ApiService/CreateApi"
  TimePoint deadline = TimePoint::max();
  // What references in keys and definitions may reach, by where the call came from. Null: those in
  // keys nothing, those in definitions are left to the assembler.
  const config::SecretResolver* secrets = nullptr;
  Audit audit;
};

}  // namespace tidegate::admin
