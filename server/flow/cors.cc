#include "server/flow/cors.h"

#include <algorithm>

#include "server/base/strings.h"

namespace tidegate::flow {
namespace {

bool Listed(const std::vector<std::string>& list, std::string_view value) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& entry) {
    return entry == "*" || EqualsIgnoreCase(entry, value);
  });
}

// Methods that need no preflight are always allowed by it (Fetch, "CORS-safelisted method").
bool MethodAllowed(const model::Cors& cors, std::string_view method) {
  if (cors.allow_methods.empty()) {
    return method == "GET" || method == "HEAD" || method == "POST";
  }
  return std::any_of(cors.allow_methods.begin(), cors.allow_methods.end(),
                     [&](const std::string& entry) { return entry == "*" || entry == method; });
}

void AddOrigin(const model::Cors& cors, std::string_view origin, http::ResponseHead& answer) {
  const bool any = Listed(cors.allow_origins, "*") && !cors.allow_credentials;
  answer.Add("Access-Control-Allow-Origin", any ? "*" : origin);
  if (!any) answer.Add("Vary", "Origin");
  if (cors.allow_credentials) answer.Add("Access-Control-Allow-Credentials", "true");
}

}  // namespace

bool OriginListed(const model::Cors& cors, std::string_view origin) {
  return !origin.empty() && Listed(cors.allow_origins, ToLower(origin));
}

bool IsPreflight(const http::RequestHead& head) {
  return head.method == "OPTIONS" && head.Find("Origin") &&
         head.Find("Access-Control-Request-Method");
}

bool AnswerPreflight(const model::Cors& cors, const http::RequestHead& head,
                     http::ResponseHead& answer) {
  const std::string_view origin = *head.Find("Origin");
  const std::string_view method = *head.Find("Access-Control-Request-Method");
  if (!OriginListed(cors, origin) || !MethodAllowed(cors, method)) return false;
  const std::string wanted = head.FindAll("Access-Control-Request-Headers");
  for (std::string_view name : Split(wanted, ',')) {
    name = Trim(name);
    if (!name.empty() && !Listed(cors.allow_headers, name)) return false;
  }
  answer.status = 200;
  AddOrigin(cors, origin, answer);
  const std::string methods = Join(cors.allow_methods, ", ");
  answer.Add("Access-Control-Allow-Methods", methods.empty() ? "GET, HEAD, POST" : methods);
  if (!wanted.empty()) answer.Add("Access-Control-Allow-Headers", wanted);
  if (cors.max_age.count() >= 0) {
    answer.Add("Access-Control-Max-Age", std::to_string(cors.max_age.count()));
  }
  return true;
}

void AddCorsHeaders(const model::Cors& cors, std::string_view origin,
                    http::ResponseHead& answer) {
  if (!OriginListed(cors, origin)) return;
  AddOrigin(cors, origin, answer);
  if (!cors.expose_headers.empty()) {
    answer.Add("Access-Control-Expose-Headers", Join(cors.expose_headers, ", "));
  }
}

}  // namespace tidegate::flow
