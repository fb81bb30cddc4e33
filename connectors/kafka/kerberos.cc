#include "connectors/kafka/kerberos.h"

#include <algorithm>
#include <map>

#include "connectors/kafka/kerberos_tickets.h"
#include "server/base/log.h"

namespace tidegate::kafka {
namespace {

constexpr std::int64_t kMarginS = 2;  // tickets that end sooner are not begun with

std::int64_t NowUnixS() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

// Who this process is to Kerberos: by endpoint, how many connectors of it live and as whom.
class Identities {
 public:
  static Identities& Shared() {
    static auto* const shared = new Identities;
    return *shared;
  }

  bool Enter(const std::string& owner, const std::string& identity) {
    const std::lock_guard lock(mutex_);
    for (const auto& [other, entry] : entries_) {
      if (other != owner && entry.identity != identity) return false;
    }
    Entry& entry = entries_[owner];
    entry.identity = identity;
    ++entry.connectors;
    return true;
  }
  void Leave(const std::string& owner) {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(owner);
    if (at != entries_.end() && --at->second.connectors == 0) entries_.erase(at);
  }

 private:
  struct Entry {
    std::string identity;
    int connectors = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

std::string IdentityOf(const KerberosSettings& settings) {
  return settings.principal + '\n' + settings.keytab + '\n' + settings.ticket_cache;
}

}  // namespace

class KerberosCredentials::Timer final : public net::WheelTimer {
 public:
  explicit Timer(std::weak_ptr<KerberosCredentials> owner) : owner_(std::move(owner)) {}
  void OnTimer() override {
    if (const auto owner = owner_.lock()) owner->OnTimer();
  }

 private:
  std::weak_ptr<KerberosCredentials> owner_;
};

StatusOr<std::shared_ptr<KerberosCredentials>> KerberosCredentials::Make(
    KerberosSettings settings, std::string owner, std::shared_ptr<Monitor> monitor,
    net::Worker& home) {
  if (!Identities::Shared().Enter(owner, IdentityOf(settings))) {
    return WithReason(
        FailedPrecondition("security.sasl: another endpoint logs in with another Kerberos "
                           "principal or key table; a gateway process can be only one"),
        "KERBEROS_IDENTITY");
  }
  return std::make_shared<KerberosCredentials>(std::move(settings), std::move(owner),
                                               std::move(monitor), home);
}

KerberosCredentials::KerberosCredentials(KerberosSettings settings, std::string owner,
                                         std::shared_ptr<Monitor> monitor, net::Worker& home)
    : settings_(std::move(settings)), owner_(std::move(owner)), monitor_(std::move(monitor)),
      home_(home) {}

KerberosCredentials::~KerberosCredentials() {
  Identities::Shared().Leave(owner_);
  // A timer leaves its wheel on the wheel's own thread.
  if (timer_) home_.Post([timer = std::move(timer_)] {});
}

Status KerberosCredentials::Prepare(TimePoint /*deadline: libkrb5 has its own*/) {
  {
    const std::lock_guard lock(mutex_);
    if (NowUnixS() + kMarginS < expires_unix_s_) return OkStatus();
  }
  return Renew();
}

Status KerberosCredentials::Renew() {
  const auto tickets = GetTickets(settings_);
  const std::lock_guard lock(mutex_);
  const std::int64_t now = NowUnixS();
  if (!tickets.ok()) {
    renew_unix_s_ = now + std::clamp<std::int64_t>((expires_unix_s_ - now) / 4, 1, 60);
    return tickets.status();
  }
  expires_unix_s_ = tickets->ends_unix_s;
  renew_unix_s_ = now + std::max<std::int64_t>(1, (expires_unix_s_ - now) / 2);
  if (expires_unix_s_ <= now) {
    return MakeError(ErrorClass::kAuthFailed, "kerberos: the tickets have expired");
  }
  return OkStatus();
}

Status KerberosCredentials::Attach(rd_kafka_t* rk) {
  {
    const std::lock_guard lock(mutex_);
    handles_.insert(rk);
  }
  ArmTimer();
  return OkStatus();
}

void KerberosCredentials::Detach(rd_kafka_t* rk) {
  const std::lock_guard lock(mutex_);
  handles_.erase(rk);
}

std::int64_t KerberosCredentials::expires_unix_s() const {
  const std::lock_guard lock(mutex_);
  return expires_unix_s_;
}

void KerberosCredentials::ArmTimer() {
  {
    const std::lock_guard lock(mutex_);
    if (armed_) return;
    armed_ = true;
  }
  home_.Post([self = shared_from_this()] {
    if (!self->timer_) self->timer_ = std::make_unique<Timer>(self->weak_from_this());
    std::int64_t wait = 0;
    {
      const std::lock_guard lock(self->mutex_);
      wait = std::clamp<std::int64_t>(self->renew_unix_s_ - NowUnixS(), 1, 3600);
    }
    self->home_.wheel().Arm(*self->timer_, std::chrono::seconds(wait));
  });
}

void KerberosCredentials::OnTimer() {
  bool renew = false;
  {
    const std::lock_guard lock(mutex_);
    armed_ = false;
    if (handles_.empty()) return;  // the next handle asks
    renew = NowUnixS() >= renew_unix_s_;
  }
  if (!renew) {
    ArmTimer();
    return;
  }
  auto job = [self = shared_from_this()] {
    const Status status = self->Renew();
    if (!status.ok()) {
      Log(LogLevel::kWarn, "kafka.tickets_failed",
          {{"api", self->monitor_->api()}, {"endpoint", self->monitor_->endpoint()},
           {"cause", MessageOf(status)}});
    }
    self->ArmTimer();
  };
  threads_.Post(std::move(job), kCredentialsTimeout);
}

}  // namespace tidegate::kafka
