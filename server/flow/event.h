// Flow's name for what wakes one waiting coroutine; see server/net/event.h.
#pragma once

#include "server/net/event.h"

namespace tidegate::flow {

using net::Event;

}  // namespace tidegate::flow
