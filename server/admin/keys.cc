// API keys: only their hashes are ever kept.
#include <algorithm>
#include <map>

#include "server/admin/errors.h"
#include "server/admin/messages.h"
#include "server/admin/writing.h"
#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/config/names.h"
#include "server/config/secrets.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::admin {
namespace {

constexpr std::size_t kKeyBytesMin = 8;
constexpr std::size_t kKeyBytesMax = 128;
constexpr std::size_t kMadeKeyBytes = 24;     // of randomness: 192 bits
constexpr std::size_t kPrefixOfLongKeys = 4;  // shown, to tell keys apart …
constexpr std::size_t kLongKeyBytes = 24;     // … where that gives nothing away
constexpr char kForbidden[] = "^#%@\\/;=?|~, ";

bool IsKeyText(std::string_view text) {
  if (text.size() < kKeyBytesMin || text.size() > kKeyBytesMax) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::string_view(kForbidden).find(c) == std::string_view::npos;
  });
}

void SetHash(cfg::ApiKey& key, std::string_view text) {
  const Sha256Digest digest = Sha256(text);
  key.set_sha256(Hex(digest.data(), digest.size()));  // the oneof drops the text
  key.clear_prefix();
  if (text.size() >= kLongKeyBytes) key.set_prefix(std::string(text.substr(0, kPrefixOfLongKeys)));
}

StatusOr<std::string> TextOf(const cfg::Secret& secret, const config::SecretResolver* secrets) {
  if (secret.source_case() == cfg::Secret::kText) return secret.text();
  if (secrets == nullptr) {
    return WithReason(FailedPrecondition("references are not allowed here"),
                      config::kSecretUnresolved);
  }
  return config::ValueOf(secret, *secrets);
}

// What is printed in place of a key.
bool IsPlaceholder(const cfg::ApiKey& key) {
  return key.has_key() && key.key().set() &&
         key.key().source_case() == cfg::Secret::SOURCE_NOT_SET;
}

bool Fits(const cfg::Secret& placeholder, const cfg::ApiKey& stored) {
  return placeholder.fingerprint().empty() ||
         StartsWith(stored.sha256(), placeholder.fingerprint());
}

// What is kept of a key whose credential is the same as before.
void KeepLife(const cfg::ApiKey& stored, cfg::ApiKey& key) {
  if (key.prefix().empty()) key.set_prefix(stored.prefix());
  *key.mutable_create_time() = stored.create_time();
  key.set_revoked(stored.revoked());
  if (stored.has_revoke_time()) *key.mutable_revoke_time() = stored.revoke_time();
}

}  // namespace

void HashKey(cfg::ApiKey& key, const config::SecretResolver* secrets, std::string_view path,
             config::Violations& violations) {
  if (key.credential_case() == cfg::ApiKey::kSha256) {
    key.set_sha256(ToLower(key.sha256()));
    if (key.sha256().size() != 64 || !HexDecode(key.sha256())) {
      violations.push_back(config::FieldViolation(config::Child(path, "sha256"),
                                                  config::kInvalidField,
                                                  "must be 64 hexadecimal digits"));
    }
    return;
  }
  if (key.credential_case() != cfg::ApiKey::kKey) return;
  const auto text = TextOf(key.key(), secrets);
  if (!text.ok()) {
    const std::string reason = ReasonOf(text.status());
    violations.push_back(config::FieldViolation(
        config::Child(path, "key"), reason.empty() ? config::kSecretUnresolved : reason,
        MessageOf(text.status())));
    return;
  }
  if (!IsKeyText(*text)) {
    violations.push_back(config::FieldViolation(
        config::Child(path, "key"), config::kInvalidField,
        "must be 8 to 128 printable characters without spaces and ^#%@\\/;=?|~,"));
    return;
  }
  SetHash(key, *text);
}

std::string RotatedName(const std::string& name, const std::string& sha256) {
  constexpr std::size_t kNameMax = 54;  // with what follows the 63 bytes of a name
  const std::string local = config::LocalPart(name);
  return name.substr(0, name.size() - local.size()) + local.substr(0, kNameMax) + "-" +
         sha256.substr(0, 8);
}

