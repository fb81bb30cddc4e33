// The XML layout of an http-get page: well-formed whatever a message holds.
// Thread: pure. Fails: never.
#pragma once

#include <string>
#include <string_view>

namespace tidegate::entrypoints {

struct PageEnd;

// <name>text</name>; characters that a name cannot have become '_', text is escaped.
void AppendXmlElement(std::string& out, std::string_view name, std::string_view text);
// <content> with CDATA; what XML cannot carry goes as base64 with <contentEncoding>.
void AppendXmlContent(std::string& out, std::string_view content);
std::string CloseXml(const PageEnd& end);

}  // namespace tidegate::entrypoints
