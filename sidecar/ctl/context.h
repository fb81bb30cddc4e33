// One run of tidegatectl: its options, its machine, its server, and how it reports.
//
// Thread: main. Owner: Run. Fails: what goes wrong is reported once, by the function that found it,
// and answered as an exit code.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sidecar/ctl/client.h"
#include "sidecar/ctl/environment.h"
#include "sidecar/ctl/exit_code.h"
#include "sidecar/ctl/options.h"
#include "sidecar/ctl/target.h"

namespace tidegate::ctl {

class SourceMap;

class Context {
 public:
  Context(const Options& options, const Environment& environment)
      : options(options), environment(environment) {}

  const Options& options;
  const Environment& environment;
  // Where the fields of the files stand, so that a refusal names file, line and column.
  const SourceMap* sources = nullptr;

  std::ostream& out() { return environment.out; }
  std::ostream& err() { return environment.err; }

  // "error: …" and exit code 2.
  int Usage(std::string_view text);
  int Refused(std::string_view text);
  int TimedOut(std::string_view text);
  void Warn(std::string_view text);
  // Talk on stderr, for people; scripts read stdout.
  void Say(std::string_view text);

  // The one argument of a verb, of a type that it takes. False: reported.
  bool OneTarget(std::initializer_list<Type> types, Target& target);
  // All arguments, at least one.
  bool Targets(std::initializer_list<Type> types, std::vector<Target>& targets);

  // `what` as in "deploy api/orders". 0, or the exit code of a failure that was reported.
  int Call(std::string_view method, std::string_view what,
           const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response);
  // The same without a report.
  CallResult TryCall(std::string_view method, const google::protobuf::MessageLite& request,
                     google::protobuf::MessageLite& response);
  int Report(const CallResult& result, std::string_view what);

  std::chrono::milliseconds timeout() const;
  // Waits a little before the next look; false when --timeout is over. Calls made meanwhile end
  // with it as well.
  bool WaitForNextLook();
  // The server's address for messages; empty before the first call.
  std::string ServerText() const;
  const std::string& connect_error() const { return connect_error_; }

 private:
  bool Connect();
  bool ReadCredentials(const ServerAddress& address, Credentials& credentials);

  std::unique_ptr<Client> client_;
  std::string connect_error_;
  std::optional<std::chrono::system_clock::time_point> end_;  // of the waiting
};

// The whole program: parses, runs the verb, flushes.
int Run(const std::vector<std::string>& words, const Environment& environment);

}  // namespace tidegate::ctl
