// One JSON line for each request (streams: one at their end). Off unless the bootstrap asks for it.
//
// Workers format into a shared buffer under a short lock; a thread of its own writes, so a slow
// disk never blocks a worker. The buffer is bounded (kAccessLogBytesMax): beyond it lines are
// dropped and counted (tidegate_access_log_dropped_total). Rotation without a signal: the file is
// opened again when its inode has changed (checked each second).
// Thread: Write from any. Owner: the process; must outlive the workers. Fails: Open by Status.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "server/base/status.h"

namespace tidegate::telemetry {

inline constexpr std::size_t kAccessLogBytesMax = 4 * 1024 * 1024;

// Views are copied by Write. Path is the canonical one; no query, no credentials, no bodies.
struct AccessRecord {
  std::string_view request_id;
  std::string_view traceparent;
  std::string_view client;
  std::string_view method;
  std::string_view host;
  std::string_view path;
  std::string_view api;
  std::string_view entrypoint;
  std::string_view endpoint;
  std::string_view plan;
  std::string_view application;
  std::string_view subscription;
  std::string_view key;         // the error key, empty on success
  std::string_view end_reason;  // of streams
  int status = 0;
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;
  std::uint64_t messages = 0;
  std::chrono::nanoseconds duration{0};
};

// The line, with its newline.
std::string FormatAccess(const AccessRecord& record, std::chrono::system_clock::time_point now);

class AccessLog {
 public:
  // `path` empty: standard output.
  static StatusOr<std::unique_ptr<AccessLog>> Open(std::string path);
  ~AccessLog();  // writes what is buffered

  void Write(const AccessRecord& record);

 private:
  AccessLog(std::string path, int fd);
  void Run();
  void WriteOut(const std::string& lines);
  void ReopenIfMoved();

  const std::string path_;
  int fd_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string pending_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tidegate::telemetry
