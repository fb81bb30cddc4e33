#include "server/entrypoints/page_format.h"

#include <algorithm>
#include <vector>

#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/entrypoints/message_text.h"
#include "server/entrypoints/page_xml.h"

namespace tidegate::entrypoints {
namespace {

struct Range {
  std::string type;
  int q = 1000;  // thousandths
};

// q=0.5 and the like; what cannot be read counts as 1 (RFC 9110 §12.4.2).
int ParseQ(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 1000;
  int value = text[0] == '1' ? 1000 : 0;
  int scale = 100;
  for (std::size_t i = 2; i < text.size() && i < 5 && text[1] == '.'; ++i, scale /= 10) {
    if (text[i] < '0' || text[i] > '9') return 1000;
    value += (text[i] - '0') * scale;
  }
  return std::min(value, 1000);
}

std::vector<Range> ParseAccept(std::string_view accept) {
  std::vector<Range> out;
  for (std::string_view part : Split(accept, ',')) {
    Range range;
    bool first = true;
    for (std::string_view piece : Split(part, ';')) {
      piece = Trim(piece);
      if (first) {
        range.type = ToLower(piece);
        first = false;
      } else if (piece.size() > 2 && (piece[0] == 'q' || piece[0] == 'Q') && piece[1] == '=') {
        range.q = ParseQ(piece.substr(2));
      }
    }
    if (!range.type.empty() && range.q > 0) out.push_back(std::move(range));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Range& a, const Range& b) { return a.q > b.q; });
  return out;
}

// "name":["v1","v2"] for every name, in the order of first appearance.
template <typename Append>
void ForEachHeader(const connectors::Message& message, Append&& append) {
  for (std::size_t i = 0; i < message.headers.size(); ++i) {
    const std::string_view name = message.headers[i].name;
    bool seen = false;
    for (std::size_t k = 0; k < i && !seen; ++k) {
      seen = EqualsIgnoreCase(message.headers[k].name, name);
    }
    if (seen) continue;
    std::vector<std::string_view> values;
    for (std::size_t k = i; k < message.headers.size(); ++k) {
      if (EqualsIgnoreCase(message.headers[k].name, name)) {
        values.push_back(message.headers[k].value);
      }
    }
    append(name, values);
  }
}

void AppendMap(std::string& out, bool& first, std::string_view name, std::string_view value) {
  if (!first) out += ", ";
  first = false;
  out += name;
  out += '=';
  out += value;
}

std::string CloseJson(const PageEnd& end) {
  std::string out = "]";
  if (end.error) {
    out += ",\"error\":{";
    if (!end.error->id.empty()) {
      out += "\"id\":";
      AppendJsonString(out, end.error->id);
      out += ',';
    }
    out += "\"content\":";
    AppendJsonString(out, end.error->content);
    if (!end.error->key.empty()) {
      out += ",\"metadata\":{\"key\":";
      AppendJsonString(out, end.error->key);
      out += '}';
    }
    out += '}';
  }
  if (!end.next_cursor.empty()) {
    out += ",\"pagination\":{\"nextCursor\":";
    AppendJsonString(out, end.next_cursor);
    if (end.limit) {
      out += ",\"limit\":";
      AppendJsonString(out, *end.limit);
    }
    out += '}';
  }
  out += '}';
  return out;
}

std::string CloseText(const PageEnd& end) {
  std::string out;
  if (end.error) {
    out += "error\n";
    if (!end.error->id.empty()) out += "id: " + end.error->id + "\n";
    out += "content: " + end.error->content + "\n";
    if (!end.error->key.empty()) out += "metadata: {key=" + end.error->key + "}\n";
    out += '\n';
  }
  if (!end.next_cursor.empty()) {
    out += "pagination\nnextCursor: " + end.next_cursor;
    if (end.limit) out += "\nlimit: " + *end.limit;
  }
  return out;
}

}  // namespace

std::string_view ContentTypeOf(PageType type) {
  switch (type) {
    case PageType::kJson: return "application/json";
    case PageType::kXml: return "application/xml";
    case PageType::kText: return "text/plain";
  }
  return "";
}

std::optional<PageType> ChoosePageType(const http::RequestHead& head) {
  const std::string accept = head.FindAll("Accept");
  if (Trim(accept).empty()) return PageType::kText;
  for (const Range& range : ParseAccept(accept)) {
    if (range.type == "application/json" || range.type == "*/*" || range.type == "application/*") {
      return PageType::kJson;
    }
    if (range.type == "application/xml") return PageType::kXml;
    if (range.type == "text/plain" || range.type == "text/*") return PageType::kText;
  }
  return std::nullopt;
}

