// The command line, parsed: one verb, its arguments, its flags.
//
// All flags stand in one table (options.cc), all verbs in another (verbs.cc); help, parsing and
// completion read both, so that they cannot disagree.
// Thread: values. Owner: Run. Fails: ParseArguments by false and a text for people.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::ctl {

struct Options {
  std::string verb;
  std::vector<std::string> arguments;  // after the verb
  std::vector<std::string> files;
  std::string output = "table";
  std::string owner;
  std::string etag;
  std::string server;
  std::string ca;
  std::string cert;
  std::string key;
  std::string token;
  std::string wait_for;
  std::string revision;
  std::string base;
  std::string target;
  std::string plan;
  std::string application;
  std::string path;
  std::string reason;
  std::string expires;
  std::string grace;
  std::string sha256;
  std::string key_file;
  std::string timeout_text;
  std::optional<std::chrono::milliseconds> timeout;
  bool dry_run = false;
  bool prune = false;
  bool force = false;
  bool no_deploy = false;
  bool no_wait = false;
  bool cancel = false;
  bool ignore_not_found = false;
  bool strict = false;
  bool verbose = false;
  bool help = false;
};

// One flag: exactly one of text, list, on is set.
struct Flag {
  std::string_view name;   // "--owner"
  std::string_view alias;  // "-o" or empty
  std::string_view value;  // "NAME"; empty for a switch
  std::string_view help;
  std::string Options::*text = nullptr;
  std::vector<std::string> Options::*list = nullptr;
  bool Options::*on = nullptr;
  bool everywhere = false;  // every verb takes it
};

const std::vector<Flag>& Flags();
const Flag* FindFlag(std::string_view name);

// False: `error` says what is wrong and `options.verb` is what was recognised so far.
bool ParseArguments(const std::vector<std::string>& words, Options& options, std::string& error);

// `30s`, `500ms`, `2m`, `1h`, `7d`; nullopt when it is none of these.
std::optional<std::chrono::milliseconds> ParseTimeSpan(std::string_view text);

}  // namespace tidegate::ctl
