// Bearer tokens as texts: what a token endpoint answers, what a token says of itself.
//
// Thread: pure functions. Fails: AuthFailed with a text that holds no token and no secret: of an
// error answer only the status and the code of RFC 6749 section 5.2, letters and '_' alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/kafka/security.h"
#include "server/base/status.h"

namespace tidegate::kafka {

inline constexpr std::size_t kTokenBytesMax = 64 * 1024;

struct Token {
  std::string value;
  std::string principal;
  std::int64_t expires_unix_ms = 0;
};

// The answer of a token endpoint. A JWT's own `exp` and `sub` count more than what stands beside
// it; where nothing is said a token lives for an hour and is `client_id`'s.
StatusOr<Token> TokenOfAnswer(int status, std::string_view body, std::string_view client_id,
                              std::int64_t now_unix_ms);
// A token that was given as it is.
StatusOr<Token> TokenOfText(std::string_view value, std::int64_t now_unix_ms);
// An unsigned token of the claims of `settings`.
Token UnsecuredToken(const OauthSettings& settings, std::int64_t now_unix_ms);

// When a token that came now is to be fetched anew: at 80 % of its life; at half of a short one.
std::int64_t RefreshAt(const Token& token, std::int64_t now_unix_ms);

}  // namespace tidegate::kafka
