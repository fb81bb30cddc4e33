#include "server/http/client_response.h"

#include <algorithm>

#include "server/base/strings.h"
#include "server/http/guard.h"

namespace tidegate::http {

const std::string* ClientResponse::Find(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (EqualsIgnoreCase(field, name)) return &value;
  }
  return nullptr;
}

void ResponseReader::Feed(std::string_view bytes) {
  while (!bytes.empty() && !failed()) {
    if (state_ == State::kDone) {
      Fail("bytes after the response");
      return;
    }
    if (state_ == State::kUntilClose) {
      Append(bytes);
      return;
    }
    if (state_ == State::kBody) {
      TakeBody(bytes);
      return;
    }
    // The head's end may be split: look again at the last three bytes that are there.
    const std::size_t before = head_.size();
    const std::size_t room = limits_.head_bytes + 1 - before;
    head_.append(bytes.substr(0, room));
    const std::size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end == std::string::npos) {
      if (head_.size() > limits_.head_bytes) Fail("the head is too large");
      return;
    }
    bytes.remove_prefix(end + 4 - before);
    head_.resize(end + 2);
    if (!TakeHead()) return;
    head_.clear();
  }
}

void ResponseReader::End() {
  if (failed() || state_ == State::kDone) return;
  if (state_ == State::kUntilClose) {
    state_ = State::kDone;
    return;
  }
  Fail(state_ == State::kHead ? "the connection was closed before an answer"
                              : "the body was cut short");
}

bool ResponseReader::TakeHead() {
  std::string_view rest = head_;
  bool first = true;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
      Fail("a line of the head does not end with CR LF");
      return false;
    }
    if (first ? !TakeStatusLine(line) : !TakeField(line)) return false;
    first = false;
  }
  if (response_.status / 100 == 1) {
    if (response_.status == 101) {
      Fail("the protocol was changed");
      return false;
    }
    response_ = ClientResponse();
    return true;
  }
  return BeginBody();
}

bool ResponseReader::TakeStatusLine(std::string_view line) {
  const bool shape = line.size() >= 12 && (StartsWith(line, "HTTP/1.1 ") ||
                                           StartsWith(line, "HTTP/1.0 ")) &&
                     (line.size() == 12 || line[12] == ' ');
  const auto status = shape ? ParseUint(line.substr(9, 3)) : std::nullopt;
  if (!status || *status < 100 || *status > 599) {
    Fail("the status line is not one of HTTP/1");
    return false;
  }
  response_.status = static_cast<int>(*status);
  return true;
}

bool ResponseReader::TakeField(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
    Fail("a header field has no proper name");
    return false;
  }
  const std::string_view value = Trim(line.substr(colon + 1));
  if (CheckFieldValue(value) != Rule::kNone) {
    Fail("a header field holds control characters");
    return false;
  }
  if (response_.headers.size() == limits_.fields) {
    Fail("too many header fields");
    return false;
  }
  response_.headers.emplace_back(std::string(line.substr(0, colon)), std::string(value));
  return true;
}

bool ResponseReader::BeginBody() {
  const std::string* coding = response_.Find("Transfer-Encoding");
  const std::string* length = response_.Find("Content-Length");
  if (head_only_ || response_.status == 204 || response_.status == 304) {
    state_ = State::kDone;
    return true;
  }
  if (coding != nullptr) {
    if (length != nullptr || CheckTransferEncoding(*coding) != Rule::kNone) {
      Fail("the length of the body is not clear");
      return false;
    }
    decoder_ = BodyDecoder::Chunked();
    state_ = State::kBody;
    return true;
  }
  if (length == nullptr) {
    state_ = State::kUntilClose;
    return true;
  }
  std::uint64_t bytes = 0;
  const bool same = std::all_of(
      response_.headers.begin(), response_.headers.end(), [&](const auto& field) {
        return !EqualsIgnoreCase(field.first, "Content-Length") || field.second == *length;
      });
  if (!same || CheckContentLength(*length, bytes) != Rule::kNone) {
    Fail("the length of the body is not clear");
    return false;
  }
  if (bytes > limits_.body_bytes) {
    Fail("the body is too large");
    return false;
  }
  decoder_ = BodyDecoder::Fixed(bytes);
  state_ = decoder_.done() ? State::kDone : State::kBody;
  return true;
}

void ResponseReader::TakeBody(std::string_view bytes) {
  while (!bytes.empty() && !failed() && state_ == State::kBody) {
    const BodyDecoder::Step step = decoder_.Feed(bytes);
    Append(step.data);
    bytes.remove_prefix(step.consumed);
    if (decoder_.failed()) Fail("the chunks of the body are malformed");
    if (decoder_.done()) state_ = State::kDone;
    if (step.consumed == 0) break;
  }
  if (state_ == State::kDone && !bytes.empty()) Fail("bytes after the response");
}

void ResponseReader::Append(std::string_view data) {
  if (data.size() > limits_.body_bytes - response_.body.size()) {
    Fail("the body is too large");
    return;
  }
  response_.body += data;
}

}  // namespace tidegate::http
