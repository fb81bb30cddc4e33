#include "sidecar/lifecycle.h"


#include <algorithm>
#include <atomic>
#include <ctime>

#include "server/admin/deployer.h"
#include "server/admin/repository.h"
#include "server/admin/server.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/config/secrets.h"
#include "server/flow/data_plane.h"
#include "server/state/config_store.h"
#include "server/telemetry/metrics.h"
#include "sidecar/access_log_sink.h"
#include "sidecar/admin_listeners.h"
#include "sidecar/beat_watch.h"
#include "sidecar/definitions.h"
#include "sidecar/gauges.h"
#include "sidecar/listeners.h"
#include "sidecar/operations.h"
#include "sidecar/secret_watch.h"
#include "sidecar/start_memory.h"
#include "sidecar/version.h"

namespace tidegate::sidecar {
namespace {

constexpr int kTlsRefreshTicks = 5;
constexpr auto kAdminStop = std::chrono::seconds(2);

// Whoever may write definition files, the unix socket or loopback is trusted with the machine.
config::SecretRules SecretRulesOf(const model::Gateway& gateway, bool trusted_author) {
  config::SecretRules rules = config::DefaultSecretRules(gateway.definitions, trusted_author);
  if (!gateway.secret_files.empty()) rules.files = gateway.secret_files;
  if (gateway.secret_env) rules.env = *gateway.secret_env;
  return rules;
}

}  // namespace

// The order of the fields is the order of life: what is below is destroyed first.
struct Lifecycle::Impl {
  Impl(model::Gateway gateway_, LifecycleOptions options_)
      : gateway(std::move(gateway_)), options(std::move(options_)),
        secrets(SecretRulesOf(gateway, true)), remote_secrets(SecretRulesOf(gateway, false)) {}

  Status Start(config::Violations& violations);
  Status StartServing();
  Status StartConfiguration(config::Violations& violations);
  Status StartAdmin();
  std::vector<admin::ListenerView> Listeners() const;
  std::vector<ReadyCheck> Ready() const;
  std::vector<ReadyCheck> Live() const;
  flow::DataPlaneOptions PlaneOptions();

  const model::Gateway gateway;
  LifecycleOptions options;
  const config::SecretResolver secrets;
  const config::SecretResolver remote_secrets;
  BoundAddresses addresses;
  std::atomic<bool> started{false};
  std::atomic<bool> stopping{false};
  int ticks = 0;

