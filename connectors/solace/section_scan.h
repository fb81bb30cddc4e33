// Whether bytes are an AMQP 1.0 message: sections and values that each end where they say, nested
// no deeper than a stack bears. A body may be missing: brokers translate empty messages of other
// protocols so.
//
// Proton reads what it understands and passes over the rest, so that garbage would become an empty
// message. Thread: a pure function. Fails: by false.
#pragma once

#include <string_view>

namespace tidegate::solace {

bool IsMessage(std::string_view bytes);

}  // namespace tidegate::solace
