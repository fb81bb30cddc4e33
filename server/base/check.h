// The two levels of "this cannot be" (DESIGN §8).
//
// TG_CHECK: an invariant is broken and going on would corrupt data; the process ends with a text.
// TG_BUG: should not happen, can be survived: logged and counted (tidegate_bugs_total).
#pragma once

#include <cstdint>

namespace tidegate {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
void ReportBug(const char* file, int line, const char* text);
std::uint64_t BugCount();

}  // namespace tidegate

#define TG_CHECK(condition)                                                     \
  do {                                                                          \
    if (!(condition)) ::tidegate::CheckFailed(__FILE__, __LINE__, #condition);  \
  } while (false)
#define TG_BUG(text) ::tidegate::ReportBug(__FILE__, __LINE__, text)
