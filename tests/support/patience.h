// How long a test waits for what must come. Only a test that fails waits so long, and the machines
// that run them stand still for seconds now and then: a bound near to what is usual says nothing.
#pragma once

#include <chrono>

namespace tidegate {

inline constexpr auto kPatience = std::chrono::seconds(60);

}  // namespace tidegate
