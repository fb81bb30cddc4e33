// What is said when a call failed: what was tried, why it failed, at which server, what to do next.
#include <ostream>

#include "server/base/strings.h"
#include "sidecar/ctl/context.h"
#include "sidecar/ctl/source_map.h"
#include "sidecar/ctl/style.h"

namespace tidegate::ctl {
namespace {

// The integers of grpc::StatusCode.
enum Code {
  kCancelled = 1,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFoundCode = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kAborted = 10,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kUnauthenticated = 16,
};

ExitCode ExitOf(const CallResult& result) {
  switch (result.code) {
    case kDeadlineExceeded: return kTimedOut;
    case kNotFoundCode: return kNotFound;
    case kAborted: return kConflict;
    case kUnavailable: return kUnreachable;
    default: return kRefused;
  }
}

std::string Metadata(const CallResult& result, const std::string& key) {
  const auto found = result.metadata.find(key);
  return found == result.metadata.end() ? "" : found->second;
}

// What to do next, by the reason of the refusal.
std::string HintOfReason(const CallResult& result) {
  if (result.reason == "ETAG_MISMATCH") {
    return "somebody changed it meanwhile: read it again with tidegatectl get, then repeat";
  }
  if (result.reason == "MANAGED_ELSEWHERE") {
    const std::string owner = Metadata(result, "owner");
    return "change it where it is kept" + (owner.empty() ? "" : " (" + owner + ")") +
           ", or take it over with --force";
  }
  if (result.reason == "HAS_CHILDREN") return "delete what belongs to it first, or use --force";
  if (result.reason == "SECRET_UNRESOLVED") {
    return "secrets are looked up by the gateway: set the variable or file where it runs";
  }
  if (result.reason == "RESOURCE_EXISTS") {
    return "tidegatectl apply changes what exists; tidegatectl edit changes it by hand";
  }
  if (result.reason == "STARTING" || result.reason == "DRAINING") {
    return "repeat when tidegatectl wait --for ready has ended";
  }
  return "";
}

std::string HintOfCode(const CallResult& result, const ServerAddress* address) {
  if (result.unreachable) {
    return "is tidegate serve running there? Name another with --server or TIDEGATE_SERVER";
  }
  switch (result.code) {
    case kDeadlineExceeded:
      return "it may still happen: look before you repeat; --timeout waits longer";
    case kNotFoundCode:
      return "tidegatectl get apis (or plans, subscriptions, …) lists what is there";
    case kUnauthenticated: return "say who you are with --token, or --cert and --key";
    case kUnimplemented: return "compare the versions: tidegatectl version";
    case kUnavailable:
      if (address == nullptr || address->is_unix) return "";
      return "if the server speaks TLS, name its --ca";
    default: return "";
  }
}

std::string_view Kind(const CallResult& result) {
  if (result.unreachable) return "cannot reach the gateway";
  switch (result.code) {
    case kDeadlineExceeded: return "timed out";
    case kNotFoundCode: return "not found";
    case kAborted: return "conflict";
    case kUnavailable: return "the gateway cannot serve this now";
    case kPermissionDenied: return "not allowed";
    case kUnauthenticated: return "not authenticated";
    case kUnimplemented: return "the gateway does not know this call";
    case kInternal: return "the gateway failed";
    default: return "refused";
  }
}

}  // namespace

int Context::Report(const CallResult& result, std::string_view what) {
  const bool colour = UsesColour(environment, environment.err_is_tty);
  std::string line = Paint(colour, Colour::kRed, "error:") + " " + std::string(what) + ": " +
                     std::string(Kind(result));
  // One violation of a resource as a whole is said in the same line; others stand below, where the
  // message would only repeat them.
  const bool in_line = sources == nullptr && result.violations.size() == 1 &&
                       ShortName(result.violations[0].field) != result.violations[0].field;
  if (in_line) {
    line += ": " + ShortName(result.violations[0].field) + ": " +
            Printable(result.violations[0].text);
  } else if (result.violations.empty() && !result.message.empty() &&
             result.code != kDeadlineExceeded) {
    line += ": " + Printable(result.message);
  }
  if (result.code == kDeadlineExceeded) {
    const auto seconds = std::to_string(timeout().count() / 1000) + "s";
    line += " after " + (options.timeout_text.empty() ? seconds : options.timeout_text);
  }
  err() << line << '\n';
  for (const CallViolation& violation : result.violations) {
    if (in_line) break;
    std::string text = violation.field.empty() ? "" : violation.field + ": ";
    text += violation.text;
    if (sources != nullptr) text = config::ToText(sources->Locate(violation, result.resource));
    err() << "  " << Printable(text) << '\n';
  }
  if (Metadata(result, "truncated") == "true") {
    err() << "  … and more (" << Metadata(result, "violation_count")
          << " in all); tidegatectl validate shows every one\n";
  }
  if (!result.reason.empty()) err() << "  reason: " << Printable(result.reason) << '\n';
  err() << "  server: " << ServerText() << '\n';
  std::string hint = HintOfReason(result);
  if (hint.empty()) hint = HintOfCode(result, client_ ? &client_->address() : nullptr);
  if (!hint.empty()) err() << "  next: " << hint << '\n';
  return ExitOf(result);
}

}  // namespace tidegate::ctl
