// The load generator: one thread, epoll, results as one JSON line. See README.md for the method.
//
//   tg_bench post|subs|idle|pub|bridge --flag value…  an unknown flag prints those that there are
#include <string_view>

#include "bench/modes.h"
#include "bench/net.h"
#include "bench/options.h"

int main(int argc, char** argv) {
  using namespace tidegate::bench;
  const std::string_view mode = argc > 1 ? argv[1] : "";
  StopOnSignals();
  if (mode == "post") return RunPost(argc - 2, argv + 2);
  if (mode == "subs") return RunSubs(argc - 2, argv + 2);
  if (mode == "idle") return RunIdle(argc - 2, argv + 2);
  if (mode == "pub") return RunPublish(argc - 2, argv + 2);
  if (mode == "bridge") return RunBridge(argc - 2, argv + 2);
  Fail("usage: tg_bench post|subs|idle|pub|bridge --flag value…", 2);
}
