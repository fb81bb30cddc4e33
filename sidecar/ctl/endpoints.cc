// add, set, rm: the endpoints of an API, one at a time. The API is read, changed and written back
// under its etag, then deployed if it was.
#include <iterator>
#include <ostream>

#include "server/base/strings.h"
#include "server/config/yaml_printer.h"
#include "server/config/yaml_reader.h"
#include "sidecar/ctl/assignments.h"
#include "sidecar/ctl/fetch.h"
#include "sidecar/ctl/source_map.h"
#include "sidecar/ctl/store.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/config/v1/api.pb.h"

namespace tidegate::ctl {
namespace {

namespace v1 = tidegate::config::v1;
using config::TextNode;

// endpoint/API/GROUP/NAME; the group may be left out where it is clear.
struct EndpointName {
  Target target;
  std::string group;
  std::string name;
};

bool ParseEndpoint(Context& context, EndpointName& endpoint) {
  if (context.options.arguments.empty()) {
    context.Usage(context.options.verb + " needs endpoint/API/GROUP/NAME");
    return false;
  }
  std::string error;
  Target& target = endpoint.target;
  if (!ParseTarget(context.options.arguments[0], target, error)) {
    context.Usage(error);
    return false;
  }
  if (target.type != Type::kEndpoint || !target.IsOne()) {
    context.Usage(context.options.verb + " needs endpoint/API/GROUP/NAME");
    return false;
  }
  endpoint.name = target.Id();
  if (target.parts.size() == 3) endpoint.group = target.parts[1];
  return true;
}

Target ApiOf(const EndpointName& endpoint) { return {Type::kApi, {endpoint.target.parts[0]}}; }

// The endpoint's place; -1 in `index` when the group has none of the name.
v1::EndpointGroup* Find(v1::Api& api, const EndpointName& endpoint, int& index) {
  v1::EndpointGroup* group = nullptr;
  for (v1::EndpointGroup& candidate : *api.mutable_endpoint_groups()) {
    if (!endpoint.group.empty() && candidate.name() != endpoint.group) continue;
    if (group == nullptr) group = &candidate;
    for (int i = 0; i < candidate.endpoints_size(); ++i) {
      if (candidate.endpoints(i).name() != endpoint.name) continue;
      index = i;
      return &candidate;
    }
  }
  return group;
}

int Missing(Context& context, const EndpointName& endpoint, bool group_found) {
  context.Refused(ApiOf(endpoint).Text() + " has no " +
                  (group_found ? "endpoint \"" + endpoint.name
                               : "endpoint group \"" + endpoint.group) +
                  "\"\n  next: tidegatectl get endpoints/" + endpoint.target.parts[0] +
                  " lists what is there");
  return kNotFound;
}

// The fields of -f and of FIELD=VALUE, on top of what is there.
int Overlaid(Context& context, TextNode& tree) {
  const Options& options = context.options;
  for (const std::string& path : options.files) {
    std::string text;
    std::string error;
    config::Violations violations;
    std::vector<TextNode> nodes;
    if (!ReadFragment(context.environment, path, text)) {
      return context.Usage("-f: cannot read " + path);
    }
    config::ParseText(path, text, nodes, violations);
    if (!violations.empty()) {
      PrintViolations(context, violations);
      return kRefused;
    }
    if (nodes.size() != 1 || nodes[0].kind != TextNode::Kind::kMap) {
      return context.Refused(path + ": must hold the fields of one endpoint");
    }
    Overlay(nodes[0], tree);
  }
  for (std::size_t i = 1; i < options.arguments.size(); ++i) {
    std::string error;
    if (!Assign(options.arguments[i], tree, error)) return context.Usage(error);
  }
  return kDone;
}

// `endpoint` as it is, with what the command line says on top.
int Change(Context& context, const EndpointName& name, v1::Endpoint& endpoint) {
  std::vector<TextNode> nodes;
  config::Violations violations;
  config::ParseText("", config::Print(endpoint), nodes, violations);
  TextNode tree;
  if (!nodes.empty()) tree = std::move(nodes[0]);
  if (const int code = Overlaid(context, tree); code != kDone) return code;
  const auto message = config::ReadMessage(v1::Endpoint::descriptor(), "",
                                           config::WriteYaml(tree), violations);
  if (!violations.empty()) {
    // The lines are those of a text that nobody sees.
    for (config::Violation& violation : violations) violation.line = violation.column = 0;
    PrintViolations(context, violations);
    return kRefused;
  }
  endpoint = static_cast<const v1::Endpoint&>(*message);
  if (endpoint.name() == name.name) return kDone;
  return context.Refused("an endpoint keeps its name; add another and rm this one");
}

}  // namespace

int RunAddEndpoint(Context& context) {
  EndpointName name;
  if (!ParseEndpoint(context, name)) return kUsage;
  Fetched fetched;
  const Target target = ApiOf(name);
  if (const int code = Fetch(context, target, fetched); code != kDone) return code;
  const auto& before = static_cast<const v1::Api&>(*fetched.items[0].message);
  v1::Api after = before;
  int index = -1;
  v1::EndpointGroup* group = Find(after, name, index);
  if (group == nullptr) return Missing(context, name, false);
  if (index >= 0) {
    return context.Refused(name.target.Text() + " exists; tidegatectl set changes it");
  }
  if (name.group.empty() && after.endpoint_groups_size() > 1) {
    return context.Usage("the API has several groups: write endpoint/API/GROUP/NAME");
  }
  v1::Endpoint endpoint;
  endpoint.set_name(name.name);
  if (const int code = Change(context, name, endpoint); code != kDone) return code;
  *group->add_endpoints() = std::move(endpoint);
  return Store(context, target, before, after);
}

int RunSetEndpoint(Context& context) {
  EndpointName name;
  if (!ParseEndpoint(context, name)) return kUsage;
  if (context.options.arguments.size() < 2 && context.options.files.empty()) {
    return context.Usage("set needs FIELD=VALUE or -f");
  }
  Fetched fetched;
  const Target target = ApiOf(name);
  if (const int code = Fetch(context, target, fetched); code != kDone) return code;
  const auto& before = static_cast<const v1::Api&>(*fetched.items[0].message);
  v1::Api after = before;
  int index = -1;
  v1::EndpointGroup* group = Find(after, name, index);
  if (group == nullptr || index < 0) return Missing(context, name, group != nullptr);
  if (const int code = Change(context, name, *group->mutable_endpoints(index)); code != kDone) {
    return code;
  }
  return Store(context, target, before, after);
}

int RunRemoveEndpoint(Context& context) {
  EndpointName name;
  if (!ParseEndpoint(context, name)) return kUsage;
  if (context.options.arguments.size() > 1) return context.Usage("rm takes one name");
  Fetched fetched;
  const Target target = ApiOf(name);
  if (const int code = Fetch(context, target, fetched); code != kDone) return code;
  if (fetched.missing) return kDone;
  const auto& before = static_cast<const v1::Api&>(*fetched.items[0].message);
  v1::Api after = before;
  int index = -1;
  v1::EndpointGroup* group = Find(after, name, index);
  if (group == nullptr || index < 0) {
    if (context.options.ignore_not_found) return kDone;
    return Missing(context, name, group != nullptr);
  }
  if (group->endpoints_size() == 1) {
    return context.Refused(name.target.Text() + " is the last of its group; a group needs one");
  }
  group->mutable_endpoints()->DeleteSubrange(index, 1);
  return Store(context, target, before, after);
}

}  // namespace tidegate::ctl
