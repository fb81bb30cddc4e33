// Cross-origin rules of an API (Fetch standard, "CORS protocol").
// Thread: pure. Fails: a refused preflight is 400 CORS_PREFLIGHT_FAILED with an empty body.
#pragma once

#include <string_view>

#include "server/http/handler.h"
#include "server/model/api.h"

namespace tidegate::flow {

bool OriginListed(const model::Cors& cors, std::string_view origin);

// OPTIONS with Origin and Access-Control-Request-Method.
bool IsPreflight(const http::RequestHead& head);
// True: allowed, and `answer` is complete. False: refuse.
bool AnswerPreflight(const model::Cors& cors, const http::RequestHead& head,
                     http::ResponseHead& answer);

// What an answer to a request with this Origin carries; nothing when it is not allowed.
void AddCorsHeaders(const model::Cors& cors, std::string_view origin, http::ResponseHead& answer);

}  // namespace tidegate::flow