  std::unique_ptr<AccessLogSink> access_log;
  std::unique_ptr<state::ConfigStore> store;
  std::unique_ptr<flow::DataPlane> plane;
  std::unique_ptr<http::Handler> operations_handler;
  HttpServers http;
  std::unique_ptr<http::HttpServer> operations;
  std::unique_ptr<BeatWatch> beats;
  std::unique_ptr<net::WorkerPool> workers;
  std::unique_ptr<net::WorkerPool> control;
  std::unique_ptr<admin::Repository> repository;
  std::unique_ptr<admin::Deployer> deployer;
  std::unique_ptr<Definitions> definitions;
  std::unique_ptr<SecretWatch> secret_watch;
  std::unique_ptr<admin::AdminServer> admin;
};

flow::DataPlaneOptions Lifecycle::Impl::PlaneOptions() {
  flow::DataPlaneOptions plane_options;
  plane_options.connectors = options.connectors;
  plane_options.entrypoints = options.entrypoints;
  plane_options.secrets = &secrets;
  plane_options.drain_notice = gateway.drain_notice;
  plane_options.request_timeout = gateway.limits.request_timeout;
  plane_options.body_bytes_max = gateway.limits.body_bytes;
  plane_options.consumer_buffer_bytes = gateway.limits.consumer_buffer_bytes;
  plane_options.streams_per_subscription = gateway.limits.streams_per_subscription;
  plane_options.streams_per_address = gateway.limits.streams_per_address;
  plane_options.access_log = access_log.get();
  return plane_options;
}

std::vector<ReadyCheck> Lifecycle::Impl::Live() const {
  ReadyCheck check;
  check.name = "workers";
  check.ok = true;
  const TimePoint now = Clock::now();
  for (std::size_t i = 0; i < workers->size(); ++i) {
    if (!beats->IsStuck(i, now, workers->at(i).last_beat())) continue;
    check.ok = false;
    check.detail += (check.detail.empty() ? "worker " : ", ") + std::to_string(i) + " is stuck";
  }
  return {check};
}

std::vector<ReadyCheck> Lifecycle::Impl::Ready() const {
  std::vector<ReadyCheck> checks = Live();
  ReadyCheck configuration;
  configuration.name = "configuration";
  configuration.ok = started.load();
  if (!configuration.ok) configuration.detail = "starting";
  checks.push_back(configuration);
  ReadyCheck drain;
  drain.name = "drain";
  drain.ok = !stopping.load() && !plane->draining();
  if (!drain.ok) drain.detail = "draining";
  checks.push_back(drain);
  return checks;
}

Status Lifecycle::Impl::StartServing() {
  workers = std::make_unique<net::WorkerPool>(gateway.workers);
  beats = std::make_unique<BeatWatch>(gateway.workers);
  control = std::make_unique<net::WorkerPool>(1, false);
  if (gateway.access_log) {
    TG_ASSIGN_OR_RETURN(auto writer, telemetry::AccessLog::Open(gateway.access_log_path));
    access_log = std::make_unique<AccessLogSink>(std::move(writer));
  }
  plane = flow::MakeDataPlane(*workers, PlaneOptions());
  OperationsSources sources;
  sources.ready = [this] { return Ready(); };
  sources.live = [this] { return Live(); };
  sources.started = [this] { return started.load(); };
  sources.version = Version();
  sources.revision = Revision();
  sources.node = gateway.node;
  operations_handler = MakeOperationsHandler(std::move(sources));
  TG_ASSIGN_OR_RETURN(operations,
                      BindOperations(gateway.operations, *control, *operations_handler));
  addresses.operations = AddressOf(gateway.operations, operations->port());
  TG_ASSIGN_OR_RETURN(http, BindHttp(gateway, *workers, plane->handler(), secrets));
  for (std::size_t i = 0; i < http.size(); ++i) {
    addresses.http.push_back(AddressOf(gateway.http[i].address, http[i]->port()));
  }
  AddRuntimeGauges(*plane, http);
  operations->Start();
  control->Start();
  workers->Start();
  return OkStatus();
}

Status Lifecycle::Impl::StartConfiguration(config::Violations& violations) {
  if (gateway.state_directory) {
    TG_ASSIGN_OR_RETURN(store,
                        state::OpenSqliteStore(state::SqliteOptions(*gateway.state_directory)));
  } else {
    store = state::MakeMemoryStore();
  }
  store = state::MakeMeteredStore(std::move(store), gateway.state_directory ? "sqlite" : "memory");
  repository = std::make_unique<admin::Repository>(*store);
  admin::DeployerOptions deploying;
  deploying.tags = gateway.tags;
  deploying.tenant = gateway.tenant;
  deployer = std::make_unique<admin::Deployer>(*repository, *plane, std::move(deploying));
  AddConfigGauges(*deployer);
  TG_RETURN_IF_ERROR(deployer->Restore());
  secret_watch = std::make_unique<SecretWatch>(*deployer);
  definitions = std::make_unique<Definitions>(gateway.definitions, *deployer, secrets);
  TG_RETURN_IF_ERROR(definitions->ApplyAll(violations));
  if (!options.builtin_definitions.empty()) {
    TG_RETURN_IF_ERROR(ApplyText(options.builtin_definitions, *deployer, secrets, violations));
  }
  return OkStatus();
}

Status Lifecycle::Impl::Start(config::Violations& violations) {
  telemetry::SetSlotCount(gateway.workers + 1);
  telemetry::AddProcessMetrics(telemetry::Registry::Global(), Version() + "+" + Revision());
  TG_RETURN_IF_ERROR(StartServing());
  TG_RETURN_IF_ERROR(StartConfiguration(violations));
  for (auto& server : http) server->Start();
  TG_RETURN_IF_ERROR(StartAdmin());
  started = true;
  GiveBackStartMemory();
  Log(LogLevel::kInfo, "started",
      {{"version", Version()}, {"revision", Revision()}, {"node", gateway.node},
       {"state", store->Describe()},
       {"http", addresses.http.empty() ? "" : addresses.http.front()},
       {"operations", addresses.operations}});
  return OkStatus();
}

Status Lifecycle::Impl::StartAdmin() {
  admin::AdminServerOptions admin_options;
  TG_ASSIGN_OR_RETURN(admin_options.listeners, AdminListenersOf(gateway, secrets));
  admin_options.services.local_secrets = &secrets;
  admin_options.services.remote_secrets = &remote_secrets;
  admin::ProcessView& view = admin_options.services.process;
  view.version = Version();
  view.node = gateway.node;
  view.start_unix_seconds = std::time(nullptr);
  view.workers = gateway.workers;
  view.listeners = [this] { return Listeners(); };
  view.readiness = [this] {
    std::vector<admin::ReadinessView> out;
    for (const ReadyCheck& check : Ready()) {
      admin::ReadinessView one;
      one.check = check.name;
      one.ok = check.ok;
      one.reason = check.ok ? "Ok" : "NotReady";
      one.message = check.detail;
      out.push_back(std::move(one));
    }
    return out;
  };
  view.start_drain = [this] {
    plane->StartDrain();
    for (auto& server : http) server->Drain();
    plane->EndStreams();  // the caller does not wait for them: it may ask again how many are left
  };
  view.cancel_drain = [this] {
    plane->CancelDrain();
    for (auto& server : http) server->Resume();
  };
  TG_ASSIGN_OR_RETURN(admin, admin::AdminServer::Start(*deployer, std::move(admin_options)));
  addresses.admin = admin->addresses();
  return OkStatus();
}

std::vector<admin::ListenerView> Lifecycle::Impl::Listeners() const {
  std::vector<admin::ListenerView> out;
  for (std::size_t i = 0; i < http.size(); ++i) {
    admin::ListenerView one;
    one.name = gateway.http[i].name;
    one.address = addresses.http[i];
    one.purpose = "http";
    one.tls = http[i]->info().tls;
    one.connections = static_cast<std::uint32_t>(http[i]->open_connections());
    out.push_back(std::move(one));
  }
  admin::ListenerView one;
  one.name = "operations";
  one.address = addresses.operations;
  one.purpose = "operations";
  out.push_back(std::move(one));
  // Whoever asks while it starts asks one of them.
  for (std::size_t i = 0; started && i < addresses.admin.size(); ++i) {
    admin::ListenerView view;
    view.name = addresses.admin.size() == 1 ? "admin" : "admin-" + std::to_string(i);
    view.address = addresses.admin[i];
    view.purpose = "admin";
    view.tls = gateway.admin[i].tls != nullptr;
    out.push_back(std::move(view));
  }
  return out;
}

StatusOr<std::unique_ptr<Lifecycle>> Lifecycle::Start(model::Gateway gateway,
                                                      LifecycleOptions options,
                                                      config::Violations& violations) {
  auto impl = std::make_unique<Impl>(std::move(gateway), std::move(options));
  std::unique_ptr<Lifecycle> lifecycle(new Lifecycle(std::move(impl)));
  const Status status = lifecycle->impl_->Start(violations);
  if (!status.ok()) return status;
  return lifecycle;
}

Lifecycle::Lifecycle(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Lifecycle::~Lifecycle() {
  // Workers end before anything they use is destroyed.
  if (impl_->admin) impl_->admin->Stop(kAdminStop);
  if (impl_->workers) impl_->workers->Stop();
  if (impl_->control) impl_->control->Stop();
}

const BoundAddresses& Lifecycle::addresses() const { return impl_->addresses; }

void Lifecycle::Tick() {
  const TimePoint now = Clock::now();
  for (std::size_t i = 0; i < impl_->workers->size(); ++i) {
    impl_->beats->Sent(i, now, impl_->workers->at(i).last_beat());
    impl_->workers->at(i).SendBeat();
  }
  impl_->definitions->Tick();
  impl_->secret_watch->Tick();
  if (++impl_->ticks % kTlsRefreshTicks != 0) return;
  impl_->admin->RefreshTls();
  for (auto& server : impl_->http) {
    if (server->tls() == nullptr) continue;
    const StatusOr<bool> changed = server->tls()->Refresh();
    if (!changed.ok() || *changed) admin::CountApply("secrets", changed.ok());
    if (!changed.ok()) {
      Log(LogLevel::kError, "tls.reload_failed",
          {{"listener", server->info().name}, {"cause", MessageOf(changed.status())}});
    }
  }
}

void Lifecycle::Stop() {
  const TimePoint deadline = Clock::now() + impl_->gateway.drain_timeout;
  auto left = [&] {
    using std::chrono::milliseconds;
    const auto rest = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    return std::max(rest, milliseconds(0));
  };
  Log(LogLevel::kInfo, "drain.started");
  impl_->stopping = true;
  impl_->plane->StartDrain();
  impl_->admin->SetServing(false);
  for (auto& server : impl_->http) server->Drain();
  impl_->plane->EndStreams();
  const std::size_t slow =
      impl_->plane->WaitForStreams(std::min(impl_->gateway.drain_notice, left()));
  if (slow > 0) {
    Log(LogLevel::kWarn, "drain.notice_over", {{"requestsLeft", std::to_string(slow)}});
  }
  for (auto& server : impl_->http) server->StopAccepting();
  for (auto& server : impl_->http) {
    if (server->WaitClosed(left())) continue;
    Log(LogLevel::kWarn, "drain.connections_cut", {{"listener", server->info().name}});
    server->CloseAll();
    server->WaitClosed(std::chrono::seconds(1));
  }
  impl_->plane->Shutdown(std::max(deadline, Clock::now() + std::chrono::seconds(1)));
  impl_->admin->Stop(kAdminStop);
  impl_->admin.reset();
  Log(LogLevel::kInfo, "drain.done");
}

}  // namespace tidegate::sidecar
