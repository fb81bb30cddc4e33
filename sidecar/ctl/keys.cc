#include "sidecar/ctl/keys.h"

#include <fstream>
#include <istream>
#include <ostream>

#include <google/protobuf/util/time_util.h>

#include "server/base/codec.h"
#include "server/base/strings.h"
#include "sidecar/ctl/output.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/admin/v1/subscription_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;
using google::protobuf::util::TimeUtil;

constexpr std::size_t kKeyBytesMax = 128;  // as the gateway has it

bool ParseExpiry(const Context& context, const std::string& text,
                 google::protobuf::Timestamp& time) {
  if (const auto span = ParseTimeSpan(text); span) {
    const auto at = (context.environment.now() + *span).time_since_epoch();
    time.set_seconds(std::chrono::duration_cast<std::chrono::seconds>(at).count());
    return true;
  }
  return TimeUtil::FromString(text, &time);
}

// The key on stdout, what it is on stderr.
void ShowKey(Context& context, const admin::ApiKeySecret& secret, std::string_view done) {
  const std::string name = ShortName(secret.api_key().name());
  if (context.options.dry_run) {
    context.Say(name + " would be " + std::string(done));
    return;
  }
  if (PrintItem(context, secret.api_key().name(), secret)) return;
  if (secret.plaintext().empty()) {
    context.Say(name + " " + std::string(done));
    return;
  }
  context.Say(name + " " + std::string(done) + "; the key is shown this once:");
  context.out() << secret.plaintext() << '\n';
}

}  // namespace

int ReadChosenKey(Context& context, std::string& key) {
  const std::string& path = context.options.key_file;
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return context.Usage("--key-from: cannot read " + path);
  }
  std::istream& in = path == "-" ? context.environment.in : file;
  char block[kKeyBytesMax + 3];
  in.read(block, sizeof(block));
  key = Trim(std::string_view(block, static_cast<std::size_t>(in.gcount())));
  if (!key.empty() && key.size() <= kKeyBytesMax) return kDone;
  return context.Usage("--key-from: a key is 8 to 128 characters long");
}

int CreateKey(Context& context, const Target& target) {
  if (!target.IsOne()) return context.Usage("create needs key/API/SUBSCRIPTION/NAME");
  const Options& options = context.options;
  if (!options.sha256.empty() && !options.key_file.empty()) {
    return context.Usage("--sha256 and --key-from exclude each other");
  }
  admin::CreateApiKeyRequest request;
  request.set_parent(target.Parent());
  request.set_api_key_id(target.Id());
  request.mutable_api_key()->set_name(target.FullName());
  request.set_validate_only(options.dry_run);
  request.set_request_id(Uuid4());
  if (!options.sha256.empty()) request.mutable_api_key()->set_sha256(options.sha256);
  if (!options.key_file.empty()) {
    std::string* text = request.mutable_api_key()->mutable_key()->mutable_text();
    if (const int code = ReadChosenKey(context, *text); code != kDone) return code;
  }
  if (!options.expires.empty() &&
      !ParseExpiry(context, options.expires, *request.mutable_api_key()->mutable_expire_time())) {
    return context.Usage("--expires takes a time, as 2030-01-01T00:00:00Z, or a span, as 90d");
  }
  admin::ApiKeySecret secret;
  const int code = context.Call("SubscriptionService/CreateApiKey", "create " + target.Text(),
                                request, secret);
  if (code != kDone) return code;
  if (secret.api_key().name().empty()) secret.mutable_api_key()->set_name(target.FullName());
  ShowKey(context, secret, "created");
  return kDone;
}

int RunRotate(Context& context) {
  Target target;
  if (!context.OneTarget({Type::kKey}, target)) return kUsage;
  if (!target.IsOne()) return context.Usage("rotate needs key/API/SUBSCRIPTION/NAME");
  admin::RotateApiKeyRequest request;
  request.set_name(target.FullName());
  request.set_validate_only(context.options.dry_run);
  request.set_request_id(Uuid4());
  if (!context.options.grace.empty()) {
    const auto grace = ParseTimeSpan(context.options.grace);
    if (!grace) return context.Usage("--grace takes a time with its unit, as 0s, 30m or 2h");
    *request.mutable_grace_period() = TimeUtil::MillisecondsToDuration(grace->count());
  }
  if (!context.options.key_file.empty()) {
    const int code = ReadChosenKey(context, *request.mutable_key());
    if (code != kDone) return code;
  }
  admin::ApiKeySecret secret;
  const int code = context.Call("SubscriptionService/RotateApiKey", "rotate " + target.Text(),
                                request, secret);
  if (code != kDone) return code;
  if (secret.api_key().name().empty()) secret.mutable_api_key()->set_name(target.FullName());
  ShowKey(context, secret, "rotated");
  if (!context.options.dry_run) {
    context.Say("the old key still holds for " +
                (context.options.grace.empty() ? std::string("2h") : context.options.grace));
  }
  return kDone;
}

int RunRevoke(Context& context) {
  Target target;
  if (!context.OneTarget({Type::kKey}, target)) return kUsage;
  if (!target.IsOne()) return context.Usage("revoke needs key/API/SUBSCRIPTION/NAME");
  admin::RevokeApiKeyRequest request;
  request.set_name(target.FullName());
  request.set_validate_only(context.options.dry_run);
  tidegate::config::v1::ApiKey key;
  const int code = context.Call("SubscriptionService/RevokeApiKey", "revoke " + target.Text(),
                                request, key);
  if (code != kDone) return code;
  Done(context, request.name(), "revoked");
  return kDone;
}

}  // namespace tidegate::ctl
