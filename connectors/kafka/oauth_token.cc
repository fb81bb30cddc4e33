#include "connectors/kafka/oauth_token.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "server/base/codec.h"
#include "server/base/strings.h"

namespace tidegate::kafka {
namespace {

namespace json = boost::json;

constexpr std::int64_t kLifeUnsaidMs = 3'600'000;

Status Refuse(std::string_view why) {
  return MakeError(ErrorClass::kAuthFailed, "kafka token: " + std::string(why));
}

std::optional<json::object> ParseObject(std::string_view text) {
  json::parse_options options;
  options.max_depth = 8;
  json::error_code ec;
  json::value value =
      json::parse(json::string_view(text.data(), text.size()), ec, json::storage_ptr(), options);
  if (ec || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string TextOf(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return "";
  return std::string(value->get_string().data(), value->get_string().size());
}

// Seconds, as a number or (some servers) a text of digits; nullopt when there are none.
std::optional<std::int64_t> SecondsOf(const json::object& object, const char* name) {
  constexpr double kMost = 4e11;  // the year 14,000: more overflows in milliseconds
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) {
    const auto digits = ParseUint(TextOf(object, name));
    if (!digits || *digits > static_cast<std::uint64_t>(kMost)) return std::nullopt;
    return static_cast<std::int64_t>(*digits);
  }
  json::error_code ec;
  const double number = value->to_number<double>(ec);
  if (ec || !(number >= 0) || number > kMost) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::optional<std::string> Base64UrlDecode(std::string_view text) {
  std::string standard(text);
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  standard.append((4 - standard.size() % 4) % 4, '=');
  return Base64Decode(standard);
}

std::string Base64Url(std::string_view bytes) {
  std::string text = Base64(bytes);
  while (!text.empty() && text.back() == '=') text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

// The claims of a JWT; nullopt: the token is of another kind, which is fine.
std::optional<json::object> ClaimsOf(std::string_view token) {
  const std::vector<std::string_view> parts = Split(token, '.');
  if (parts.size() != 3) return std::nullopt;
  const auto text = Base64UrlDecode(parts[1]);
  return text ? ParseObject(*text) : std::nullopt;
}

// RFC 6750 section 2.1: what a bearer token is made of.
bool IsToken(std::string_view value) {
  return !value.empty() && value.size() <= kTokenBytesMax &&
         std::all_of(value.begin(), value.end(), [](unsigned char c) {
           return c < 128 && (std::isalnum(c) != 0 ||
                              std::string_view("-._~+/=").find(static_cast<char>(c)) !=
                                  std::string_view::npos);
         });
}

StatusOr<Token> MakeToken(std::string value, std::string principal, std::int64_t life_ms,
                          std::int64_t now_unix_ms) {
  if (!IsToken(value)) return Refuse("it holds characters that no bearer token has");
  Token token;
  token.expires_unix_ms = now_unix_ms + life_ms;
  token.principal = std::move(principal);
  if (const auto claims = ClaimsOf(value)) {
    if (const auto expires = SecondsOf(*claims, "exp")) token.expires_unix_ms = *expires * 1000;
    const std::string subject = TextOf(*claims, "sub");
    if (!subject.empty()) token.principal = subject;
  }
  if (token.principal.empty()) token.principal = "tidegate";
  if (token.expires_unix_ms <= now_unix_ms) return Refuse("it has expired");
  token.value = std::move(value);
  return token;
}

// The code of an error answer; what is not one is left out.
std::string ErrorCodeOf(std::string_view body) {
  const auto object = ParseObject(body);
  const std::string code = object ? TextOf(*object, "error") : "";
  const bool plain = std::all_of(code.begin(), code.end(), [](unsigned char c) {
    return c < 128 && (std::isalpha(c) != 0 || c == '_');
  });
  return plain && code.size() <= 64 ? code : "";
}

}  // namespace

StatusOr<Token> TokenOfAnswer(int status, std::string_view body, std::string_view client_id,
                              std::int64_t now_unix_ms) {
  if (status != 200) {
    std::string text = "the token endpoint answered " + std::to_string(status);
    const std::string code = ErrorCodeOf(body);
    if (!code.empty()) text += " " + code;
    const bool later = status == 429 || status >= 500;
    return later ? MakeError(ErrorClass::kConnectFailed, "kafka token: " + text) : Refuse(text);
  }
  const auto object = ParseObject(body);
  if (!object) return Refuse("the token endpoint's answer is not a JSON object");
  std::string value = TextOf(*object, "access_token");
  if (value.empty()) return Refuse("the token endpoint's answer has no access_token");
  const std::int64_t life =
      SecondsOf(*object, "expires_in").value_or(kLifeUnsaidMs / 1000) * 1000;
  return MakeToken(std::move(value), std::string(client_id), life, now_unix_ms);
}

StatusOr<Token> TokenOfText(std::string_view value, std::int64_t now_unix_ms) {
  return MakeToken(std::string(Trim(value)), "", kLifeUnsaidMs, now_unix_ms);
}

Token UnsecuredToken(const OauthSettings& settings, std::int64_t now_unix_ms) {
  const std::int64_t life_ms = settings.unsecured_life.count() * 1000;
  std::string claims = "{\"iat\":" + std::to_string(now_unix_ms / 1000) +
                       ",\"exp\":" + std::to_string((now_unix_ms + life_ms) / 1000);
  Token token;
  for (const auto& [name, value] : settings.unsecured_claims) {
    claims += ',';
    AppendJsonString(claims, name);
    claims += ':' + value;
    if (name == settings.unsecured_principal) token.principal = value;
  }
  claims += '}';
  if (token.principal.size() > 1 && token.principal.front() == '"') {
    token.principal = token.principal.substr(1, token.principal.size() - 2);
  }
  token.value = Base64Url("{\"alg\":\"none\"}") + '.' + Base64Url(claims) + '.';
  token.expires_unix_ms = now_unix_ms + life_ms;
  return token;
}

std::int64_t RefreshAt(const Token& token, std::int64_t now_unix_ms) {
  const std::int64_t life = std::max<std::int64_t>(0, token.expires_unix_ms - now_unix_ms);
  const std::int64_t wait = life > 5000 ? life / 10 * 8 : life / 2;
  return now_unix_ms + wait;
}

}  // namespace tidegate::kafka
