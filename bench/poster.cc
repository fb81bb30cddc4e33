#include "bench/poster.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace tidegate::bench {
namespace {

bool Whole(const std::string& answer) {
  const auto head = answer.find("\r\n\r\n");
  if (head == std::string::npos) return false;
  const auto length = answer.find("Content-Length: ");
  if (length > head) return true;
  return answer.size() >= head + 4 + std::strtoul(answer.c_str() + length + 16, nullptr, 10);
}

}  // namespace

Poster::Poster(const std::string& url, const std::vector<std::string>& headers)
    : target_(ParseTarget(url)), fd_(ConnectTo(target_)) {
  head_ = "POST " + target_.path + " HTTP/1.1\r\nHost: " + target_.host + "\r\n";
  for (const auto& header : headers) head_ += header + "\r\n";
  poller_.Add(fd_, 0);
}

Poster::~Poster() { close(fd_); }

bool Poster::Post(std::string_view payload) {
  std::string request = head_ + "Content-Length: " + std::to_string(payload.size()) + "\r\n\r\n";
  request += payload;
  if (!SendAll(fd_, request)) return false;
  std::string answer;
  const std::int64_t give_up = NowNs() + 10 * kSecond;
  while (!Whole(answer)) {
    if (NowNs() > give_up) return false;
    poller_.Wait(give_up);
    char buffer[4096];
    const ssize_t count = recv(fd_, buffer, sizeof buffer, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) return false;
    if (count > 0) answer.append(buffer, static_cast<std::size_t>(count));
  }
  return answer.starts_with("HTTP/1.1 2");
}

}  // namespace tidegate::bench
