// AMQP error conditions as our classes.
//
// Thread: pure functions. Fails: never; an unknown condition is ConnectionClosed.
#pragma once

#include <string>
#include <string_view>

#include "server/base/status.h"

struct pn_condition_t;

namespace tidegate::solace {

// What ended or refused something: a link, a session, a connection.
ErrorClass ClassOfCondition(std::string_view name);
// "<what>: <condition>: <description>", the broker's text cut to one line of at most 300 bytes.
Status StatusOfCondition(pn_condition_t* condition, std::string_view what);
// The status of a message that the broker has rejected.
Status RejectionOf(pn_condition_t* condition);
// One line of printable text.
std::string OneLine(std::string_view text);
// Trying again soon cannot help: the operator has to change something.
bool IsPermanent(ErrorClass error_class);

}  // namespace tidegate::solace
