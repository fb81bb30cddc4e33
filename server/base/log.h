// Structured log lines to stderr: for people (`time LEVEL event key=value`) or one JSON object
// each.
//
//   Log(LogLevel::kWarn, "kafka.disconnected", {{"endpoint", name}, {"cause", text}});
//
// `event` is a stable dotted word that can be searched for; values are text. Values never hold
// secrets: the caller redacts. At most kLogLinesPerSecond lines a second of one event are written,
// the rest is counted and reported with the next line ("suppressed": n).
// Thread: any. Fails: never (a failed write is dropped).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace tidegate {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };

using LogField = std::pair<std::string_view, std::string_view>;

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
enum class LogFormat : std::uint8_t { kText, kJson };

void SetLogFormat(LogFormat format);
void SetLogLevel(LogLevel level);
LogLevel GetLogLevel();
// Lines written per level since start (index = level), for tidegate_log_messages_total.
std::uint64_t LogLinesWritten(LogLevel level);

// Tests and `tidegate dev` take the lines instead of stderr; nullptr restores stderr.
using LogWriter = void (*)(std::string_view line);
void SetLogWriter(LogWriter writer);

}  // namespace tidegate
