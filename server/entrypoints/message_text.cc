#include "server/entrypoints/message_text.h"

namespace tidegate::entrypoints {

std::string Framed(std::string_view text, http::BodyFraming framing) {
  std::string out;
  {
    const ChunkScope chunk(out, framing);
    out += text;
  }
  return out;
}

std::string_view LastChunk(http::BodyFraming framing) {
  return framing == http::BodyFraming::kChunked ? "0\r\n\r\n" : "";
}

}  // namespace tidegate::entrypoints
