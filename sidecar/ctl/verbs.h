// The table of verbs: what each takes, says about itself, and does.
#pragma once

#include <string_view>
#include <vector>

#include "sidecar/ctl/context.h"

namespace tidegate::ctl {

struct Verb {
  std::string_view name;
  std::string_view arguments;  // as in "TYPE/NAME"
  std::string_view summary;    // one line, no full stop
  std::string_view example;
  std::vector<std::string_view> flags;  // beyond those that every verb takes
  int (*run)(Context&);
  std::vector<std::string_view> types;  // what may stand before the slash, for completion
};

const std::vector<Verb>& Verbs();
const Verb* FindVerb(std::string_view name);

// One function a verb; each answers with an exit code and has reported what went wrong.
int RunApply(Context& context);
int RunCreate(Context& context);
int RunValidate(Context& context);
int RunDiff(Context& context);
int RunGet(Context& context);
int RunDescribe(Context& context);
int RunEdit(Context& context);
int RunDelete(Context& context);
int RunDeploy(Context& context);
int RunUndeploy(Context& context);
int RunStart(Context& context);
int RunStop(Context& context);
int RunRollback(Context& context);
int RunHistory(Context& context);
int RunClone(Context& context);
int RunWait(Context& context);
int RunPublish(Context& context);
int RunDeprecate(Context& context);
int RunClose(Context& context);
int RunAccept(Context& context);
int RunReject(Context& context);
int RunPause(Context& context);
int RunResume(Context& context);
int RunTransfer(Context& context);
int RunRotate(Context& context);
int RunRevoke(Context& context);
int RunTest(Context& context);
int RunAddEndpoint(Context& context);
int RunSetEndpoint(Context& context);
int RunRemoveEndpoint(Context& context);
int RunExplain(Context& context);
int RunConnections(Context& context);
int RunDrain(Context& context);
int RunCompletion(Context& context);
int RunVersion(Context& context);

}  // namespace tidegate::ctl
