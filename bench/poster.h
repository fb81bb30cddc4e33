// One POST after the other on one connection, as nchan's publisher takes them.
//
// Thread: one. Fails: a connection that cannot be made ends the program; Post says how it went.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/net.h"

namespace tidegate::bench {

class Poster {
 public:
  Poster(const std::string& url, const std::vector<std::string>& headers);
  Poster(const Poster&) = delete;
  Poster& operator=(const Poster&) = delete;
  ~Poster();

  // Waits for the whole answer, at most 10 s. False unless its status is 2xx.
  bool Post(std::string_view payload);

 private:
  const Target target_;
  const int fd_;
  std::string head_;
  Poller poller_;
};

}  // namespace tidegate::bench
