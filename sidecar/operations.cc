#include "sidecar/operations.h"

#include <prometheus/metric_family.h>

#include <algorithm>

#include "server/base/strings.h"
#include "server/telemetry/metrics.h"
#include "server/telemetry/text_writer.h"

namespace tidegate::sidecar {
namespace {

class OperationsHandler : public http::Handler {
 public:
  explicit OperationsHandler(OperationsSources sources) : sources_(std::move(sources)) {}

  Task<void> Handle(http::Exchange& exchange) override {
    const http::RequestHead& head = exchange.head();
    http::ResponseHead response(200);
    std::string body;
    if (head.method != "GET" && head.method != "HEAD") {
      response.status = 405;
      response.Add("Allow", "GET, HEAD");
      body = "only GET and HEAD are answered here\n";
      response.Add("Content-Type", "text/plain; charset=utf-8");
    } else {
      Answer(head, response, body);
    }
    response.Add("Cache-Control", "no-store");
    (void)co_await exchange.Respond(response, body);  // whoever has gone has no use for it
  }

 private:
  void Answer(const http::RequestHead& head, http::ResponseHead& response, std::string& body) {
    if (head.path == "/metrics") {
      const auto format =
          telemetry::NegotiateFormat(head.Find("accept").value_or(std::string_view()));
      body = telemetry::WriteText(telemetry::Registry::Global().Collect(), format);
      response.Add("Content-Type", telemetry::ContentTypeOf(format));
      return;
    }
    if (head.path == "/version") {
      body = "{\"version\":";
      AppendJsonString(body, sources_.version);
      body += ",\"revision\":";
      AppendJsonString(body, sources_.revision);
      body += ",\"node\":";
      AppendJsonString(body, sources_.node);
      body += "}\n";
      response.Add("Content-Type", "application/json");
      return;
    }
    response.Add("Content-Type", "text/plain; charset=utf-8");
    if (head.path == "/livez") {
      Verdict(sources_.live(), head, response, body);
    } else if (head.path == "/readyz") {
      Verdict(sources_.ready(), head, response, body);
    } else if (head.path == "/startupz") {
      response.status = sources_.started() ? 200 : 503;
      body = response.status == 200 ? "ok\n" : "starting\n";
    } else {
      response.status = 404;
      body = "not found; there are /metrics /livez /readyz /startupz /version\n";
    }
  }

  // Failing checks are always named; passing ones with ?verbose.
  static void Verdict(const std::vector<ReadyCheck>& checks, const http::RequestHead& head,
                      http::ResponseHead& response, std::string& body) {
    const bool verbose = StartsWith(head.query, "verbose");
    bool ok = true;
    for (const ReadyCheck& check : checks) {
      ok = ok && check.ok;
      if (check.ok && !verbose) continue;
      body += check.ok ? "[+] " : "[-] ";
      body += check.name;
      if (!check.detail.empty()) body += ": " + check.detail;
      body += '\n';
    }
    response.status = ok ? 200 : 503;
    if (ok) body += "ok\n";
  }

  OperationsSources sources_;
};

}  // namespace

std::unique_ptr<http::Handler> MakeOperationsHandler(OperationsSources sources) {
  return std::make_unique<OperationsHandler>(std::move(sources));
}

}  // namespace tidegate::sidecar
