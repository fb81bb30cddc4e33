// connections, drain, version, test: the running process.
#include <ostream>

#include <google/protobuf/util/time_util.h>

#include "sidecar/ctl/output.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/admin/v1/runtime_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;

constexpr int kUnavailableCode = 14;  // of gRPC

int WaitForDrain(Context& context, const admin::StartDrainRequest& request) {
  int last = -1;
  do {
    admin::DrainStatus status;
    // Asking again changes nothing on a server that drains.
    const CallResult result = context.TryCall("RuntimeService/StartDrain", request, status);
    const bool cut_off = result.code == kUnavailableCode && result.reason.empty();
    if (result.unreachable || cut_off) {
      context.Say("drained: the gateway has ended");
      return kDone;
    }
    if (!result.ok()) return context.Report(result, "drain");
    if (status.connections() == 0) {
      context.Say("drained: no connections are left");
      return kDone;
    }
    if (status.connections() != last) {
      last = status.connections();
      context.Say("draining: " + Count(static_cast<std::size_t>(last), "connection") + " left");
    }
  } while (context.WaitForNextLook());
  return context.TimedOut("drain: connections are left after the time; the gateway goes on "
                          "draining");
}

}  // namespace

int RunConnections(Context& context) {
  admin::ListConnectionsRequest request;
  request.set_parent("apis/-");
  request.set_page_size(500);
  if (!context.options.arguments.empty()) {
    Target target;
    if (!context.OneTarget({Type::kApi}, target)) return kUsage;
    if (target.IsOne()) request.set_parent(target.FullName());
  }
  std::vector<admin::Connection> connections;
  while (true) {
    admin::ListConnectionsResponse page;
    const int code = context.Call("RuntimeService/ListConnections", "connections", request, page);
    if (code != kDone) return code;
    for (auto& item : *page.mutable_connections()) connections.push_back(std::move(item));
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  std::vector<Item> items;
  Table table({"ID", "API", "ENTRYPOINT", "CLIENT", "PLAN", "SUBSCRIPTION", "AGE", "SENT",
               "RECEIVED", "PENDING"});
  for (const admin::Connection& connection : connections) {
    items.push_back({connection.id(), &connection});
    table.Add({connection.id(), LastPart(connection.api()), connection.entrypoint(),
               connection.client_address(), LastPart(connection.plan()),
               LastPart(connection.subscription()), AgeOf(context, connection.start_time()),
               std::to_string(connection.messages_sent()),
               std::to_string(connection.messages_received()),
               std::to_string(connection.pending_bytes()) + "B"});
  }
  if (PrintItems(context, items, true)) return kDone;
  if (items.empty()) {
    context.Say("no connections");
  } else {
    PrintTable(context, table);
  }
  return kDone;
}

int RunDrain(Context& context) {
  if (!context.options.arguments.empty()) return context.Usage("drain takes no name");
  admin::DrainStatus status;
  if (context.options.cancel) {
    const int code = context.Call("RuntimeService/CancelDrain", "cancel the drain",
                                  admin::CancelDrainRequest(), status);
    if (code == kDone) context.Say("the gateway takes requests again");
    return code;
  }
  const admin::StartDrainRequest request;
  const int code = context.Call("RuntimeService/StartDrain", "drain", request, status);
  if (code != kDone) return code;
  if (!context.options.no_wait) return WaitForDrain(context, request);
  context.Say("draining: " + Count(static_cast<std::size_t>(status.connections()), "connection") +
              " left");
  return kDone;
}

int RunVersion(Context& context) {
  if (!context.options.arguments.empty()) return context.Usage("version takes no name");
  admin::ServerInfo info;
  const CallResult result =
      context.TryCall("RuntimeService/GetServerInfo", admin::GetServerInfoRequest(), info);
  const std::string& output = context.options.output;
  if (output == "json" || output == "proto-json") {
    context.out() << "{\n  \"tidegatectl\": \"" << TIDEGATE_VERSION << "\"";
    if (result.ok()) context.out() << ",\n  \"tidegate\": " << Indented(ProtoJson(info));
    context.out() << "\n}\n";
  } else {
    context.out() << "tidegatectl " << TIDEGATE_VERSION << '\n';
    if (result.ok()) {
      context.out() << "tidegate    " << info.version() << " at " << context.ServerText() << '\n'
                    << "  node " << info.node() << ", " << Count(info.workers(), "worker")
                    << ", up " << AgeOf(context, info.start_time()) << ", pid " << info.pid()
                    << ", configuration " << info.config_revision() << '\n';
    }
  }
  // Without a gateway the tool still has a version.
  if (!result.ok()) {
    context.Say("tidegate    not reached" +
                (context.ServerText().empty() ? "" : " at " + context.ServerText()) + ": " +
                result.message);
  }
  return kDone;
}

int RunTest(Context& context) {
  Target target;
  if (!context.OneTarget({Type::kEndpoint}, target)) return kUsage;
  if (!target.IsOne()) return context.Usage("test needs endpoint/API/NAME");
  admin::TestEndpointRequest request;
  request.set_api(target.Parent());
  request.set_endpoint(target.Id());
  if (context.options.timeout) {
    // The gateway stops first, so that it can say which step hung.
    const auto inner = *context.options.timeout * 9 / 10;
    *request.mutable_timeout() =
        google::protobuf::util::TimeUtil::MillisecondsToDuration(inner.count());
  }
  admin::TestEndpointResponse response;
  const int code =
      context.Call("RuntimeService/TestEndpoint", "test " + target.Text(), request, response);
  if (code != kDone) return code;
  if (!PrintItem(context, target.Text(), response)) {
    Table table({"STEP", "RESULT", "TIME", "FOUND"});
    for (const admin::EndpointTestStep& step : response.steps()) {
      const auto millis =
          google::protobuf::util::TimeUtil::DurationToMilliseconds(step.duration());
      const std::string time = step.has_duration() ? std::to_string(millis) + "ms" : "";
      std::string result = step.ok() ? "ok" : "failed";
      if (!step.error_class().empty()) result += " (" + step.error_class() + ")";
      table.Add({step.name(), result, time, step.message()});
    }
    PrintTable(context, table);
  }
  if (response.ok()) return kDone;
  return context.Refused(target.Text() + " does not work; the first failed step says why");
}

}  // namespace tidegate::ctl
