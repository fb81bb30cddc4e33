// tidegatectl: see verbs.cc for what it does.
#include <csignal>
#include <iostream>
#include <thread>

#include <unistd.h>

#include "sidecar/ctl/context.h"

int main(int argc, char** argv) {
  // A pipe that closes is seen as a failed write.
  std::signal(SIGPIPE, SIG_IGN);
  // gRPC's own log repeats, in its words, what we report.
  ::setenv("GRPC_VERBOSITY", "NONE", 0);
  tidegate::ctl::Environment environment{std::cin, std::cout, std::cerr};
  environment.in_is_tty = ::isatty(STDIN_FILENO) == 1;
  environment.out_is_tty = ::isatty(STDOUT_FILENO) == 1;
  environment.err_is_tty = ::isatty(STDERR_FILENO) == 1;
  environment.sleep = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); };
  return tidegate::ctl::Run({argv + 1, argv + argc}, environment);
}
