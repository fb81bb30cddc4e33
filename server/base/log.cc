#include "server/base/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <string>
#include <unordered_map>

#include "server/base/check.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

namespace tidegate {
namespace {

std::atomic<LogLevel> g_level{LogLevel::kInfo};
std::atomic<LogFormat> g_format{LogFormat::kText};
std::atomic<LogWriter> g_writer{nullptr};
std::array<std::atomic<std::uint64_t>, 5> g_written{};
std::atomic<std::uint64_t> g_bugs{0};

constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warn", "error"};

struct Budget {
  std::int64_t second = 0;
  std::uint32_t lines = 0;
  std::uint64_t suppressed = 0;
};

std::mutex g_mutex;  // guards the budgets; a log line is never on the hot path

std::unordered_map<std::string, Budget>& Budgets() {
  static auto* budgets = new std::unordered_map<std::string, Budget>();
  return *budgets;
}

// True when this line may be written; `suppressed` is what was held back before it.
bool Admit(std::string_view event, std::int64_t second, std::uint64_t& suppressed) {
  // Audit lines are as many as the changes they tell of: none is held back.
  if (event.substr(0, 6) == "audit.") return true;
  std::lock_guard lock(g_mutex);
  auto& budgets = Budgets();
  if (budgets.size() >= kLogEventsTracked) budgets.clear();
  Budget& budget = budgets[std::string(event)];
  if (budget.second != second) {
    budget.second = second;
    budget.lines = 0;
  }
  if (budget.lines >= kLogLinesPerSecond) {
    ++budget.suppressed;
    return false;
  }
  ++budget.lines;
  suppressed = std::exchange(budget.suppressed, 0);
  return true;
}

std::string Stamp(std::chrono::system_clock::time_point now) {
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = millis / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char tail[12];
  std::snprintf(tail, sizeof tail, ".%03dZ", static_cast<int>(millis % 1000));
  return std::string(text, size) + tail;
}

std::string JsonLine(const std::string& stamp, LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields, std::uint64_t suppressed) {
  std::string line = "{\"time\":\"" + stamp + "\",\"level\":\"";
  line += kNames[static_cast<std::size_t>(level)];
  line += "\",\"event\":";
  AppendJsonString(line, event);
  for (const auto& [key, value] : fields) {
    line += ',';
    AppendJsonString(line, key);
    line += ':';
    AppendJsonString(line, value);
  }
  if (suppressed > 0) line += ",\"suppressed\":" + std::to_string(suppressed);
  return line + "}\n";
}

// Values with blanks, quotes or control characters are written as JSON strings: one line stays one.
std::string TextLine(const std::string& stamp, LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields, std::uint64_t suppressed) {
  std::string line = stamp + ' ';
  line += kNames[static_cast<std::size_t>(level)];
  line += ' ';
  line += event;
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    bool plain = !value.empty() && IsValidUtf8(value);
    for (const unsigned char c : value) plain = plain && c > 0x20 && c != '"' && c != 0x7F;
    if (plain) {
      line += value;
    } else {
      AppendJsonString(line, value);
    }
  }
  if (suppressed > 0) line += " suppressed=" + std::to_string(suppressed);
  return line + '\n';
}

}  // namespace

void SetLogFormat(LogFormat format) { g_format = format; }

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < g_level.load(std::memory_order_relaxed) || level >= LogLevel::kOff) return;
  const auto now = std::chrono::system_clock::now();
  std::uint64_t suppressed = 0;
  const auto second = std::chrono::system_clock::to_time_t(now);
  if (!Admit(event, second, suppressed)) return;
  const std::string line = g_format.load(std::memory_order_relaxed) == LogFormat::kJson
                               ? JsonLine(Stamp(now), level, event, fields, suppressed)
                               : TextLine(Stamp(now), level, event, fields, suppressed);
  g_written[static_cast<std::size_t>(level)].fetch_add(1, std::memory_order_relaxed);
  if (LogWriter writer = g_writer.load(); writer != nullptr) {
    writer(line);
    return;
  }
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

void SetLogLevel(LogLevel level) { g_level = level; }
LogLevel GetLogLevel() { return g_level; }
void SetLogWriter(LogWriter writer) { g_writer = writer; }

std::uint64_t LogLinesWritten(LogLevel level) {
  return g_written[static_cast<std::size_t>(level)].load(std::memory_order_relaxed);
}

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "tidegate: broken invariant at %s:%d: %s\n", file, line, condition);
  std::abort();
}

void ReportBug(const char* file, int line, const char* text) {
  g_bugs.fetch_add(1, std::memory_order_relaxed);
  Log(LogLevel::kError, "bug",
      {{"where", std::string(file) + ":" + std::to_string(line)}, {"text", text}});
}

std::uint64_t BugCount() { return g_bugs.load(std::memory_order_relaxed); }

}  // namespace tidegate
