// Kerberos tickets for GSSAPI, got by us from a key table and renewed before they end.
//
// The library would run `kinit` through a shell with our texts in it; that is switched off. Its
// SASL module looks for tickets in the process's default cache, so this connector makes that one a
// cache in memory before any thread runs, and one process can be one principal at a time: an
// endpoint that names another is refused at deploy, unless it is the same endpoint, changed.
// Where a JAAS text names a ticket cache that somebody else fills, its tickets are copied instead.
// Realms and KDCs are those of krb5.conf (KRB5_CONFIG).
// Thread: see Credentials; KDCs are asked on the control thread. Owner: Shared.
// Fails: AuthFailed (unknown principal, wrong key, clock), ConnectFailed (no KDC), ConfigInvalid
// (key table, cache); texts name the principal and libkrb5's cause.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "connectors/kafka/client.h"
#include "connectors/kafka/security.h"

namespace tidegate::kafka {

class KerberosCredentials final : public Credentials,
                                  public std::enable_shared_from_this<KerberosCredentials> {
 public:
  // `owner` is the endpoint. Fails FailedPrecondition when another endpoint is another principal.
  static StatusOr<std::shared_ptr<KerberosCredentials>> Make(KerberosSettings settings,
                                                             std::string owner,
                                                             std::shared_ptr<Monitor> monitor,
                                                             net::Worker& home);
  KerberosCredentials(KerberosSettings settings, std::string owner,
                      std::shared_ptr<Monitor> monitor, net::Worker& home);
  ~KerberosCredentials() override;

  Status Prepare(TimePoint deadline) override;
  Status Attach(rd_kafka_t* rk) override;
  void Detach(rd_kafka_t* rk) override;

  // When the tickets end (seconds since 1970); 0: there are none. Any thread.
  std::int64_t expires_unix_s() const;

 private:
  class Timer;

  Status Renew();   // (control)
  void ArmTimer();  // any thread
  void OnTimer();   // home

  const KerberosSettings settings_;
  const std::string owner_;
  const std::shared_ptr<Monitor> monitor_;
  net::Worker& home_;
  ClientThread& threads_ = ClientThread::Shared();
  mutable std::mutex mutex_;
  std::set<rd_kafka_t*> handles_;
  std::int64_t expires_unix_s_ = 0;
  std::int64_t renew_unix_s_ = 0;
  bool armed_ = false;
  std::unique_ptr<Timer> timer_;  // home
};

}  // namespace tidegate::kafka
