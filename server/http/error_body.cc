#include "server/http/error_body.h"

#include "server/base/strings.h"

namespace tidegate::http {

namespace {

void AppendMember(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += out.size() > 1 ? ",\"" : "\"";
  out += name;
  out += "\":";
  AppendJsonString(out, value);
}

}  // namespace

std::string ErrorJson(const ErrorAnswer& answer, std::string_view request_id) {
  std::string out = "{";
  AppendMember(out, "message", answer.message);
  out += out.size() > 1 ? "," : "";
  out += "\"http_status_code\":" + std::to_string(answer.status);
  AppendMember(out, "key", answer.key);
  AppendMember(out, "outcome", answer.outcome);
  AppendMember(out, "requestId", request_id);
  out += "}";
  return out;
}

bool AcceptsJson(const RequestHead& head) {
  for (const HeaderView& header : head.headers) {
    if (!EqualsIgnoreCase(header.name, "accept")) continue;
    const std::string value = ToLower(header.value);
    if (value.find("application/json") != std::string::npos) return true;
    if (value.find("*/*") != std::string::npos) return true;
  }
  return false;
}

std::string ErrorBody(const ErrorAnswer& answer, std::string_view request_id, bool json,
                      ResponseHead& head) {
  if (answer.message.empty()) return std::string();
  head.Add("Content-Type", json ? "application/json" : "text/plain");
  return json ? ErrorJson(answer, request_id) : std::string(answer.message);
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

}  // namespace tidegate::http
