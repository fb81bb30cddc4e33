// The only file that includes CLI11: it is a large header.
#include "sidecar/ctl/options.h"

#include <algorithm>
#include <CLI/CLI.hpp>

#include "server/base/strings.h"
#include "sidecar/ctl/verbs.h"

namespace tidegate::ctl {
namespace {

std::string FlagSpelling(const Flag& flag) {
  std::string spelling;
  if (!flag.alias.empty()) spelling = std::string(flag.alias) + ",";
  return spelling + std::string(flag.name);
}

// Binds every flag to its field; the order is that of Flags().
std::vector<CLI::Option*> AddFlags(CLI::App& app, Options& options) {
  std::vector<CLI::Option*> added;
  for (const Flag& flag : Flags()) {
    const std::string spelling = FlagSpelling(flag);
    if (flag.on != nullptr) {
      added.push_back(app.add_flag(spelling, options.*flag.on));
    } else if (flag.list != nullptr) {
      added.push_back(app.add_option(spelling, options.*flag.list)->allow_extra_args(false));
    } else {
      added.push_back(app.add_option(spelling, options.*flag.text));
    }
  }
  return added;
}

std::string UnknownFlag(std::string_view word, const Verb* verb) {
  const std::string_view name = word.substr(0, word.find('='));
  std::vector<std::string> known;
  for (const Flag& flag : Flags()) known.emplace_back(flag.name);
  const std::string near = Nearest(name, known);
  std::string error = "unknown flag " + std::string(name);
  if (!near.empty()) return error + " (did you mean " + near + "?)";
  if (verb != nullptr) error += "; tidegatectl " + std::string(verb->name) + " --help lists them";
  return error;
}

bool Takes(const Verb& verb, const Flag& flag) {
  return flag.everywhere ||
         std::find(verb.flags.begin(), verb.flags.end(), flag.name) != verb.flags.end();
}

bool CheckOutput(const Options& options, std::string& error) {
  static const std::vector<std::string> formats = {"table", "yaml", "json", "proto-json", "name"};
  if (std::find(formats.begin(), formats.end(), options.output) != formats.end()) return true;
  error = "-o takes " + Join(formats, ", ");
  const std::string near = Nearest(options.output, formats);
  if (!near.empty()) error += " (did you mean " + near + "?)";
  return false;
}

bool CheckTimeout(Options& options, std::string& error) {
  if (options.timeout_text.empty()) return true;
  options.timeout = ParseTimeSpan(options.timeout_text);
  if (options.timeout && options.timeout->count() > 0) return true;
  error = "--timeout takes a time with its unit, as 500ms, 30s or 2m";
  return false;
}

}  // namespace

std::optional<std::chrono::milliseconds> ParseTimeSpan(std::string_view text) {
  static constexpr std::pair<std::string_view, std::uint64_t> units[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  for (const auto& [unit, factor] : units) {
    if (text.size() <= unit.size() || text.substr(text.size() - unit.size()) != unit) continue;
    const auto count = ParseUint(text.substr(0, text.size() - unit.size()));
    if (!count) continue;
    if (*count > 36'500ull * 86'400'000 / factor) return std::nullopt;  // a hundred years
    return std::chrono::milliseconds(*count * factor);
  }
  return std::nullopt;
}

bool ParseArguments(const std::vector<std::string>& words, Options& options, std::string& error) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<std::string> positionals;
  app.add_option("words", positionals);
  const std::vector<CLI::Option*> flags = AddFlags(app, options);
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  std::string failure;
  try {
    app.parse(reversed);
  } catch (const CLI::ArgumentMismatch& mismatch) {
    failure = mismatch.what();
  } catch (const CLI::ParseError& parse_error) {
    failure = parse_error.what();
  }
  if (!positionals.empty()) options.verb = positionals[0];
  const Verb* verb = FindVerb(options.verb);
  if (!options.verb.empty() && verb == nullptr) {
    std::vector<std::string> known;
    for (const Verb& row : Verbs()) known.emplace_back(row.name);
    const std::string near = Nearest(options.verb, known);
    error = "unknown verb \"" + options.verb + "\"";
    error += near.empty() ? "; tidegatectl --help lists them" : " (did you mean " + near + "?)";
    return false;
  }
  for (const std::string& word : app.remaining()) {
    if (word.size() < 2 || word[0] != '-') continue;
    error = UnknownFlag(word, verb);
    return false;
  }
  if (!failure.empty()) {
    // CLI11 says "--owner: 1 required TEXT missing".
    const std::size_t colon = failure.find(':');
    const Flag* flag = FindFlag(failure.substr(failure.rfind("--", colon), colon));
    const bool twice = failure.find("At Most 1") != std::string::npos;
    error = flag == nullptr ? failure
            : twice         ? std::string(flag->name) + " stands twice"
                            : std::string(flag->name) + " needs a value: " +
                                  std::string(flag->name) + " " + std::string(flag->value);
    return false;
  }
  if (verb != nullptr) {
    for (std::size_t i = 0; i < flags.size(); ++i) {
      if (flags[i]->count() == 0 || Takes(*verb, Flags()[i])) continue;
      error = std::string(verb->name) + " does not take " + std::string(Flags()[i].name);
      return false;
    }
    options.arguments.assign(positionals.begin() + 1, positionals.end());
  }
  // An etag has quotes of its own, which shells like to take away.
  if (!options.etag.empty() && options.etag[0] != '"') options.etag = '"' + options.etag + '"';
  return CheckOutput(options, error) && CheckTimeout(options, error);
}

}  // namespace tidegate::ctl
