#include "server/entrypoints/page_xml.h"

#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/entrypoints/page_format.h"

namespace tidegate::entrypoints {
namespace {

// XML 1.0 §2.2: of the control characters only these three, and no noncharacters FFFE, FFFF.
bool XmlCanCarry(std::string_view text) {
  if (!IsValidUtf8(text)) return false;
  for (const unsigned char c : text) {
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
  }
  return text.find("\xEF\xBF\xBE") == std::string_view::npos &&
         text.find("\xEF\xBF\xBF") == std::string_view::npos;
}

bool IsNameChar(char c, bool first) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') return true;
  return !first && ((c >= '0' && c <= '9') || c == '-' || c == '.');
}

void AppendName(std::string& out, std::string_view name) {
  if (name.empty() || !IsNameChar(name[0], true)) out += '_';
  for (const char c : name) out += IsNameChar(c, false) ? c : '_';
}

void AppendEscaped(std::string& out, std::string_view text) {
  if (!XmlCanCarry(text)) {
    AppendBase64(out, text);
    return;
  }
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '\r': out += "&#13;"; break;
      default: out += c;
    }
  }
}

}  // namespace

void AppendXmlElement(std::string& out, std::string_view name, std::string_view text) {
  out += '<';
  AppendName(out, name);
  out += '>';
  AppendEscaped(out, text);
  out += "</";
  AppendName(out, name);
  out += '>';
}

void AppendXmlContent(std::string& out, std::string_view content) {
  // A parser turns CR into LF, so content with one cannot stand in CDATA unchanged either.
  const bool plain = XmlCanCarry(content) && content.find('\r') == std::string_view::npos;
  out += "<content><![CDATA[";
  if (plain) {
    for (std::size_t at; (at = content.find("]]>")) != std::string_view::npos;) {
      out += content.substr(0, at + 2);
      out += "]]><![CDATA[";
      content.remove_prefix(at + 2);
    }
    out += content;
  } else {
    AppendBase64(out, content);
  }
  out += "]]></content>";
  if (!plain) out += "<contentEncoding>base64</contentEncoding>";
}

std::string CloseXml(const PageEnd& end) {
  std::string out = "</items>";
  if (end.error) {
    out += "<error>";
    if (!end.error->id.empty()) AppendXmlElement(out, "id", end.error->id);
    AppendXmlContent(out, end.error->content);
    if (!end.error->key.empty()) {
      out += "<metadata>";
      AppendXmlElement(out, "key", end.error->key);
      out += "</metadata>";
    }
    out += "</error>";
  }
  if (!end.next_cursor.empty()) {
    out += "<pagination>";
    AppendXmlElement(out, "nextCursor", end.next_cursor);
    if (end.limit) AppendXmlElement(out, "limit", *end.limit);
    out += "</pagination>";
  }
  out += "</response>";
  return out;
}

}  // namespace tidegate::entrypoints
