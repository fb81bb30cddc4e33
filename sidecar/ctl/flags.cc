// The table of flags. Help, parsing and completion read it.
#include "sidecar/ctl/options.h"

namespace tidegate::ctl {
namespace {

Flag Text(std::string_view name, std::string_view value, std::string_view help,
          std::string Options::*field) {
  return Flag{name, "", value, help, field, nullptr, nullptr, false};
}

Flag Switch(std::string_view name, std::string_view help, bool Options::*field) {
  return Flag{name, "", "", help, nullptr, nullptr, field, false};
}

Flag Everywhere(Flag flag, std::string_view alias = "") {
  flag.alias = alias;
  flag.everywhere = true;
  return flag;
}

std::vector<Flag> MakeFlags() {
  std::vector<Flag> flags;
  flags.push_back({"--file", "-f", "FILE|DIR|-", "definitions to read; may be repeated", nullptr,
                   &Options::files, nullptr, false});
  flags.push_back({"--output", "-o", "FORMAT", "table, yaml, json, proto-json or name",
                   &Options::output, nullptr, nullptr, false});
  flags.push_back(Switch("--dry-run", "let the server check all and change nothing",
                         &Options::dry_run));
  flags.push_back(Switch("--prune", "delete what --owner no longer lists, plans included",
                         &Options::prune));
  flags.push_back(Text("--owner", "NAME", "who keeps these resources (default: admin)",
                       &Options::owner));
  flags.push_back(Switch("--force", "take over what others own, delete what belongs to it",
                         &Options::force));
  flags.push_back(Switch("--no-deploy", "store only; consumers see nothing of it",
                         &Options::no_deploy));
  flags.push_back(Text("--etag", "ETAG", "go on only if the resource still has this etag",
                       &Options::etag));
  flags.push_back(Switch("--ignore-not-found", "a missing resource is no error",
                         &Options::ignore_not_found));
  flags.push_back(Switch("--strict", "refuse what is allowed but unwise too", &Options::strict));
  flags.push_back(Text("--for", "STATE", "ready, live, stopped, stored or deleted",
                       &Options::wait_for));
  flags.push_back(Text("--to", "REVISION", "the revision to go back to (default: the one before)",
                       &Options::revision));
  flags.push_back(Text("--base", "STATE", "deployed, stored or a revision (default: deployed)",
                       &Options::base));
  flags.push_back(Text("--target", "STATE", "deployed, stored or a revision (default: stored)",
                       &Options::target));
  flags.push_back(Text("--plan", "PLAN", "the name of a plan of the API", &Options::plan));
  flags.push_back(Text("--application", "NAME", "the application that subscribes",
                       &Options::application));
  flags.push_back(Text("--path", "PATH", "the context path of the copy", &Options::path));
  flags.push_back(Text("--reason", "TEXT", "why, for the subscriber", &Options::reason));
  flags.push_back(Text("--expires", "TIME", "when the key ends: 2030-01-01T00:00:00Z, or in 90d",
                       &Options::expires));
  flags.push_back(Text("--grace", "SPAN", "how long the old key still holds (default: 2h)",
                       &Options::grace));
  flags.push_back(Text("--sha256", "HEX", "the SHA-256 of a key that you chose",
                       &Options::sha256));
  flags.push_back(Text("--key-from", "FILE|-", "where a key that you chose is read from",
                       &Options::key_file));
  flags.push_back(Switch("--no-wait", "do not wait for the end", &Options::no_wait));
  flags.push_back(Switch("--cancel", "take requests again", &Options::cancel));
  flags.push_back(Everywhere(Text("--timeout", "SPAN", "how long to wait at most, as 30s or 2m",
                                  &Options::timeout_text)));
  flags.push_back(Everywhere(Text("--server", "unix:PATH|ADDR",
                                  "the gateway (or TIDEGATE_SERVER; default: its local socket)",
                                  &Options::server)));
  flags.push_back(Everywhere(Text("--ca", "FILE", "the CA that signed the server's certificate",
                                  &Options::ca)));
  flags.push_back(Everywhere(Text("--cert", "FILE", "your client certificate", &Options::cert)));
  flags.push_back(Everywhere(Text("--key", "FILE", "the key of your client certificate",
                                  &Options::key)));
  flags.push_back(Everywhere(Text("--token", "TOKEN|@FILE", "a bearer token, or where it is read",
                                  &Options::token)));
  flags.push_back(Everywhere(Switch("--verbose", "say which server was chosen",
                                    &Options::verbose), "-v"));
  flags.push_back(Everywhere(Switch("--help", "show this", &Options::help), "-h"));
  return flags;
}

}  // namespace

const std::vector<Flag>& Flags() {
  static const std::vector<Flag> flags = MakeFlags();
  return flags;
}

const Flag* FindFlag(std::string_view name) {
  for (const Flag& flag : Flags()) {
    if (name == flag.name || (!flag.alias.empty() && name == flag.alias)) return &flag;
  }
  return nullptr;
}

}  // namespace tidegate::ctl
