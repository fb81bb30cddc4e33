#include "server/entrypoints/sse_encoder.h"

#include "server/base/codec.h"
#include "server/base/strings.h"
#include "server/entrypoints/message_text.h"
#include "server/http/sse_frame.h"

namespace tidegate::entrypoints {
namespace {

// A comment is one line: line ends and NUL in it are written as \n, \r, \0.
void AppendCommentText(std::string& out, std::string_view text) {
  if (!IsValidUtf8(text)) {
    AppendBase64(out, text);
    return;
  }
  for (const char c : text) {
    switch (c) {
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\0': out += "\\0"; break;
      default: out += c;
    }
  }
}

void AppendComment(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += '\n';
  AppendCommentText(out, name);
  out += ": ";
  AppendCommentText(out, value);
}

}  // namespace

SseEncoder::SseEncoder(bool headers, bool metadata, http::BodyFraming framing)
    : headers_(headers), metadata_(metadata), framing_(framing) {
  key_ = "sse";
  key_ += headers ? "+headers" : "";
  key_ += metadata ? "+metadata" : "";
  key_ += framing == http::BodyFraming::kChunked ? "+chunked" : "+plain";
}

void SseEncoder::Encode(const connectors::Message& message, std::string_view id,
                        std::string& out) const {
  const ChunkScope chunk(out, framing_);
  http::SseEvent event;
  event.id = id;
  event.name = "message";
  event.data = message.content;
  std::string base64;
  std::string comments;
  if (!IsValidUtf8(message.content)) {
    AppendBase64(base64, message.content);
    event.data = base64;
    comments = "content-encoding: base64";
  }
  if (headers_) {
    for (const connectors::HeaderField& header : message.headers) {
      AppendComment(comments, header.name, header.value);
    }
  }
  if (metadata_) {
    ForEachMetadata(message, [&comments](std::string_view name, std::string_view value, bool) {
      AppendComment(comments, name, value);
    });
  }
  event.comment = comments;
  // An id that cannot stand on one line is left out, the event is not.
  (void)http::AppendSseEvent(out, event);
}

std::string SseEventText(std::string_view name, std::string_view data) {
  std::string out;
  http::SseEvent event;
  event.name = name;
  event.data = data;
  (void)http::AppendSseEvent(out, event);
  return out;
}

}  // namespace tidegate::entrypoints
