#include "sidecar/ctl/context.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>

#include "server/base/strings.h"
#include "sidecar/ctl/help.h"
#include "sidecar/ctl/style.h"
#include "sidecar/ctl/verbs.h"

namespace tidegate::ctl {
namespace {

// Deploys wait for every worker, and brokers' libraries may take their time to accept settings.
constexpr std::chrono::milliseconds kTimeout = std::chrono::seconds(60);
constexpr auto kLook = std::chrono::milliseconds(200);  // between two looks at the server
constexpr std::size_t kCredentialBytesMax = 1024 * 1024;  // a CA bundle has some 200 KiB

bool ReadCredential(const std::string& path, std::string& text) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  text.assign(std::istreambuf_iterator<char>(file), {});
  return !file.bad() && !text.empty() && text.size() <= kCredentialBytesMax;
}

}  // namespace

std::chrono::milliseconds Context::timeout() const {
  const auto whole = options.timeout.value_or(kTimeout);
  if (!end_) return whole;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      *end_ - environment.now());
  // The last look still has a chance.
  return std::clamp(left, std::min(whole, kLook), whole);
}

bool Context::WaitForNextLook() {
  const auto now = environment.now();
  if (!end_) end_ = now + timeout() - kLook;
  if (now >= *end_) return false;
  environment.sleep(kLook);
  return true;
}

int Context::Usage(std::string_view text) {
  const bool colour = UsesColour(environment, environment.err_is_tty);
  err() << Paint(colour, Colour::kRed, "error:") << ' ' << Printable(text) << '\n';
  const Verb* verb = FindVerb(options.verb);
  if (verb != nullptr) err() << "  usage: " << UsageLine(*verb) << '\n';
  return kUsage;
}

int Context::Refused(std::string_view text) {
  const bool colour = UsesColour(environment, environment.err_is_tty);
  err() << Paint(colour, Colour::kRed, "error:") << ' ' << Printable(text) << '\n';
  return kRefused;
}

int Context::TimedOut(std::string_view text) {
  Refused(text);
  err() << "  server: " << ServerText() << "\n  next: --timeout waits longer\n";
  return kTimedOut;
}

void Context::Warn(std::string_view text) {
  const bool colour = UsesColour(environment, environment.err_is_tty);
  err() << Paint(colour, Colour::kYellow, "warning:") << ' ' << Printable(text) << '\n';
}

void Context::Say(std::string_view text) { err() << Printable(text) << '\n'; }

bool Context::OneTarget(std::initializer_list<Type> types, Target& target) {
  std::vector<Target> targets;
  if (!Targets(types, targets)) return false;
  if (targets.size() > 1) {
    Usage(options.verb + " takes one name, not " + std::to_string(targets.size()));
    return false;
  }
  target = std::move(targets[0]);
  return true;
}

bool Context::Targets(std::initializer_list<Type> types, std::vector<Target>& targets) {
  std::vector<std::string> words;
  for (const Type type : types) words.emplace_back(TypeWord(type));
  if (options.arguments.empty()) {
    Usage(options.verb + " needs a name");
    return false;
  }
  for (const std::string& argument : options.arguments) {
    Target target;
    std::string error;
    if (!ParseTarget(argument, target, error)) {
      Usage(error);
      return false;
    }
    bool known = false;
    for (const Type type : types) known = known || type == target.type;
    if (!known) {
      Usage(options.verb + " takes " + Join(words, ", ") + ", not " +
            std::string(TypeWord(target.type)));
      return false;
    }
    targets.push_back(std::move(target));
  }
  return true;
}

bool Context::ReadCredentials(const ServerAddress& address, Credentials& credentials) {
  const std::pair<const std::string*, std::string*> files[] = {
      {&options.ca, &credentials.ca},
      {&options.cert, &credentials.cert},
      {&options.key, &credentials.key}};
  for (const auto& [path, text] : files) {
    if (path->empty()) continue;
    credentials.tls = true;
    if (ReadCredential(*path, *text)) continue;
    connect_error_ = "cannot read " + *path + ", or it is empty";
    return false;
  }
  if (options.cert.empty() != options.key.empty()) {
    connect_error_ = "--cert and --key go together";
    return false;
  }
  credentials.token = options.token;
  if (StartsWith(options.token, "@") &&
      !ReadCredential(options.token.substr(1), credentials.token)) {
    connect_error_ = "cannot read the token from " + options.token.substr(1) + ", or it is empty";
    return false;
  }
  credentials.token = std::string(Trim(credentials.token));
  for (const char c : credentials.token) {
    if (c > 0x20 && c < 0x7F) continue;
    connect_error_ = "--token: a token holds printable ASCII without spaces";
    return false;
  }
  if (!credentials.token.empty() && !credentials.tls && !address.is_loopback) {
    connect_error_ =
        "a token is not sent in the open to " + address.text + ": name the server's --ca";
    return false;
  }
  return true;
}

bool Context::Connect() {
  if (client_ != nullptr) return true;
  ServerAddress address;
  if (!ChooseServer(options.server, environment, address, connect_error_)) return false;
  Credentials credentials;
  if (!ReadCredentials(address, credentials)) return false;
  if (options.verbose) Say("server: " + address.text + " (" + address.origin + ")");
  client_ = std::make_unique<Client>(std::move(address), std::move(credentials));
  return true;
}

std::string Context::ServerText() const {
  if (client_ == nullptr) return "";
  return client_->address().text + " (" + client_->address().origin + ")";
}

CallResult Context::TryCall(std::string_view method, const google::protobuf::MessageLite& request,
                            google::protobuf::MessageLite& response) {
  if (Connect()) return client_->Call(method, request, response, timeout());
  CallResult result;
  result.code = 3;
  result.message = connect_error_;
  return result;
}

int Context::Call(std::string_view method, std::string_view what,
                  const google::protobuf::MessageLite& request,
                  google::protobuf::MessageLite& response) {
  if (!Connect()) return Usage(connect_error_);
  const CallResult result = client_->Call(method, request, response, timeout());
  return result.ok() ? kDone : Report(result, what);
}

}  // namespace tidegate::ctl
