#include "sidecar/ctl/completion.h"

#include <algorithm>
#include <ostream>
#include <set>

#include "server/base/strings.h"
#include "sidecar/ctl/fetch.h"
#include "sidecar/ctl/verbs.h"

namespace tidegate::ctl {
namespace {

// A candidate that ends with a slash goes on: no space after it.
constexpr std::string_view kBash =
    R"(# tidegatectl completion for bash: source <(tidegatectl completion bash)
_tidegatectl() {
  local cur="${COMP_WORDS[COMP_CWORD]}" line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <(tidegatectl __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
    while IFS= read -r line; do
      COMPREPLY+=("$line")
    done < <(compgen -f -- "$cur")
  fi
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _tidegatectl tidegatectl
)";

constexpr std::string_view kZsh = R"(#compdef tidegatectl
# tidegatectl completion for zsh: source <(tidegatectl completion zsh)
_tidegatectl() {
  local -a candidates partial
  candidates=("${(@f)$(tidegatectl __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=(${candidates:#})
  if (( ${#candidates} == 0 )); then
    _files
    return
  fi
  partial=(${(M)candidates:#*/})
  candidates=(${candidates:#*/})
  compadd -- $candidates
  compadd -S '' -- $partial
}
compdef _tidegatectl tidegatectl
)";

constexpr std::string_view kFish =
    R"(# tidegatectl completion for fish: tidegatectl completion fish | source
function __tidegatectl_complete
    set -l words (commandline -opc) (commandline -ct)
    tidegatectl __complete $words[2..-1] 2>/dev/null
end
complete -c tidegatectl -a '(__tidegatectl_complete)'
)";

class Candidates {
 public:
  explicit Candidates(std::string_view prefix) : prefix_(prefix) {}
  void Add(std::string_view candidate) {
    if (StartsWith(candidate, prefix_)) found_.emplace(candidate);
  }
  void Print(std::ostream& out) const {
    for (const std::string& candidate : found_) out << candidate << '\n';
  }

 private:
  std::string prefix_;
  std::set<std::string> found_;
};

void AddFlags(const Verb* verb, Candidates& candidates) {
  for (const Flag& flag : Flags()) {
    const bool own = verb != nullptr && std::find(verb->flags.begin(), verb->flags.end(),
                                                  flag.name) != verb->flags.end();
    if (own || flag.everywhere) candidates.Add(flag.name);
  }
}

// The values of the flag before the cursor; false when they are free text or files.
bool AddValues(const Flag& flag, Candidates& candidates) {
  if (flag.name == "--output") {
    for (const auto* word : {"table", "yaml", "json", "proto-json", "name"}) candidates.Add(word);
  } else if (flag.name == "--for") {
    for (const auto* word : {"ready", "live", "stopped", "stored", "deleted"}) {
      candidates.Add(word);
    }
  }
  return !flag.value.empty();
}

// api/or<TAB>: the names that the server has. A part that is missing is completed with a slash.
void AddNames(const Options& options, const Environment& environment, std::string_view word,
              Candidates& candidates) {
  Target target;
  std::string error;
  const std::string_view stem = word.substr(0, word.rfind('/'));
  if (!ParseTarget(stem, target, error) || target.IsOne()) return;
  const std::string shown(stem.substr(0, stem.find('/')));
  Target listed = target;
  // The first name after the type is always the API's, of a type that stands below one.
  if (target.parts.empty() && Depth(target.type) > 1) listed = {Type::kApi, {}};
  if (target.type == Type::kKey && target.parts.size() == 1) {
    listed = {Type::kSubscription, target.parts};
  }
  Context context(options, environment);
  Fetched fetched;
  if (Fetch(context, listed, fetched) != kDone) return;
  for (const Item& item : fetched.items) {
    std::string candidate = shown;
    for (const std::string& part : target.parts) candidate += "/" + part;
    candidate += "/" + LastPart(item.name);
    if (target.parts.size() + 1 < Depth(target.type)) candidate += "/";
    candidates.Add(candidate);
  }
}

class NullStream : public std::ostream {
 public:
  NullStream() : std::ostream(nullptr) {}
};

}  // namespace

int RunCompletion(Context& context) {
  const auto& arguments = context.options.arguments;
  const std::string shell = arguments.size() == 1 ? arguments[0] : "";
  if (shell == "bash") {
    context.out() << kBash;
  } else if (shell == "zsh") {
    context.out() << kZsh;
  } else if (shell == "fish") {
    context.out() << kFish;
  } else {
    return context.Usage("completion takes bash, zsh or fish");
  }
  return kDone;
}

int RunComplete(const std::vector<std::string>& words, const Environment& environment) {
  const std::string current = words.empty() ? "" : words.back();
  Candidates candidates(current);
  Options options;
  std::string error;
  if (!words.empty()) ParseArguments({words.begin(), words.end() - 1}, options, error);
  const Verb* verb = FindVerb(options.verb);
  const Flag* before = words.size() < 2 ? nullptr : FindFlag(words[words.size() - 2]);
  if (before != nullptr && AddValues(*before, candidates)) {
    candidates.Print(environment.out);
    return kDone;
  }
  if (StartsWith(current, "-")) {
    AddFlags(verb, candidates);
  } else if (verb == nullptr) {
    for (const Verb& row : Verbs()) candidates.Add(row.name);
  } else if (verb->name == "completion") {
    for (const auto* shell : {"bash", "zsh", "fish"}) candidates.Add(shell);
  } else if (current.find('/') == std::string::npos) {
    for (const std::string_view type : verb->types) candidates.Add(std::string(type) + "/");
    if (verb->name == "get") {
      for (const std::string_view type : verb->types) candidates.Add(std::string(type) + "s");
    }
  } else {
    NullStream nowhere;
    Environment quiet = {environment.in, nowhere, nowhere};
    quiet.getenv = environment.getenv;
    quiet.sleep = environment.sleep;
    options.output = "name";
    options.timeout = std::chrono::seconds(1);  // a person waits at the prompt
    AddNames(options, quiet, current, candidates);
  }
  candidates.Print(environment.out);
  return kDone;
}

}  // namespace tidegate::ctl
