#include "server/http/body_decoder.h"

#include <algorithm>

namespace tidegate::http {

namespace {

constexpr std::uint8_t kSizeDigitsMax = 8;        // 4 GiB in one chunk: nobody needs more
constexpr std::uint16_t kTrailerBytesMax = 4096;  // they are dropped anyway

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

BodyDecoder BodyDecoder::Fixed(std::uint64_t length) {
  BodyDecoder decoder;
  decoder.remaining_ = length;
  decoder.state_ = length > 0 ? State::kData : State::kDone;
  return decoder;
}

BodyDecoder BodyDecoder::Chunked() {
  BodyDecoder decoder;
  decoder.chunked_ = true;
  decoder.state_ = State::kSize;
  return decoder;
}

BodyDecoder::Step BodyDecoder::Feed(std::string_view input) {
  std::size_t at = 0;
  while (at < input.size() && !failed() && state_ != State::kDone) {
    const char c = input[at];
    switch (state_) {
      case State::kData: {
        const auto size = static_cast<std::size_t>(
            std::min<std::uint64_t>(remaining_, input.size() - at));
        remaining_ -= size;
        if (remaining_ == 0) state_ = chunked_ ? State::kDataCr : State::kDone;
        return Step{at + size, input.substr(at, size)};
      }
      case State::kSize:
        TakeSizeByte(c);
        break;
      case State::kSizeLf:
        if (c != '\n') return Fail(Rule::kChunkLine, at);
        digits_ = 0;
        state_ = remaining_ > 0 ? State::kData : State::kTrailer;
        break;
      case State::kDataCr:
        if (c != '\r') return Fail(Rule::kChunkEnd, at);
        state_ = State::kDataLf;
        break;
      case State::kDataLf:
        if (c != '\n') return Fail(Rule::kChunkEnd, at);
        state_ = State::kSize;
        break;
      case State::kTrailer:
        TakeTrailerByte(c);
        break;
      case State::kDone:
        break;
    }
    ++at;
  }
  return Step{at, {}};
}

void BodyDecoder::TakeSizeByte(char c) {
  const int digit = HexDigit(c);
  if (digit >= 0) {
    if (++digits_ > kSizeDigitsMax) rule_ = Rule::kChunkSize;
    remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
  } else if (digits_ == 0) {
    rule_ = Rule::kChunkSize;
  } else if (c == '\r') {
    state_ = State::kSizeLf;
  } else {
    rule_ = c == ';' ? Rule::kChunkExtension : c == '\n' ? Rule::kChunkLine : Rule::kChunkSize;
  }
}

void BodyDecoder::TakeTrailerByte(char c) {
  if (++trailer_bytes_ > kTrailerBytesMax) {
    rule_ = Rule::kTrailerTooLarge;
    return;
  }
  line_.push_back(c);
  if (c != '\n') return;
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') {
    rule_ = Rule::kBareLf;
  } else if (line_.size() == 2) {
    state_ = State::kDone;
    std::string().swap(line_);
  } else {
    rule_ = JudgeTrailerLine();
    line_.clear();
  }
}

Rule BodyDecoder::JudgeTrailerLine() {
  const std::string_view line = std::string_view(line_).substr(0, line_.size() - 2);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Rule::kTrailerSyntax;
  if (CheckFieldName(line.substr(0, colon)) != Rule::kNone) return Rule::kTrailerSyntax;
  if (CheckFieldValue(line.substr(colon + 1)) != Rule::kNone) return Rule::kTrailerSyntax;
  return IsProtectedField(line.substr(0, colon)) || line.substr(0, colon) == "connection"
             ? Rule::kTrailerForbidden
             : Rule::kNone;
}

void AppendChunkHead(std::string& out, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  char text[18];
  char* at = text + sizeof(text);
  *--at = '\n';
  *--at = '\r';
  do {
    *--at = kDigits[size & 15];
    size >>= 4;
  } while (size != 0);
  out.append(at, static_cast<std::size_t>(text + sizeof(text) - at));
}

void AppendChunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  AppendChunkHead(out, data.size());
  out.append(data);
  out.append(kChunkTail);
}

}  // namespace tidegate::http