std::string MakeKey(cfg::ApiKey& key) {
  const std::string text = RandomToken(kMadeKeyBytes);
  SetHash(key, text);
  return text;
}

void TakeKeys(const Change& change, const cfg::Subscription* stored, cfg::Subscription& fresh,
              const WriteOptions& options, bool make_missing, std::vector<MadeKey>& made,
              config::Violations& violations) {
  std::map<std::string, const cfg::ApiKey*> known;
  if (stored != nullptr) {
    for (const cfg::ApiKey& key : stored->api_keys()) known[key.name()] = &key;
  }
  for (int i = 0; i < fresh.api_keys_size(); ++i) {
    cfg::ApiKey& key = *fresh.mutable_api_keys(i);
    const std::string path =
        config::Item(config::Child(options.path, "apiKeys"), static_cast<std::size_t>(i));
    const auto found = known.find(key.name());
    const cfg::ApiKey* before = found == known.end() ? nullptr : found->second;
    if (found != known.end()) known.erase(found);
    const bool absent = key.credential_case() == cfg::ApiKey::CREDENTIAL_NOT_SET;
    if (IsPlaceholder(key)) {
      if (before == nullptr || !Fits(key.key(), *before)) {
        violations.push_back(config::FieldViolation(
            config::Child(path, "key"), config::kInvalidField,
            "says that a key is set, but not this one is: give key or sha256"));
        continue;
      }
      key.set_sha256(before->sha256());
    } else if (absent && before != nullptr) {
      key.set_sha256(before->sha256());
    } else if (!absent) {
      HashKey(key, options.secrets, path, violations);
    } else if (make_missing) {
      made.push_back(MadeKey{key.name(), MakeKey(key)});
    } else {
      violations.push_back(config::FieldViolation(
          path, config::kRequiredField,
          "needs key or sha256; CreateApiKey makes a key and shows it once"));
      continue;
    }
    // A file that still says the value from before a rotation does not undo it.
    const auto left = known.find(RotatedName(key.name(), key.sha256()));
    if (make_missing && before != nullptr && left != known.end() &&
        left->second->sha256() == key.sha256()) {
      key.set_sha256(before->sha256());
    }
    *key.mutable_create_time() = ToTimestamp(change.time());
    if (before != nullptr && before->sha256() == key.sha256()) KeepLife(*before, key);
    key.set_managed_by(make_missing ? cfg::MANAGED_BY_FILE : cfg::MANAGED_BY_ADMIN);
  }
  for (const auto& [name, key] : known) {
    if (options.keep_missing || key->managed_by() != cfg::MANAGED_BY_FILE) {
      *fresh.add_api_keys() = *key;
    }
  }
}

void HideKey(cfg::ApiKey& key) {
  if (key.credential_case() != cfg::ApiKey::kSha256) return;
  const std::string fingerprint = key.sha256().substr(0, 8);
  key.mutable_key()->set_set(true);
  key.mutable_key()->set_fingerprint(fingerprint);
}

Status CheckKeysUnique(const Change& change, const cfg::Subscription& subscription) {
  std::map<std::string, std::string> own;
  for (const cfg::ApiKey& key : subscription.api_keys()) {
    if (key.sha256().empty()) continue;
    if (!own.emplace(key.sha256(), key.name()).second) {
      return ResourceExists("tidegate.config.v1.ApiKey", key.name(),
                            "another key of the subscription has the same value");
    }
  }
  if (own.empty()) return OkStatus();
  for (const auto& [name, other] : change.now().subscriptions) {
    if (name == subscription.name()) continue;
    if (other->api() != subscription.api() &&
        other->application() == subscription.application()) {
      continue;
    }
    for (const cfg::ApiKey& key : other->api_keys()) {
      const auto found = own.find(key.sha256());
      if (found == own.end()) continue;
      return ResourceExists("tidegate.config.v1.ApiKey", found->second,
                            "the same value is a key of another subscription");
    }
  }
  return OkStatus();
}

}  // namespace tidegate::admin
