#include "connectors/kafka/oauth.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>

#include "server/base/codec.h"
#include "server/base/log.h"
#include "server/base/unix_time.h"
#include "server/http/client.h"

namespace tidegate::kafka {
namespace {

constexpr auto kPauseFirst = std::chrono::seconds(1);
constexpr auto kPauseMax = std::chrono::seconds(30);
constexpr std::int64_t kMarginMs = 1000;  // a token that ends sooner is not begun with

// Clocks are set and tokens may live for years: looked at again after an hour.
std::chrono::milliseconds UntilRefresh(std::int64_t at_unix_ms) {
  const std::int64_t wait = std::clamp<std::int64_t>(at_unix_ms - UnixMs(), 200, 3'600'000);
  return std::chrono::milliseconds(wait);
}

http::ClientRequest TokenRequest(const OauthSettings& settings, http::Url url) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = std::move(url);
  const std::string who =
      http::FormEncode(settings.client_id) + ":" + http::FormEncode(settings.client_secret);
  request.headers.emplace_back("Authorization", "Basic " + Base64(who));
  request.headers.emplace_back("Accept", "application/json");
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  request.body = "grant_type=client_credentials";
  if (!settings.scope.empty()) request.body += "&scope=" + http::FormEncode(settings.scope);
  return request;
}

}  // namespace

class OauthCredentials::Timer final : public net::WheelTimer {
 public:
  explicit Timer(std::weak_ptr<OauthCredentials> owner) : owner_(std::move(owner)) {}
  void OnTimer() override {
    if (const auto owner = owner_.lock()) owner->OnTimer();
  }

 private:
  std::weak_ptr<OauthCredentials> owner_;
};

OauthCredentials::OauthCredentials(OauthSettings settings, std::shared_ptr<net::TlsClient> tls,
                                   std::shared_ptr<Monitor> monitor, net::Worker& home)
    : settings_(std::move(settings)), tls_(std::move(tls)), monitor_(std::move(monitor)),
      home_(home) {}

OauthCredentials::~OauthCredentials() {
  // A timer leaves its wheel on the wheel's own thread.
  if (timer_) home_.Post([timer = std::move(timer_)] {});
}

bool OauthCredentials::Local() const { return settings_.token_endpoint.empty(); }

bool OauthCredentials::Fresh() const {
  return !token_.value.empty() && token_.expires_unix_ms - UnixMs() > kMarginMs;
}

Status OauthCredentials::Prepare(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  if (Fresh()) return OkStatus();
  Begin();
  const std::uint64_t seen = fetches_;
  if (!changed_.wait_until(lock, deadline, [&] { return fetches_ != seen; })) {
    return MakeError(ErrorClass::kTimeout, "kafka token: the token endpoint has not answered");
  }
  return Fresh() ? OkStatus() : last_;
}

Status OauthCredentials::Attach(rd_kafka_t* rk) {
  std::lock_guard lock(mutex_);
  TG_RETURN_IF_ERROR(Give(rk));
  handles_.push_back(rk);
  // While nobody had the token nobody renewed it, and what is left of it may be little.
  if (handles_.size() == 1) {
    home_.Post([self = shared_from_this()] { self->Watch(); });
  }
  return OkStatus();
}

void OauthCredentials::Detach(rd_kafka_t* rk) {
  std::lock_guard lock(mutex_);
  std::erase(handles_, rk);
}

Status OauthCredentials::Give(rd_kafka_t* rk) const {
  std::vector<const char*> extensions;
  for (const auto& [name, value] : settings_.extensions) {
    extensions.push_back(name.c_str());
    extensions.push_back(value.c_str());
  }
  std::array<char, 256> text{};
  const rd_kafka_resp_err_t code = rd_kafka_oauthbearer_set_token(
      rk, token_.value.c_str(), token_.expires_unix_ms, token_.principal.c_str(),
      extensions.data(), extensions.size(), text.data(), text.size());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return OkStatus();
  return MakeError(ErrorClass::kAuthFailed, "kafka token: the library refuses it or an extension");
}

void OauthCredentials::Begin() {
  if (fetching_) return;
  fetching_ = true;
  home_.Post([self = shared_from_this()] {
    self->home_.Spawn("kafka.token", Run(self));
  });
}

Task<void> OauthCredentials::Run(std::shared_ptr<OauthCredentials> self) {
  if (self->timer_) self->timer_->Cancel();
  StatusOr<Token> token = co_await self->Fetch();
  self->Ended(std::move(token));
}

Task<StatusOr<Token>> OauthCredentials::Fetch() {
  if (!settings_.access_token.empty()) co_return TokenOfText(settings_.access_token, UnixMs());
  if (Local()) co_return UnsecuredToken(settings_, UnixMs());
  auto url = http::ParseUrl(settings_.token_endpoint);
  if (!url.ok()) {
    co_return MakeError(ErrorClass::kConfigInvalid, "kafka token: " + MessageOf(url.status()));
  }
  http::ClientOptions options;
  options.connect_timeout = settings_.connect_timeout;
  options.read_timeout = settings_.read_timeout;
  options.request_timeout = settings_.request_timeout;
  options.limits.body_bytes = 2 * kTokenBytesMax;
  options.tls = tls_;
  http::ClientRequest request = TokenRequest(settings_, std::move(*url));
  auto answer = co_await http::Fetch(home_, std::move(options), std::move(request));
  if (!answer.ok()) {
    co_return MakeError(ClassOf(answer.status()),
                        "kafka token: " + MessageOf(answer.status()));
  }
  co_return TokenOfAnswer(answer->status, answer->body, settings_.client_id, UnixMs());
}

void OauthCredentials::Ended(StatusOr<Token> token) {
  std::chrono::milliseconds next{0};
  {
    std::lock_guard lock(mutex_);
    fetching_ = false;
    ++fetches_;
    last_ = token.status();
    if (token.ok()) {
      token_ = std::move(*token);
      pause_ = kPauseFirst;
      refresh_unix_ms_ = RefreshAt(token_, UnixMs());
      next = UntilRefresh(refresh_unix_ms_);
      for (rd_kafka_t* rk : handles_) {
        const Status given = Give(rk);
        if (!given.ok()) last_ = given;
      }
    } else {
      next = pause_;
      pause_ = std::min<std::chrono::milliseconds>(2 * pause_, kPauseMax);
    }
    changed_.notify_all();
  }
  if (!last_.ok()) {
    Log(LogLevel::kWarn, "kafka.token_failed",
        {{"api", monitor_->api()}, {"endpoint", monitor_->endpoint()},
         {"cause", MessageOf(last_)}});
  }
  if (!timer_) timer_ = std::make_unique<Timer>(weak_from_this());
  home_.wheel().Arm(*timer_, next);
}

void OauthCredentials::Watch() {
  if (timer_ && !timer_->armed()) OnTimer();
}

void OauthCredentials::OnTimer() {
  std::lock_guard lock(mutex_);
  // Nobody to give it to: the next handle asks, or goes on from here.
  if (handles_.empty()) return;
  if (last_.ok() && UnixMs() < refresh_unix_ms_) {
    home_.wheel().Arm(*timer_, UntilRefresh(refresh_unix_ms_));
    return;
  }
  Begin();
}

}  // namespace tidegate::kafka
