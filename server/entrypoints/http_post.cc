// http-post: the whole body becomes one message; 202 once the endpoint has it.
#include <algorithm>
#include <array>

#include "server/base/strings.h"
#include "server/entrypoints/builtin.h"
#include "server/entrypoints/settings.h"
#include "server/flow/call.h"

namespace tidegate::entrypoints {
namespace {

using connectors::Qos;

// Of the connection, not of the message (RFC 9110 §7.6.1), and what frames this request's body.
constexpr std::array<std::string_view, 11> kNotForMessages = {
    "connection", "keep-alive",        "proxy-connection", "te",     "trailer", "transfer-encoding",
    "upgrade",    "proxy-authenticate", "content-length",  "expect", "http2-settings"};

// The headers of a message, copied: the head's bytes go when the body is read.
struct HeaderCopies {
  std::vector<std::pair<std::string, std::string>> texts;
  std::vector<connectors::HeaderField> views;
};

// Names that `Connection` lists are of the connection too.
bool ListedByConnection(std::string_view connection, std::string_view name) {
  for (std::string_view option : Split(connection, ',')) {
    if (EqualsIgnoreCase(Trim(option), name)) return true;
  }
  return false;
}

void CopyHeaders(flow::Call& call, HeaderCopies& out) {
  const http::RequestHead& head = call.exchange().head();
  const std::string connection = head.FindAll("Connection");
  out.texts.reserve(head.headers.size());
  for (const http::HeaderView& header : head.headers) {
    const bool skip =
        std::any_of(kNotForMessages.begin(), kNotForMessages.end(),
                    [&](std::string_view name) { return EqualsIgnoreCase(name, header.name); }) ||
        ListedByConnection(connection, header.name) || call.IsCredentialHeader(header.name);
    if (!skip) out.texts.emplace_back(header.name, header.value);
  }
  out.views.resize(out.texts.size());
  for (std::size_t i = 0; i < out.texts.size(); ++i) {
    out.views[i].name = out.texts[i].first;
    out.views[i].value = out.texts[i].second;
  }
}

class HttpPost final : public flow::Entrypoint {
 public:
  explicit HttpPost(const HttpPostSettings& settings) : settings_(settings) {}

  std::string_view kind() const override { return "http-post"; }

  flow::Needs needs() const override {
    flow::Needs needs;
    needs.publish = true;
    needs.accepts = connectors::QosSet::Of(Qos::kNone, Qos::kAuto);
    return needs;
  }

  bool Matches(const http::RequestHead& head) const override { return head.method == "POST"; }

  Task<void> Serve(flow::Call& call) const override {
    HeaderCopies headers;
    if (settings_.request_headers_to_message) CopyHeaders(call, headers);
    StatusOr<std::string_view> body = std::string_view();
    if (const auto at_hand = call.exchange().BodyAtHand(call.body_bytes_max())) {
      body = *at_hand;
    } else if (call.exchange().has_body()) {
      body = co_await call.exchange().ReadBody(call.body_bytes_max());
    }
    if (!body.ok()) {
      co_await call.Fail(body.status());
      co_return;
    }
    connectors::OutMessage message;
    message.content = *body;
    message.headers = headers.views;
    connectors::PublishResult result = co_await call.Publish(message);
    if (result.outcome != connectors::Outcome::kOk) {
      co_await call.Fail(std::move(result.status), result.outcome);
      co_return;
    }
    http::ResponseHead head(202);
    Status sent;  // the broker has it; that the client may not know is its "unknown"
    if (!call.RespondAtOnce(head, std::string_view(), sent)) {
      sent = co_await call.exchange().SendUnsent(std::string_view());
    }
  }

 private:
  const HttpPostSettings settings_;
};

}  // namespace

StatusOr<EntrypointPtr> MakeHttpPost(const google::protobuf::Message& settings,
                                     const flow::EntrypointContext&) {
  TG_ASSIGN_OR_RETURN(const HttpPostSettings read, ReadHttpPost(settings));
  return EntrypointPtr(std::make_shared<const HttpPost>(read));
}

}  // namespace tidegate::entrypoints
