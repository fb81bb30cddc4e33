// librdkafka's error codes as the classes that all connectors share, and texts that hold no secret.
//
// Thread: pure functions. Codes are ints here, so that callers need not see the library's header.
#pragma once

#include <string>
#include <string_view>

#include "connectors/api/sink.h"
#include "server/base/status.h"

namespace tidegate::kafka {

// `connected`: whether this client has ever reached a broker; decides ConnectFailed or
// ConnectionClosed.
ErrorClass ClassOfCode(int code, bool connected);
// "operation object: description (code)", the class as payload.
Status ErrorOf(int code, std::string_view operation, std::string_view object, bool connected);
// The outcome of one produced record by its delivery report: message status (0 not persisted,
// 1 possibly, 2 persisted) and error code.
connectors::Outcome OutcomeOf(int message_status, int code);
// The text of a library log line or error, cut to a bounded length, without credentials.
std::string Redact(std::string_view text);

}  // namespace tidegate::kafka
