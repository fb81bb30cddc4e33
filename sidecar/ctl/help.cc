#include "sidecar/ctl/help.h"

#include <algorithm>
#include <ostream>

namespace tidegate::ctl {
namespace {

void PrintFlag(const Flag& flag, std::ostream& out) {
  std::string left = flag.alias.empty() ? "    " : std::string(flag.alias) + ", ";
  left += flag.name;
  if (!flag.value.empty()) left += " " + std::string(flag.value);
  out << "  " << left << std::string(left.size() < 30 ? 30 - left.size() : 1, ' ') << flag.help
      << '\n';
}

}  // namespace

std::string UsageLine(const Verb& verb) {
  std::string line = "tidegatectl " + std::string(verb.name);
  if (!verb.arguments.empty()) line += " " + std::string(verb.arguments);
  return line + " [flags]";
}

void PrintHelp(const Verb& verb, std::ostream& out) {
  out << verb.summary << ".\n\nUsage:\n  " << UsageLine(verb) << "\n\nExample:\n  "
      << verb.example << "\n\nFlags:\n";
  for (const Flag& flag : Flags()) {
    const bool own = std::find(verb.flags.begin(), verb.flags.end(), flag.name) != verb.flags.end();
    if (own) PrintFlag(flag, out);
  }
  for (const Flag& flag : Flags()) {
    if (flag.everywhere) PrintFlag(flag, out);
  }
}

void PrintHelp(std::ostream& out) {
  out << "tidegatectl drives a Tidegate gateway: its APIs, plans, subscriptions and keys.\n\n"
         "Usage:\n  tidegatectl VERB [TYPE/NAME] [flags]\n\nVerbs:\n";
  for (const Verb& verb : Verbs()) {
    const std::string name(verb.name);
    out << "  " << name << std::string(14 - std::min<std::size_t>(name.size(), 13), ' ')
        << verb.summary << '\n';
  }
  out << "\nTypes and how they are named:\n"
         "  api/orders            plan/orders/gold     subscription/orders/storefront\n"
         "  application/storefront                     key/orders/storefront/main\n"
         "  endpoint/orders/main                       (lists: get apis, get plans/orders)\n\n"
         "Exit codes:\n"
         "  0 done   1 differs (diff)   2 usage   3 refused   4 unreachable   5 timed out\n"
         "  6 not found   7 conflict (etag)\n\n"
         "tidegatectl VERB --help shows a verb's flags and an example.\n";
}

}  // namespace tidegate::ctl
