#include "sidecar/drain_command.h"

#include <unistd.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "sidecar/ctl/context.h"

namespace tidegate::sidecar {

// The tool's own verb: one way to drain, whoever asks for it.
int DrainRunning(const Options& options) {
  std::vector<std::string> words{"drain", "--timeout",
                                 std::to_string(options.drain_timeout_s) + "s"};
  if (!options.wait) words.emplace_back("--no-wait");
  if (!options.server.empty()) {
    words.emplace_back("--server");
    words.push_back(options.server);
  }
  setenv("GRPC_VERBOSITY", "NONE", 0);  // its own log repeats what is reported
  ctl::Environment environment{std::cin, std::cout, std::cerr};
  environment.sleep = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); };
  return ctl::Run(words, environment);
}

}  // namespace tidegate::sidecar
