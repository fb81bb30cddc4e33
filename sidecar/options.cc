#include "sidecar/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "server/base/strings.h"

namespace tidegate::sidecar {
namespace {

struct Raw {
  std::vector<std::string> http;
  std::vector<std::string> admin;
  std::string operations;
  std::string state;
  std::vector<std::string> definitions;
  std::string workers;
  bool no_wait = false;
};

void AddServeFlags(CLI::App& app, Options& options, Raw& raw) {
  app.add_option("--config", options.config, "Bootstrap file (kind: Gateway)");
  app.add_option("--http", raw.http,
                 "[NAME=]ADDR:PORT to serve consumers on; with NAME changes that listener's "
                 "address, without replaces the list; repeatable")
      ->allow_extra_args(false);
  app.add_option("--admin", raw.admin, "unix:PATH or ADDR:PORT of the admin services; repeatable")
      ->allow_extra_args(false);
  app.add_option("--operations", raw.operations, "ADDR:PORT of metrics and probes");
  app.add_option("--state", raw.state, "Directory that keeps accepted configuration, or none");
  app.add_option("--definitions", raw.definitions,
                 "Directory of definitions, watched; repeatable")
      ->allow_extra_args(false);
  app.add_option("--workers", raw.workers, "Threads that serve consumers");
  app.add_option("--ports-file", options.ports_file,
                 "Written, whole, once ready: a JSON object of addresses and the pid");
}

std::vector<std::string> CommaList(const char* text) {
  std::vector<std::string> parts;
  for (std::string_view part : Split(text, ',')) {
    if (!Trim(part).empty()) parts.emplace_back(Trim(part));
  }
  return parts;
}

// Variables stand between the file and the flags: they fill what no flag said.
void FillFromEnvironment(Options& options, Raw& raw, const char* (*get)(const char*)) {
  auto text = [&](const char* name, std::string& field) {
    const char* value = get(name);
    if (field.empty() && value != nullptr) field = value;
  };
  auto list = [&](const char* name, std::vector<std::string>& field) {
    const char* value = get(name);
    if (field.empty() && value != nullptr) field = CommaList(value);
  };
  text("TIDEGATE_CONFIG", options.config);
  list("TIDEGATE_HTTP", raw.http);
  list("TIDEGATE_ADMIN", raw.admin);
  text("TIDEGATE_OPERATIONS", raw.operations);
  text("TIDEGATE_STATE", raw.state);
  list("TIDEGATE_DEFINITIONS", raw.definitions);
  text("TIDEGATE_WORKERS", raw.workers);
  text("TIDEGATE_PORTS_FILE", options.ports_file);
}

std::string Finish(Options& options, const Raw& raw) {
  for (const std::string& flag : raw.http) {
    HttpFlag http;
    // An '=' can only end a name: addresses have none.
    if (const std::size_t at = flag.find('='); at != std::string::npos) {
      http.name = flag.substr(0, at);
      http.address = flag.substr(at + 1);
      if (http.name.empty()) return "--http: a name stands before the =";
    } else {
      http.address = flag;
    }
    options.http.push_back(std::move(http));
  }
  options.admin = raw.admin;
  if (!raw.operations.empty()) options.operations = raw.operations;
  if (!raw.state.empty()) options.state = raw.state;
  options.definitions = raw.definitions;
  if (!raw.workers.empty()) {
    const auto count = ParseUint(raw.workers);
    if (!count || *count < 1 || *count > 256) {
      return "--workers: a whole number from 1 to 256 is expected";
    }
    options.workers = static_cast<std::uint32_t>(*count);
  }
  options.wait = !raw.no_wait;
  return "";
}

// CLI11 says that a subcommand is required, but not that the one it was given is none.
std::string UsageText(const CLI::App& app, int argc, const char* const* argv,
                      const std::string& said) {
  if (argc < 2 || argv[1][0] == '-') return said;
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return said;
  std::string text = "there is no command " + std::string(argv[1]).substr(0, 64);
  const std::string nearest = Nearest(std::string(argv[1]).substr(0, 64), names);
  if (!nearest.empty()) text += "; did you mean " + nearest + "?";
  return text + "\nRun with --help for more information.\n";
}

}  // namespace

ParseResult ParseOptions(int argc, const char* const* argv,
                         const char* (*environment)(const char*)) {
  Options options;
  Raw raw;
  CLI::App app("Tidegate: event brokers for API consumers, beside your pod.", "tidegate");
  app.require_subcommand(1);
  auto* serve = app.add_subcommand("serve", "Serve consumers");
  auto* check = app.add_subcommand("check", "Validate bootstrap and definitions, start nothing");
  auto* dev = app.add_subcommand(
      "dev", "A playground: embedded Kafka, demo APIs, nothing is kept; Ctrl-C ends it");
  auto* drain = app.add_subcommand("drain", "Ask a running Tidegate to drain (for preStop)");
  auto* version = app.add_subcommand("version", "Print the version");
  AddServeFlags(*serve, options, raw);
  AddServeFlags(*check, options, raw);
  AddServeFlags(*dev, options, raw);
  drain->add_flag("--no-wait", raw.no_wait, "Return at once");
  drain->add_option("--server", options.server, "unix:PATH or ADDR:PORT of its admin services");
  drain->add_option("--timeout", options.drain_timeout_s, "Seconds to wait at most")
      ->check(CLI::Range(1, 3600));
  ParseResult result;
  try {
    app.parse(argc, const_cast<char**>(argv));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(error, out, err);
    result.text = code == 0 ? out.str() : "tidegate: " + UsageText(app, argc, argv, err.str());
    result.code = code == 0 ? 0 : 2;
    return result;
  }
  options.command = *serve     ? Command::kServe
                    : *check   ? Command::kCheck
                    : *dev     ? Command::kDev
                    : *drain   ? Command::kDrain
                    : *version ? Command::kVersion
                               : Command::kServe;
  FillFromEnvironment(options, raw, environment);
  result.text = Finish(options, raw);
  if (!result.text.empty()) {
    result.text = "tidegate: " + result.text + "\n";
    result.code = 2;
    return result;
  }
  result.options = std::move(options);
  return result;
}

}  // namespace tidegate::sidecar
