// What tidegatectl sees of the machine it runs on; tests put their own in its place.
//
// Thread: the caller's. Owner: main, for the whole run. Fails: never.
#pragma once

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

namespace tidegate::ctl {

struct Environment {
  std::istream& in;
  std::ostream& out;  // data
  std::ostream& err;  // talk
  bool in_is_tty = false;
  bool out_is_tty = false;
  bool err_is_tty = false;
  std::function<std::optional<std::string>(const char*)> getenv = [](const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  // The wall clock, for ages, relative times and the end of waiting.
  std::function<std::chrono::system_clock::time_point()> now = [] {
    return std::chrono::system_clock::now();
  };
  // Waits between two looks at the server.
  std::function<void(std::chrono::milliseconds)> sleep;
};

}  // namespace tidegate::ctl
