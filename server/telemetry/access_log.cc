#include "server/telemetry/access_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "server/base/log.h"
#include "server/base/strings.h"
#include "server/telemetry/metrics.h"

namespace tidegate::telemetry {
namespace {

void AppendText(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out += ",\"";
  out += key;
  out += "\":";
  AppendJsonString(out, value);
}

void AppendNumber(std::string& out, std::string_view key, std::uint64_t value) {
  out += ",\"";
  out += key;
  out += "\":";
  out += std::to_string(value);
}

int OpenFile(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

Counter& Dropped() {
  static Counter& counter = Registry::Global().GetCounter(
      "tidegate_access_log_dropped_total", "Access log lines dropped because the disk is slow.");
  return counter;
}

}  // namespace

std::string FormatAccess(const AccessRecord& record, std::chrono::system_clock::time_point now) {
  using std::chrono::duration_cast;
  const auto millis = duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = millis / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char stamp[64];
  const std::size_t size = std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(stamp + size, sizeof stamp - size, ".%03dZ", static_cast<int>(millis % 1000));
  std::string out = "{\"time\":\"";
  out += stamp;
  out += '"';
  AppendText(out, "requestId", record.request_id);
  AppendText(out, "traceparent", record.traceparent);
  AppendText(out, "client", record.client);
  AppendText(out, "method", record.method);
  AppendText(out, "host", record.host);
  AppendText(out, "path", record.path);
  AppendNumber(out, "status", static_cast<std::uint64_t>(record.status));
  AppendText(out, "key", record.key);
  AppendText(out, "api", record.api);
  AppendText(out, "entrypoint", record.entrypoint);
  AppendText(out, "endpoint", record.endpoint);
  AppendText(out, "plan", record.plan);
  AppendText(out, "application", record.application);
  AppendText(out, "subscription", record.subscription);
  AppendText(out, "end", record.end_reason);
  AppendNumber(out, "requestBytes", record.request_bytes);
  AppendNumber(out, "responseBytes", record.response_bytes);
  if (record.messages > 0) AppendNumber(out, "messages", record.messages);
  AppendNumber(out, "durationMicros", static_cast<std::uint64_t>(record.duration.count() / 1000));
  out += "}\n";
  return out;
}

StatusOr<std::unique_ptr<AccessLog>> AccessLog::Open(std::string path) {
  const int fd = path.empty() ? STDOUT_FILENO : OpenFile(path);
  if (fd < 0) {
    return FailedPrecondition("access log " + path + ": open: " + std::strerror(errno));
  }
  return std::unique_ptr<AccessLog>(new AccessLog(std::move(path), fd));
}

AccessLog::AccessLog(std::string path, int fd)
    : path_(std::move(path)), fd_(fd), thread_([this] { Run(); }) {
  Dropped();  // shown from the start, at 0
}

AccessLog::~AccessLog() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (!path_.empty()) close(fd_);
}

void AccessLog::Write(const AccessRecord& record) {
  const std::string line = FormatAccess(record, std::chrono::system_clock::now());
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    if (pending_.size() + line.size() > kAccessLogBytesMax) {
      Dropped().Add();
      return;
    }
    first = pending_.empty();
    pending_ += line;
  }
  if (first) wake_.notify_one();
}

void AccessLog::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait_for(lock, std::chrono::seconds(1),
                   [this] { return stopping_ || !pending_.empty(); });
    std::string lines;
    lines.swap(pending_);
    const bool stopping = stopping_;
    lock.unlock();
    if (!lines.empty()) {
      ReopenIfMoved();
      WriteOut(lines);
    }
    lock.lock();
    if (stopping && pending_.empty()) return;
  }
}

void AccessLog::ReopenIfMoved() {
  if (path_.empty()) return;
  struct stat named {};
  struct stat held {};
  const bool same = stat(path_.c_str(), &named) == 0 && fstat(fd_, &held) == 0 &&
                    named.st_ino == held.st_ino && named.st_dev == held.st_dev;
  if (same) return;
  const int fd = OpenFile(path_);
  if (fd < 0) {
    Log(LogLevel::kWarn, "access_log.reopen_failed", {{"cause", std::strerror(errno)}});
    return;
  }
  close(fd_);
  fd_ = fd;
}

void AccessLog::WriteOut(const std::string& lines) {
  std::size_t done = 0;
  while (done < lines.size()) {
    const ssize_t written = write(fd_, lines.data() + done, lines.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      Log(LogLevel::kWarn, "access_log.write_failed", {{"cause", std::strerror(errno)}});
      Dropped().Add();
      return;
    }
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace tidegate::telemetry
