#include "server/flow/data_plane.h"

#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "server/base/log.h"
#include "server/flow/assembler.h"
#include "server/flow/mediator.h"

namespace tidegate::flow {
namespace {

constexpr auto kTestLimit = std::chrono::seconds(12);   // a connector's own limit is 10 s
constexpr auto kListLimit = std::chrono::seconds(2);
constexpr auto kScrapeLimit = std::chrono::milliseconds(250);  // a scrape shows what it can
constexpr auto kRemovedDrain = std::chrono::seconds(30);
constexpr auto kRemovedPoll = std::chrono::milliseconds(500);
constexpr auto kRemovedUseMax = std::chrono::hours(1);  // old credentials end some time

// Its broker refuses it, and it will not get better by itself.
bool Refused(const connectors::Health& health) {
  if (health.state == connectors::HealthState::kReady) return false;
  switch (health.last_error) {
    case ErrorClass::kAuthFailed:
    case ErrorClass::kTlsFailed:
    case ErrorClass::kNotAuthorized:
    case ErrorClass::kFatal: return true;
    default: return false;
  }
}

// Closes a connector that no snapshot has any more, once its streams had time to leave. Streams
// that were not told to go (only a secret has changed) go on over it while the broker lets it;
// then, or after kRemovedUseMax, they are told to come back and find the new one.
Task<void> DrainRemoved(ReaderHub& hub, connectors::ConnectorPtr connector,
                        std::chrono::milliseconds notice, net::Worker& worker) {
  co_await worker.wheel().Sleep(notice);
  const TimePoint last = Clock::now() + kRemovedUseMax;
  while (connector.use_count() > 1) {  // its readers hold it
    if (Refused(connector->health()) || Clock::now() >= last) {
      hub.EndReadersOf(*connector);
      break;
    }
    co_await worker.wheel().Sleep(kRemovedPoll);
  }
  const TimePoint deadline = Clock::now() + kRemovedDrain;
  co_await connector->Drain(deadline, worker);
}

Task<void> RunTest(connectors::ConnectorPtr connector, net::Worker& worker,
                   std::shared_ptr<std::promise<std::vector<connectors::TestStage>>> result) {
  std::vector<connectors::TestStage> stages = co_await connector->Test(worker);
  result->set_value(std::move(stages));
}

class DataPlaneImpl final : public DataPlane {
 public:
  DataPlaneImpl(net::WorkerPool& workers, DataPlaneOptions options)
      : workers_(workers),
        options_(std::move(options)),
        caps_(options_.streams_per_subscription, options_.streams_per_address),
        hub_(MakeReaderHub(workers)),
        assembler_(options_, workers),
        mediator_(services_, states_) {
    services_.hub = hub_.get();
    services_.access_log = options_.access_log;
    services_.request_timeout = options_.request_timeout;
    services_.drain_notice = options_.drain_notice;
    services_.body_bytes_max = options_.body_bytes_max;
    services_.caps = &caps_;
    services_.consumer_buffer_bytes = options_.consumer_buffer_bytes;
    services_.shed = MakeShedMetrics();
    services_.unrouted = MakeEntrypointMetrics("none", "none");
    for (std::size_t i = 0; i < workers.size(); ++i) {
      states_.push_back(std::make_shared<WorkerState>(workers.at(i), services_));
    }
  }

  http::Handler& handler() override { return mediator_; }

  StatusOr<std::shared_ptr<const Snapshot>> Assemble(
      const std::vector<model::ApiPtr>& apis, std::vector<AssembleProblem>& problems) override {
    const std::shared_ptr<const Snapshot> previous = Current();
    auto made = assembler_.Assemble(apis, previous.get(), problems);
    if (!made.ok()) return made.status();
    return std::shared_ptr<const Snapshot>(std::move(*made));
  }

  Status Publish(std::shared_ptr<const Snapshot> snapshot,
                 std::chrono::milliseconds limit) override {
    std::shared_ptr<const Snapshot> previous;
    {
      const std::lock_guard lock(mutex_);
      previous = std::exchange(current_, snapshot);
      ++generation_;
    }
    const bool done = OnAllWorkers(
        [this, snapshot](net::Worker& worker) { states_[worker.index()]->SetSnapshot(snapshot); },
        limit);
    if (previous) DrainWhatWent(*previous, *snapshot);
    return done ? OkStatus() : DeadlineExceeded("publish snapshot: a worker did not confirm");
  }

  std::uint64_t generation() const override { return generation_; }

