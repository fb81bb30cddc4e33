#include <ostream>

#include "sidecar/ctl/completion.h"
#include "sidecar/ctl/context.h"
#include "sidecar/ctl/help.h"
#include "sidecar/ctl/verbs.h"

namespace tidegate::ctl {

int Run(const std::vector<std::string>& words, const Environment& environment) {
  if (!words.empty() && words[0] == "__complete") {
    return RunComplete({words.begin() + 1, words.end()}, environment);
  }
  Options options;
  std::string error;
  const bool parsed = ParseArguments(words, options, error);
  Context context(options, environment);
  const Verb* verb = FindVerb(options.verb);
  int code = kDone;
  if (options.help && (verb != nullptr || options.verb.empty())) {
    verb != nullptr ? PrintHelp(*verb, environment.out) : PrintHelp(environment.out);
  } else if (!parsed) {
    code = context.Usage(error);
  } else if (verb == nullptr) {
    PrintHelp(environment.err);
    code = kUsage;
  } else {
    code = verb->run(context);
  }
  environment.out.flush();
  environment.err.flush();
  // A full disk or a closed pipe: what was asked for did not arrive.
  if (!environment.out && code == kDone) return context.Refused("cannot write the output");
  return code;
}

}  // namespace tidegate::ctl
