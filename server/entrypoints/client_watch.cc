#include "server/entrypoints/client_watch.h"

#include <array>
#include <utility>

namespace tidegate::entrypoints {
namespace {

constexpr std::size_t kIgnoredBytesMax = 16 * 1024;  // a consumer has nothing to say on a stream

}  // namespace

void ClientWatch::Start() {
  waiting_ = stream_.NotifyReadable(*this);
  if (!waiting_) Read();
}

void ClientWatch::OnReadable(ErrorCode) {
  waiting_ = false;
  if (!stopping_) Read();  // which meets the error again, if there was one
}

void ClientWatch::Read() {
  running_ = true;
  worker_.Spawn("entrypoint.client_watch", Run());
}

Task<void> ClientWatch::Run() {
  std::size_t ignored = 0;
  while (!stopping_) {
    const ErrorCode ready = co_await stream_.WaitReadable();
    if (stopping_) break;
    std::array<char, 64> buffer;
    net::IoResult read;
    read.ec = ready;
    if (!ready) read = co_await stream_.ReadSome(buffer);
    ignored += read.bytes;
    if (stopping_) break;
    if (read.ec || ignored > kIgnoredBytesMax) {
      control_.Stop(flow::EndReason::kClientGone, Cancelled("the client has gone"));
      break;
    }
  }
  running_ = false;
  done_.Set();
}

Task<void> ClientWatch::Stop(bool close) {
  stopping_ = true;
  const bool waiting = std::exchange(waiting_, false);
  if (!waiting && !running_) co_return;
  if (waiting || !close) stream_.CancelRead();  // nothing calls us from here on
  if (close) stream_.Close();
  while (running_) co_await done_.Wait();
}

}  // namespace tidegate::entrypoints