  StatusOr<std::size_t> RefreshSecrets(std::chrono::milliseconds limit,
                                       std::vector<AssembleProblem>& kept) override {
    const std::shared_ptr<const Snapshot> previous = Current();
    if (!previous) return std::size_t{0};
    std::vector<model::ApiPtr> apis;
    for (const auto& runtime : previous->apis) apis.push_back(runtime->api);
    std::vector<AssembleProblem> problems;
    TG_ASSIGN_OR_RETURN(const std::shared_ptr<const Snapshot> snapshot, Assemble(apis, problems));
    kept = snapshot->kept;
    std::size_t changed = 0;
    for (std::size_t i = 0; i < snapshot->apis.size(); ++i) {
      if (snapshot->apis[i] != previous->apis[i]) ++changed;
    }
    if (changed == 0) return changed;
    TG_RETURN_IF_ERROR(Publish(snapshot, limit));
    return changed;
  }

  Status PublishSubscriptions(const std::string& api,
                              std::vector<model::Subscription> subscriptions,
                              std::chrono::milliseconds limit) override {
    security::SubscriptionIndexPtr index;
    {
      const std::lock_guard lock(mutex_);
      security::SubscriptionIndexPtr& known = subscriptions_[api];
      known = security::SubscriptionIndex::Build(std::move(subscriptions), known.get());
      index = known;
      if (known->size() == 0) subscriptions_.erase(api);
    }
    const bool done = OnAllWorkers(
        [this, api, index](net::Worker& worker) {
          states_[worker.index()]->SetSubscriptions(api, index);
        },
        limit);
    return done ? OkStatus() : DeadlineExceeded("publish subscriptions: a worker did not confirm");
  }

  std::vector<ConnectionInfo> Connections(std::size_t max) override {
    auto lists = std::make_shared<std::vector<std::vector<ConnectionInfo>>>(workers_.size());
    const bool done = OnAllWorkers(
        [this, lists, max](net::Worker& worker) {
          states_[worker.index()]->streams().List(max, (*lists)[worker.index()]);
        },
        kListLimit);
    std::vector<ConnectionInfo> out;
    if (!done) return out;  // a stuck worker may still write its list
    for (std::vector<ConnectionInfo>& list : *lists) {
      for (ConnectionInfo& info : list) {
        if (out.size() < max) out.push_back(std::move(info));
      }
    }
    return out;
  }

  bool CloseConnection(const std::string& id) override {
    auto found = std::make_shared<std::atomic<bool>>(false);
    OnAllWorkers(
        [this, id, found](net::Worker& worker) {
          if (states_[worker.index()]->streams().Close(id)) found->store(true);
        },
        kListLimit);
    return found->load();
  }

  std::vector<EndpointHealth> Endpoints() override {
    std::vector<EndpointHealth> out;
    const std::shared_ptr<const Snapshot> snapshot = Current();
    if (!snapshot) return out;
    for (const auto& runtime : snapshot->apis) {
      for (const EndpointRuntime& endpoint : runtime->endpoints) {
        EndpointHealth health;
        health.api = runtime->api->name;
        health.endpoint = endpoint.name;
        health.kind = endpoint.kind;
        health.health = endpoint.connector->health();
        health.lag = endpoint.connector->lag();
        out.push_back(std::move(health));
      }
    }
    return out;
  }

  StatusOr<std::vector<connectors::TestStage>> TestEndpoint(const std::string& api,
                                                            const std::string& endpoint) override {
    const std::shared_ptr<const Snapshot> snapshot = Current();
    const ApiRuntime* runtime = snapshot ? snapshot->FindApi(api) : nullptr;
    if (runtime != nullptr) {
      for (const EndpointRuntime& entry : runtime->endpoints) {
        if (entry.name == endpoint) return Test(entry.connector);
      }
    }
    return NotFound("test endpoint: API " + api + " has no deployed endpoint " + endpoint);
  }

  ReaderStats readers() const override { return hub_->stats(); }

  std::map<std::string, Backlog> Backlogs() override {
    auto parts = std::make_shared<std::vector<std::map<std::string, Backlog>>>(workers_.size());
    const bool done = OnAllWorkers(
        [this, parts](net::Worker& worker) {
          states_[worker.index()]->streams().SumBacklogs((*parts)[worker.index()]);
        },
        kScrapeLimit);
    std::map<std::string, Backlog> out;
    if (!done) return out;  // a stuck worker may still write its part
    for (const std::map<std::string, Backlog>& part : *parts) {
      for (const auto& [api, one] : part) {
        Backlog& sum = out[api];
        sum.messages += one.messages;
        sum.bytes += one.bytes;
        sum.paused += one.paused;
      }
    }
    return out;
  }

  void StartDrain() override { services_.draining = true; }
  void CancelDrain() override {
    services_.draining = false;
    workers_.PostAll([this](net::Worker& worker) {
      states_[worker.index()]->KeepStreams();
    });
  }
  bool draining() const override { return services_.draining; }

