// Bearer tokens for one connector: fetched by us on a worker's loop, handed to every handle,
// fetched again before they end.
//
// The library's own refresh callback is not relied on: it is served only when a queue is polled. A
// token is fetched at the first handle and kept while handles live; failures are tried again after
// 1, 2, 4 … 30 s while an older token still serves. Between fetches nothing runs.
// Thread: see Credentials; the fetch and its timer live on one worker. Owner: Shared.
// Fails: AuthFailed when the endpoint refuses or its answer is no token; ConnectFailed, TlsFailed,
// Timeout when it is not reached; never with a secret in the text.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "connectors/kafka/client.h"
#include "connectors/kafka/oauth_token.h"
#include "server/net/tls_client.h"

namespace tidegate::kafka {

class OauthCredentials final : public Credentials,
                               public std::enable_shared_from_this<OauthCredentials> {
 public:
  // `tls` is for an https endpoint. `home` outlives the handles (factory.h: SettleKafka).
  OauthCredentials(OauthSettings settings, std::shared_ptr<net::TlsClient> tls,
                   std::shared_ptr<Monitor> monitor, net::Worker& home);
  ~OauthCredentials() override;

  Status Prepare(TimePoint deadline) override;
  Status Attach(rd_kafka_t* rk) override;
  void Detach(rd_kafka_t* rk) override;

 private:
  class Timer;

  bool Local() const;  // the token is made here
  bool Fresh() const;  // under the mutex
  void Begin();        // under the mutex; a fetch begins unless one runs
  static Task<void> Run(std::shared_ptr<OauthCredentials> self);
  Task<StatusOr<Token>> Fetch();
  void Ended(StatusOr<Token> token);  // home
  Status Give(rd_kafka_t* rk) const;  // under the mutex
  void Watch();                       // home; the timer runs from now on if it does not yet
  void OnTimer();                     // home

  const OauthSettings settings_;
  const std::shared_ptr<net::TlsClient> tls_;
  const std::shared_ptr<Monitor> monitor_;
  net::Worker& home_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<rd_kafka_t*> handles_;
  Token token_;
  std::int64_t refresh_unix_ms_ = 0;  // of token_
  Status last_;
  bool fetching_ = false;
  std::uint64_t fetches_ = 0;         // ended
  std::chrono::milliseconds pause_{1000};
  std::unique_ptr<Timer> timer_;      // home
};

}  // namespace tidegate::kafka
