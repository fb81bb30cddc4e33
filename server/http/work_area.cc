#include "server/http/work_area.h"

#include <vector>

namespace tidegate::http {

namespace {

constexpr std::size_t kPooledMax = 64;             // 1.3 MiB per worker kept for the next burst
constexpr std::size_t kStringKept = 64 * 1024;     // larger ones are freed, not kept

struct Pool {
  std::vector<std::unique_ptr<WorkArea>> free;
  std::size_t lent = 0;
};

Pool& ThreadPool() {
  thread_local Pool pool;
  return pool;
}

void Trim(std::string& text) {
  text.clear();
  if (text.capacity() > kStringKept) std::string().swap(text);
}

}  // namespace

WorkArea::WorkArea(std::size_t bytes)
    : data(std::make_unique_for_overwrite<char[]>(bytes)), size(bytes) {}

WorkAreaPtr BorrowWorkArea(std::size_t head_bytes) {
  Pool& pool = ThreadPool();
  const std::size_t bytes = head_bytes + kBodyRoomMin;
  ++pool.lent;
  if (!pool.free.empty() && pool.free.back()->size == bytes) {
    WorkAreaPtr area(pool.free.back().release());
    pool.free.pop_back();
    return area;
  }
  return WorkAreaPtr(new WorkArea(bytes));
}

std::size_t WorkAreasLent() { return ThreadPool().lent; }

void ReturnWorkArea::operator()(WorkArea* area) const {
  std::unique_ptr<WorkArea> owned(area);
  Pool& pool = ThreadPool();
  if (pool.lent > 0) --pool.lent;  // an area may die on another thread when a process ends
  if (pool.free.size() >= kPooledMax) return;
  Trim(owned->out);
  Trim(owned->body);
  ClearHead(owned->head);
  pool.free.push_back(std::move(owned));
}

}  // namespace tidegate::http
