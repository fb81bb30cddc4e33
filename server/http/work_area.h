// What a connection needs only while bytes are pending: receive buffer, parsed head, output block.
//
// Borrowed from a pool of the running thread, so that an idle connection owns none of it and a
// busy one allocates nothing per request. Thread: any, the pool is per thread. Owner: WorkAreaPtr.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "server/http/head_parser.h"
#include "server/http/request_head.h"

namespace tidegate::http {

// Room for a body next to the largest head, so that streaming always makes progress.
inline constexpr std::size_t kBodyRoomMin = 4 * 1024;

struct WorkArea {
  explicit WorkArea(std::size_t bytes);
  std::unique_ptr<char[]> data;
  std::size_t size;
  RequestHead head;
  HeadScratch scratch;
  std::string out;   // response head (and small body) being written
  std::string body;  // a body that does not fit `data`
};

struct ReturnWorkArea {
  void operator()(WorkArea* area) const;
};
using WorkAreaPtr = std::unique_ptr<WorkArea, ReturnWorkArea>;

WorkAreaPtr BorrowWorkArea(std::size_t head_bytes);
// Areas lent by this thread now; connections give theirs back sooner when many are out.
std::size_t WorkAreasLent();

}  // namespace tidegate::http
