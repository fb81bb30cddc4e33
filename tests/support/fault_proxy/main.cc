// The proxy as a program, for tests that are not C++. Orders come on stdin, one a line; each is
// answered by one line, `ok …` or `error …`. It ends with its stdin.
//
//   fault_proxy HOST:PORT [LISTEN_PORT]      first line: `port N`
//   cut reset|fin|silence        arm up|down bytes|chunks N reset|fin|silence [CONNECTION]
//   refuse on|off    delay MILLISECONDS      heal    disarm    counts
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>

#include "tests/support/fault_proxy/fault_proxy.h"

namespace tidegate::faults {
namespace {

std::optional<How> HowOf(const std::string& word) {
  if (word == "reset") return How::kReset;
  if (word == "fin") return How::kFin;
  if (word == "silence") return How::kSilence;
  return std::nullopt;
}

bool ArmBy(FaultProxy& proxy, std::istringstream& words) {
  std::string way, unit, how;
  Fault fault;
  if (!(words >> way >> unit >> fault.after >> how)) return false;
  words >> fault.connection;
  const std::optional<How> known = HowOf(how);
  if (!known || (way != "up" && way != "down") || (unit != "bytes" && unit != "chunks")) {
    return false;
  }
  fault.how = *known;
  fault.way = way == "up" ? Way::kUp : Way::kDown;
  fault.unit = unit == "bytes" ? Fault::Unit::kBytes : Fault::Unit::kChunks;
  proxy.Arm(fault);
  return true;
}

std::string CountsOf(FaultProxy& proxy) {
  const ProxyCounts counts = proxy.counts();
  std::ostringstream out;
  out << "ok connections=" << counts.connections << " open=" << counts.open
      << " faults=" << counts.faults;
  return out.str();
}

std::string Obey(FaultProxy& proxy, const std::string& line) {
  std::istringstream words(line);
  std::string order, word;
  words >> order;
  if (order == "counts") return CountsOf(proxy);
  if (order == "arm") return ArmBy(proxy, words) ? "ok" : "error arm";
  if (order == "heal") {
    proxy.Heal();
  } else if (order == "disarm") {
    proxy.Disarm();
  } else if (order == "cut" && words >> word && HowOf(word)) {
    proxy.Cut(*HowOf(word));
  } else if (order == "refuse" && words >> word && (word == "on" || word == "off")) {
    proxy.Refuse(word == "on");
  } else if (long milliseconds = 0; order == "delay" && words >> milliseconds) {
    proxy.Delay(std::chrono::milliseconds(milliseconds));
  } else {
    return "error " + order;
  }
  return "ok";
}

int Main(int argc, char** argv) {
  const std::string target = argc > 1 ? argv[1] : "";
  const std::size_t colon = target.rfind(':');
  if (colon == std::string::npos) {
    std::cerr << "usage: fault_proxy HOST:PORT [LISTEN_PORT]\n";
    return 2;
  }
  const auto number = [](const char* text) {
    return static_cast<std::uint16_t>(std::strtoul(text, nullptr, 10));
  };
  auto proxy = FaultProxy::Start(target.substr(0, colon), number(target.c_str() + colon + 1),
                                 argc > 2 ? number(argv[2]) : std::uint16_t{0});
  if (proxy == nullptr) {
    std::cerr << "fault_proxy: cannot listen, or " << target << " has no address\n";
    return 1;
  }
  std::cout << "port " << proxy->port() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Obey(*proxy, line) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace tidegate::faults

int main(int argc, char** argv) { return tidegate::faults::Main(argc, argv); }
