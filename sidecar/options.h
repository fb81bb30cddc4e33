// The command line of `tidegate`, as settled in sidecar/README.md: flags override variables, which
// override the file.
// Thread: main. Fails: usage errors as text and exit code 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::sidecar {

enum class Command { kServe, kCheck, kDev, kDrain, kVersion };

// One --http flag: [NAME=]ADDR:PORT.
struct HttpFlag {
  std::string name;     // empty: the flag replaces the list
  std::string address;  // ADDR:PORT, not yet validated
};

struct Options {
  Command command = Command::kServe;
  std::string config;                       // --config FILE, empty: none
  std::vector<HttpFlag> http;
  std::vector<std::string> admin;           // unix:PATH or ADDR:PORT
  std::optional<std::string> operations;
  std::optional<std::string> state;         // DIR or "none"
  std::vector<std::string> definitions;
  std::optional<std::uint32_t> workers;
  std::string ports_file;
  bool wait = true;                         // drain: --no-wait
  std::string server;                       // drain: --server
  std::uint32_t drain_timeout_s = 60;       // drain: how long to wait
};

struct ParseResult {
  std::optional<Options> options;  // nullopt: print `text` and exit with `code`
  std::string text;
  int code = 0;
};

// Reads argv and the TIDEGATE_… variables (TIDEGATE_CONFIG, _HTTP, _ADMIN, _OPERATIONS, _STATE,
// _DEFINITIONS, _WORKERS, _PORTS_FILE; lists separated by commas).
ParseResult ParseOptions(int argc, const char* const* argv,
                         const char* (*environment)(const char* name));

}  // namespace tidegate::sidecar
