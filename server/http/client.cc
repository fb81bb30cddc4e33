#include "server/http/client.h"

#include <algorithm>
#include <array>

#include "server/base/strings.h"
#include "server/http/guard.h"
#include "server/net/dial.h"

namespace tidegate::http {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;

// Closes a stream that is not done in time.
class Guard final : public net::WheelTimer {
 public:
  explicit Guard(net::ByteStream& stream) : stream_(stream) {}
  void OnTimer() override {
    fired_ = true;
    stream_.Close();
  }
  bool fired() const { return fired_; }

 private:
  net::ByteStream& stream_;
  bool fired_ = false;
};

std::string Where(const Url& url) { return url.host + ":" + std::to_string(url.port); }

Status Failure(ErrorClass error_class, const Url& url, std::string_view cause) {
  return MakeError(error_class, "call " + Where(url) + ": " + std::string(cause));
}

Task<StatusOr<net::ByteStreamPtr>> Open(net::Worker& worker, const ClientOptions& options,
                                        const Url& url, TimePoint deadline) {
  std::string host = url.host;
  auto stream = co_await net::Dial(worker, std::move(host), url.port, deadline);
  if (!stream.ok() || !url.tls) co_return stream;
  if (!options.tls) co_return Failure(ErrorClass::kConfigInvalid, url, "no TLS settings");
  std::string name = url.host;
  net::ByteStreamPtr tcp = std::move(*stream);
  co_return co_await options.tls->Connect(worker, std::move(tcp), std::move(name), deadline);
}

Task<Status> Read(net::Worker& worker, const ClientOptions& options, net::ByteStream& stream,
                  ResponseReader& reader, const Url& url, TimePoint deadline) {
  std::vector<char> buffer(kReadBytes);
  Guard guard(stream);
  while (!reader.done()) {
    worker.wheel().ArmAt(guard, std::min(deadline, Clock::now() + options.read_timeout));
    const std::span<char> room(buffer);
    const net::IoResult got = co_await stream.ReadSome(room);
    if (guard.fired()) co_return Failure(ErrorClass::kTimeout, url, "no answer in time");
    if (got.bytes > 0) reader.Feed(std::string_view(buffer.data(), got.bytes));
    if (got.ec == asio::error::eof) {
      reader.End();
    } else if (got.ec && !reader.done()) {
      co_return Failure(ErrorClass::kConnectionClosed, url, got.ec.message());
    }
    if (reader.failed()) co_return Failure(ErrorClass::kConnectionClosed, url, reader.error());
  }
  co_return OkStatus();
}

}  // namespace

std::string FormEncode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 128 && (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '*')) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

StatusOr<std::string> FormatRequest(const ClientRequest& request) {
  if (!IsToken(request.method)) return InvalidArgument("HTTP request: the method is not a token");
  std::string out = request.method + " " + request.url.target + " HTTP/1.1\r\nHost: " +
                    request.url.authority + "\r\nConnection: close\r\n";
  for (const auto& [name, value] : request.headers) {
    if (!IsToken(name) || CheckFieldValue(value) != Rule::kNone) {
      return InvalidArgument("HTTP request: a header field holds what cannot stand there");
    }
    out += name + ": " + value + "\r\n";
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  out += "\r\n";
  out += request.body;
  return out;
}

Task<StatusOr<ClientResponse>> Fetch(net::Worker& worker, ClientOptions options,
                                     ClientRequest request) {
  auto bytes = FormatRequest(request);
  if (!bytes.ok()) co_return bytes.status();
  const TimePoint deadline = Clock::now() + options.request_timeout;
  const TimePoint connected = std::min(deadline, Clock::now() + options.connect_timeout);
  auto opened = co_await Open(worker, options, request.url, connected);
  if (!opened.ok()) co_return opened.status();
  const net::ByteStreamPtr stream = std::move(*opened);
  {
    Guard guard(*stream);
    worker.wheel().ArmAt(guard, deadline);
    const std::array<asio::const_buffer, 1> buffers = {asio::buffer(*bytes)};
    const std::span<const asio::const_buffer> all(buffers);
    const ErrorCode ec = co_await stream->WriteAll(all);
    if (guard.fired()) {
      co_return Failure(ErrorClass::kTimeout, request.url, "the request could not be sent in time");
    }
    if (ec) co_return Failure(ErrorClass::kConnectionClosed, request.url, ec.message());
  }
  ResponseReader reader(options.limits, request.method == "HEAD");
  const Status read = co_await Read(worker, options, *stream, reader, request.url, deadline);
  stream->Close();
  if (!read.ok()) co_return read;
  co_return std::move(reader.response());
}

}  // namespace tidegate::http
