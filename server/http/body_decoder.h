// Takes a request body out of the bytes of a connection: fixed length or chunked, without I/O.
//
// Chunked is read strictly (reliability.md §3.1): plain hexadecimal sizes without extensions, CR LF
// everywhere, trailers checked and dropped, never merged into the head.
// Thread: the connection's worker. Owner: the connection. Fails: by Rule; it then stays failed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/http/guard.h"

namespace tidegate::http {

class BodyDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;  // bytes of the input that are dealt with
    std::string_view data;     // body bytes, a view into the input; may be empty
  };

  BodyDecoder() = default;
  static BodyDecoder Fixed(std::uint64_t length);
  static BodyDecoder Chunked();

  // Deals with the front of `input`: at most one piece of data per call. Call again with the rest
  // until nothing is consumed or done() or failed().
  Step Feed(std::string_view input);

  bool done() const { return state_ == State::kDone; }
  bool failed() const { return rule_ != Rule::kNone; }
  Rule rule() const { return rule_; }
  // Bytes of data that are known to follow (the rest of a fixed body or of this chunk).
  std::uint64_t remaining() const { return remaining_; }
  bool chunked() const { return chunked_; }

 private:
  enum class State : std::uint8_t { kDone, kData, kSize, kSizeLf, kDataCr, kDataLf, kTrailer };

  Step Fail(Rule rule, std::size_t consumed) {
    rule_ = rule;
    return Step{consumed, {}};
  }
  void TakeSizeByte(char c);
  void TakeTrailerByte(char c);
  Rule JudgeTrailerLine();

  State state_ = State::kDone;
  Rule rule_ = Rule::kNone;
  bool chunked_ = false;
  std::uint8_t digits_ = 0;
  std::uint16_t trailer_bytes_ = 0;
  std::uint64_t remaining_ = 0;
  std::string line_;  // the trailer line being read; empty but for requests with trailers
};

// Framing of chunked output: "<hex>\r\n" before `size` bytes, "\r\n" after them.
void AppendChunkHead(std::string& out, std::size_t size);
void AppendChunk(std::string& out, std::string_view data);  // empty data appends nothing
inline constexpr std::string_view kChunkTail = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace tidegate::http
