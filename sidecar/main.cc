// The process: reads its command line, starts what it names, waits for a signal.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "connectors/kafka/factory.h"
#include "server/base/log.h"
#include "sidecar/bootstrap.h"
#include "sidecar/builtin.h"
#include "sidecar/check.h"
#include "sidecar/dev.h"
#include "sidecar/drain_command.h"
#include "sidecar/lifecycle.h"
#include "sidecar/options.h"
#include "sidecar/version.h"

namespace tidegate::sidecar {
namespace {

constexpr int kRefused = 3;
constexpr auto kClientsClose = std::chrono::seconds(5);

// Blocked before any thread exists, so that only the main thread ever sees them.
sigset_t BlockSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

// Until SIGTERM or SIGINT; Tick about once a second.
void WaitForSignal(const sigset_t& set, Lifecycle& lifecycle) {
  timespec second{};
  second.tv_sec = 1;
  while (sigtimedwait(&set, nullptr, &second) < 0) lifecycle.Tick();
}

int Refuse(const Status& status, const config::Violations& violations) {
  std::fputs(Render(violations).c_str(), stderr);
  if (!status.ok()) std::fprintf(stderr, "tidegate: %s\n", MessageOf(status).c_str());
  return kRefused;
}

int Serve(const Options& options, LifecycleOptions lifecycle_options,
          const DevPlayground* playground) {
  config::Violations violations;
  auto gateway = LoadBootstrap(options, violations);
  if (!gateway) return Refuse(OkStatus(), violations);
  SetLogLevel(gateway->log_level);
  SetLogFormat(gateway->log_json ? LogFormat::kJson : LogFormat::kText);
  lifecycle_options.connectors = BuiltinConnectors();
  lifecycle_options.entrypoints = BuiltinEntrypoints();
  const sigset_t signals = BlockSignals();
  auto lifecycle =
      Lifecycle::Start(std::move(*gateway), std::move(lifecycle_options), violations);
  if (!lifecycle.ok()) return Refuse(lifecycle.status(), violations);
  if (!options.ports_file.empty()) {
    const Status written = WritePortsFile(options.ports_file, (*lifecycle)->addresses());
    if (!written.ok()) return Refuse(written, {});
  }
  if (playground != nullptr) {
    std::fputs(playground->Welcome((*lifecycle)->addresses()).c_str(), stdout);
    std::fflush(stdout);
  }
  WaitForSignal(signals, **lifecycle);
  if (playground != nullptr) std::_Exit(0);  // nothing is kept, so nothing is waited for
  // A second signal ends the process at once.
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  (*lifecycle)->Stop();
  kafka::SettleKafka(Clock::now() + kClientsClose);
  return 0;
}

int Dev(const Options& options) {
  BlockSignals();
  auto playground = DevPlayground::Start();
  if (!playground.ok()) return Refuse(playground.status(), {});
  LifecycleOptions lifecycle_options;
  lifecycle_options.builtin_definitions = (*playground)->Definitions();
  return Serve(DevDefaults(options), std::move(lifecycle_options), playground->get());
}

int Main(int argc, char** argv) {
  const ParseResult parsed = ParseOptions(
      argc, argv, [](const char* name) -> const char* { return std::getenv(name); });
  if (!parsed.options) {
    std::fputs(parsed.text.c_str(), parsed.code == 0 ? stdout : stderr);
    return parsed.code;
  }
  switch (parsed.options->command) {
    case Command::kServe: return Serve(*parsed.options, LifecycleOptions(), nullptr);
    case Command::kCheck: return Check(*parsed.options);
    case Command::kDev: return Dev(*parsed.options);
    case Command::kDrain: return DrainRunning(*parsed.options);
    case Command::kVersion: break;
  }
  std::printf("tidegate %s (%s)\n", Version().c_str(), Revision().c_str());
  return 0;
}

}  // namespace
}  // namespace tidegate::sidecar

int main(int argc, char** argv) { return tidegate::sidecar::Main(argc, argv); }
