// The table of verbs, in the order of a resource's life.
#include "sidecar/ctl/verbs.h"

namespace tidegate::ctl {
namespace {

using Words = std::vector<std::string_view>;

const Words kNoTypes = {};
const Words kApiOnly = {"api"};
const Words kSubscriptionOnly = {"subscription"};
const Words kStateFlags = {"--etag", "--force", "--dry-run"};
const Words kSubscriptionFlags = {"--reason", "--etag", "--dry-run"};
const Words kEndpointFlags = {"--file", "--no-deploy", "--force", "--dry-run"};

void AddFileVerbs(std::vector<Verb>& verbs) {
  verbs.push_back({"apply", "-f FILE…", "Make definitions live: create or update, then deploy",
                   "tidegatectl apply -f orders.yaml",
                   {"--file", "--dry-run", "--prune", "--owner", "--force", "--no-deploy",
                    "--output"},
                   RunApply, kNoTypes});
  verbs.push_back({"create", "[TYPE/NAME] [-f FILE…]", "Store something new without deploying it",
                   "tidegatectl create key/orders/storefront/main --expires 90d",
                   {"--file", "--plan", "--application", "--expires", "--sha256", "--key-from",
                    "--dry-run", "--output"},
                   RunCreate, {"api", "application", "subscription", "key"}});
  verbs.push_back({"validate", "-f FILE…", "Check definitions without a server",
                   "tidegatectl validate -f definitions/ --strict", {"--file", "--strict"},
                   RunValidate, kNoTypes});
  verbs.push_back({"diff", "-f FILE… | api/NAME",
                   "Show what apply would change, or how an API's states differ",
                   "tidegatectl diff -f orders.yaml",
                   {"--file", "--owner", "--prune", "--base", "--target", "--output"}, RunDiff,
                   kApiOnly});
}

void AddReadVerbs(std::vector<Verb>& verbs) {
  verbs.push_back({"get", "TYPE[/NAME]…", "Show resources; -o yaml prints what apply reads",
                   "tidegatectl get api/orders -o yaml", {"--output", "--ignore-not-found"},
                   RunGet,
                   {"api", "plan", "application", "subscription", "key", "endpoint", "listener"}});
  verbs.push_back({"describe", "TYPE/NAME", "Tell all about one resource, for people",
                   "tidegatectl describe api/orders", {}, RunDescribe,
                   {"api", "plan", "application", "subscription"}});
  verbs.push_back({"explain", "FIELD.PATH", "Explain a field of the definitions",
                   "tidegatectl explain api.entrypoints.sse", {}, RunExplain,
                   kNoTypes});
  verbs.push_back({"history", "api/NAME[/REVISION]", "List the revisions of an API, or show one",
                   "tidegatectl history api/orders", {"--output"}, RunHistory, kApiOnly});
}

void AddApiVerbs(std::vector<Verb>& verbs) {
  verbs.push_back({"edit", "TYPE/NAME", "Change a resource in $EDITOR, then deploy it",
                   "tidegatectl edit api/orders", {"--no-deploy", "--force"}, RunEdit,
                   {"api", "application", "subscription"}});
  verbs.push_back({"delete", "TYPE/NAME…", "Delete resources",
                   "tidegatectl delete api/orders --force",
                   {"--file", "--force", "--etag", "--ignore-not-found", "--dry-run"}, RunDelete,
                   {"api", "plan", "application", "subscription"}});
  verbs.push_back({"deploy", "api/NAME…", "Serve what is stored, as a new revision",
                   "tidegatectl deploy api/orders", kStateFlags, RunDeploy, kApiOnly});
  verbs.push_back({"undeploy", "api/NAME…", "Serve an API no longer; its definition stays",
                   "tidegatectl undeploy api/orders", kStateFlags, RunUndeploy, kApiOnly});
  verbs.push_back({"start", "api/NAME…", "Let a stopped API answer again",
                   "tidegatectl start api/orders", kStateFlags, RunStart, kApiOnly});
  verbs.push_back({"stop", "api/NAME…", "Let an API answer no longer; it stays deployed",
                   "tidegatectl stop api/orders", kStateFlags, RunStop, kApiOnly});
  verbs.push_back({"rollback", "api/NAME", "Deploy what an older revision held",
                   "tidegatectl rollback api/orders --to 3",
                   {"--to", "--etag", "--force", "--dry-run"}, RunRollback, kApiOnly});
  verbs.push_back({"clone", "api/NAME api/COPY", "Store a copy of an API under another name",
                   "tidegatectl clone api/orders api/orders-eu --path /orders-eu",
                   {"--path", "--dry-run"}, RunClone, kApiOnly});
  verbs.push_back({"wait", "[api/NAME] --for STATE", "Wait until an API, or the gateway, is ready",
                   "tidegatectl wait api/orders --for ready --timeout 30s", {"--for"}, RunWait,
                   kApiOnly});
}

void AddPlanAndSubscriptionVerbs(std::vector<Verb>& verbs) {
  verbs.push_back({"publish", "plan/API/NAME", "Offer a plan that was staging",
                   "tidegatectl publish plan/orders/gold", kStateFlags, RunPublish, {"plan"}});
  verbs.push_back({"deprecate", "plan/API/NAME",
                   "Let nobody new subscribe to a plan (cannot be undone)",
                   "tidegatectl deprecate plan/orders/gold", kStateFlags, RunDeprecate, {"plan"}});
  verbs.push_back({"close", "plan/… | subscription/…",
                   "End a plan or a subscription (cannot be undone)",
                   "tidegatectl close subscription/orders/storefront",
                   {"--reason", "--etag", "--force", "--dry-run"}, RunClose,
                   {"plan", "subscription"}});
  verbs.push_back({"accept", "subscription/API/NAME", "Accept a pending subscription",
                   "tidegatectl accept subscription/orders/storefront", kSubscriptionFlags,
                   RunAccept, kSubscriptionOnly});
  verbs.push_back({"reject", "subscription/API/NAME", "Refuse a pending subscription",
                   "tidegatectl reject subscription/orders/storefront --reason \"ask sales\"",
                   kSubscriptionFlags, RunReject, kSubscriptionOnly});
  verbs.push_back({"pause", "subscription/API/NAME", "Hold a subscription; its streams end",
                   "tidegatectl pause subscription/orders/storefront", kSubscriptionFlags,
                   RunPause, kSubscriptionOnly});
  verbs.push_back({"resume", "subscription/API/NAME", "Let a paused subscription go on",
                   "tidegatectl resume subscription/orders/storefront", kSubscriptionFlags,
                   RunResume, kSubscriptionOnly});
  verbs.push_back({"transfer", "subscription/API/NAME --plan PLAN",
                   "Move a subscription to another plan of its API",
                   "tidegatectl transfer subscription/orders/storefront --plan gold",
                   {"--plan", "--etag", "--dry-run"}, RunTransfer, kSubscriptionOnly});
  verbs.push_back({"rotate", "key/API/SUBSCRIPTION/NAME",
                   "Make a new key; the old one holds for a while",
                   "tidegatectl rotate key/orders/storefront/main --grace 1h",
                   {"--grace", "--key-from", "--dry-run", "--output"}, RunRotate, {"key"}});
  verbs.push_back({"revoke", "key/API/SUBSCRIPTION/NAME", "Let a key hold no longer",
                   "tidegatectl revoke key/orders/storefront/main", {"--dry-run"}, RunRevoke,
                   {"key"}});
}

void AddEndpointAndProcessVerbs(std::vector<Verb>& verbs) {
  verbs.push_back({"add", "endpoint/API/GROUP/NAME [FIELD=VALUE…]",
                   "Add an endpoint to a group, then deploy",
                   "tidegatectl add endpoint/orders/default/b kafka.bootstrapServers=[b:9092]",
                   kEndpointFlags, RunAddEndpoint, {"endpoint"}});
  verbs.push_back({"set", "endpoint/API/GROUP/NAME FIELD=VALUE…",
                   "Change fields of an endpoint, then deploy",
                   "tidegatectl set endpoint/orders/default/b weight=3 secondary=true",
                   kEndpointFlags, RunSetEndpoint, {"endpoint"}});
  verbs.push_back({"rm", "endpoint/API/GROUP/NAME", "Remove an endpoint, then deploy",
                   "tidegatectl rm endpoint/orders/default/b",
                   {"--no-deploy", "--force", "--dry-run", "--ignore-not-found"},
                   RunRemoveEndpoint, {"endpoint"}});
  verbs.push_back({"test", "endpoint/API/NAME", "Try an endpoint, step by step",
                   "tidegatectl test endpoint/orders/main", {"--output"}, RunTest, {"endpoint"}});
  verbs.push_back({"connections", "[api/NAME]", "List the connections of consumers",
                   "tidegatectl connections api/orders", {"--output"}, RunConnections, kApiOnly});
  verbs.push_back({"drain", "", "Take no more requests and tell streams to go",
                   "tidegatectl drain --no-wait", {"--no-wait", "--cancel"}, RunDrain, kNoTypes});
  verbs.push_back({"completion", "bash|zsh|fish", "Print a completion script for your shell",
                   "source <(tidegatectl completion bash)", {}, RunCompletion, kNoTypes});
  verbs.push_back({"version", "", "Show the versions of this tool and of the gateway",
                   "tidegatectl version -o json", {"--output"}, RunVersion, kNoTypes});
}

}  // namespace

const std::vector<Verb>& Verbs() {
  static const std::vector<Verb> verbs = [] {
    std::vector<Verb> list;
    AddFileVerbs(list);
    AddReadVerbs(list);
    AddApiVerbs(list);
    AddPlanAndSubscriptionVerbs(list);
    AddEndpointAndProcessVerbs(list);
    return list;
  }();
  return verbs;
}

const Verb* FindVerb(std::string_view name) {
  for (const Verb& verb : Verbs()) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

}  // namespace tidegate::ctl