std::string_view PageOpen(PageType type) {
  switch (type) {
    case PageType::kJson: return "{\"items\":[";
    case PageType::kXml: return "<response><items>";
    case PageType::kText: return "items\n";
  }
  return "";
}

std::string_view PageSeparator(PageType type) { return type == PageType::kJson ? "," : ""; }

std::string PageClose(PageType type, const PageEnd& end) {
  switch (type) {
    case PageType::kJson: return CloseJson(end);
    case PageType::kXml: return CloseXml(end);
    case PageType::kText: return CloseText(end);
  }
  return {};
}

PageEncoder::PageEncoder(PageType type, bool headers, bool metadata, http::BodyFraming framing)
    : type_(type), headers_(headers), metadata_(metadata), framing_(framing) {
  key_ = "http-get+";
  key_ += ContentTypeOf(type);
  key_ += headers ? "+headers" : "";
  key_ += metadata ? "+metadata" : "";
  key_ += framing == http::BodyFraming::kChunked ? "+chunked" : "+plain";
}

void PageEncoder::Encode(const connectors::Message& message, std::string_view id,
                         std::string& out) const {
  const ChunkScope chunk(out, framing_);
  switch (type_) {
    case PageType::kJson: return AppendJson(message, id, out);
    case PageType::kXml: return AppendXml(message, id, out);
    case PageType::kText: return AppendText(message, id, out);
  }
}

void PageEncoder::AppendJson(const connectors::Message& message, std::string_view id,
                             std::string& out) const {
  out += '{';
  if (!id.empty()) {
    out += "\"id\":";
    AppendJsonString(out, id);
    out += ',';
  }
  out += "\"content\":";
  if (!message.has_content) {
    out += "null";  // a tombstone is not an empty message
  } else if (IsValidUtf8(message.content)) {
    AppendJsonString(out, message.content);
  } else {
    out += '"';
    AppendBase64(out, message.content);
    out += "\",\"contentEncoding\":\"base64\"";
  }
  if (headers_) {
    out += ",\"headers\":{";
    bool first = true;
    ForEachHeader(message, [&](std::string_view name, const std::vector<std::string_view>& values) {
      if (!first) out += ',';
      first = false;
      AppendJsonString(out, name);
      out += ":[";
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) out += ',';
        AppendJsonString(out, values[i]);
      }
      out += ']';
    });
    out += '}';
  }
  if (metadata_) {
    out += ",\"metadata\":{";
    bool first = true;
    ForEachMetadata(message, [&](std::string_view name, std::string_view value, bool number) {
      if (!first) out += ',';
      first = false;
      AppendJsonString(out, name);
      out += ':';
      if (number) {
        out += value;
      } else {
        AppendJsonString(out, value);
      }
    });
    out += '}';
  }
  out += '}';
}

void PageEncoder::AppendXml(const connectors::Message& message, std::string_view id,
                            std::string& out) const {
  out += "<item>";
  if (!id.empty()) AppendXmlElement(out, "id", id);
  AppendXmlContent(out, message.content);
  if (headers_) {
    out += "<headers>";
    for (const connectors::HeaderField& header : message.headers) {
      AppendXmlElement(out, header.name, header.value);
    }
    out += "</headers>";
  }
  if (metadata_) {
    out += "<metadata>";
    ForEachMetadata(message, [&out](std::string_view name, std::string_view value, bool) {
      AppendXmlElement(out, name, value);
    });
    out += "</metadata>";
  }
  out += "</item>";
}

void PageEncoder::AppendText(const connectors::Message& message, std::string_view id,
                             std::string& out) const {
  out += "item\n";
  if (!id.empty()) {
    out += "id: ";
    out += id;
    out += '\n';
  }
  out += "content: ";
  if (IsValidUtf8(message.content)) {
    out += message.content;
    out += '\n';
  } else {
    AppendBase64(out, message.content);
    out += "\ncontentEncoding: base64\n";
  }
  if (headers_) {
    out += "headers: {";
    bool first = true;
    ForEachHeader(message, [&](std::string_view name, const std::vector<std::string_view>& values) {
      std::string list = "[";
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) list += ", ";
        list += values[i];
      }
      AppendMap(out, first, name, list + "]");
    });
    out += "}\n";
  }
  if (metadata_) {
    out += "metadata: {";
    bool first = true;
    ForEachMetadata(message, [&](std::string_view name, std::string_view value, bool) {
      AppendMap(out, first, name, value);
    });
    out += "}\n";
  }
  out += '\n';
}

}  // namespace tidegate::entrypoints