  void EndStreams() override {
    workers_.PostAll([this](net::Worker& worker) {
      states_[worker.index()]->streams().StopSpread(worker.wheel(), options_.drain_notice);
    });
  }

  // Counts on the workers, so it runs behind what EndStreams has posted.
  std::size_t WaitForStreams(std::chrono::milliseconds limit) override {
    const TimePoint deadline = Clock::now() + limit;
    for (;;) {
      const std::size_t left = InFlight();
      if (left == 0 || Clock::now() >= deadline) return left;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  void Shutdown(TimePoint deadline) override {
    net::Worker& worker = workers_.at(0);
    std::set<connectors::ConnectorPtr> connectors;
    if (const std::shared_ptr<const Snapshot> snapshot = Current()) {
      for (const auto& runtime : snapshot->apis) {
        for (const EndpointRuntime& endpoint : runtime->endpoints) {
          connectors.insert(endpoint.connector);
        }
      }
    }
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> future = done->get_future();
    std::vector<connectors::ConnectorPtr> list(connectors.begin(), connectors.end());
    worker.Post([this, &worker, deadline, list = std::move(list), done]() mutable {
      worker.Spawn("flow.shutdown", Close(*hub_, std::move(list), deadline, worker, done));
    });
    future.wait_until(deadline + std::chrono::seconds(1));
  }

 private:
  static Task<void> Close(ReaderHub& hub, std::vector<connectors::ConnectorPtr> connectors,
                          TimePoint deadline, net::Worker& worker,
                          std::shared_ptr<std::promise<void>> done) {
    co_await hub.Shutdown(deadline, worker);
    for (const connectors::ConnectorPtr& connector : connectors) {
      co_await connector->Drain(deadline, worker);
    }
    done->set_value();
  }

  std::shared_ptr<const Snapshot> Current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  // Runs on every worker and waits; false when one has not answered in time.
  bool OnAllWorkers(std::function<void(net::Worker&)> function, std::chrono::milliseconds limit) {
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> future = done->get_future();
    workers_.PostAll(std::move(function), [done] { done->set_value(); });
    return future.wait_for(limit) == std::future_status::ready;
  }

  std::size_t InFlight() {
    auto count = std::make_shared<std::atomic<std::size_t>>(0);
    const bool done = OnAllWorkers(
        [this, count](net::Worker& worker) { *count += states_[worker.index()]->in_flight(); },
        kListLimit);
    return done ? count->load() : 1;
  }

  StatusOr<std::vector<connectors::TestStage>> Test(connectors::ConnectorPtr connector) {
    auto result = std::make_shared<std::promise<std::vector<connectors::TestStage>>>();
    auto future = result->get_future();
    net::Worker& worker = workers_.at(0);
    worker.Post([&worker, connector, result] {
      worker.Spawn("flow.test_endpoint", RunTest(connector, worker, result));
    });
    if (future.wait_for(kTestLimit) != std::future_status::ready) {
      return DeadlineExceeded("test endpoint: no result within 12 s");
    }
    return future.get();
  }

  void DrainWhatWent(const Snapshot& before, const Snapshot& after) {
    std::set<const connectors::Connector*> kept;
    for (const auto& runtime : after.apis) {
      for (const EndpointRuntime& endpoint : runtime->endpoints) {
        kept.insert(endpoint.connector.get());
      }
    }
    for (const auto& runtime : before.apis) {
      for (const EndpointRuntime& endpoint : runtime->endpoints) {
        if (kept.count(endpoint.connector.get()) != 0) continue;
        net::Worker& worker = workers_.at(0);
        worker.Post([this, &worker, connector = endpoint.connector,
                     notice = options_.drain_notice]() mutable {
          worker.Spawn("flow.drain_removed",
                       DrainRemoved(*hub_, std::move(connector), notice, worker));
        });
      }
    }
  }

  net::WorkerPool& workers_;
  const DataPlaneOptions options_;
  StreamCaps caps_;
  Services services_;
  std::unique_ptr<ReaderHub> hub_;
  Assembler assembler_;
  std::vector<WorkerStatePtr> states_;
  Mediator mediator_;
  mutable std::mutex mutex_;  // control threads only; no worker takes it
  std::shared_ptr<const Snapshot> current_;
  std::map<std::string, security::SubscriptionIndexPtr> subscriptions_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace

std::unique_ptr<DataPlane> MakeDataPlane(net::WorkerPool& workers, DataPlaneOptions options) {
  return std::make_unique<DataPlaneImpl>(workers, std::move(options));
}

}  // namespace tidegate::flow
