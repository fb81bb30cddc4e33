// Notices that the client of a stream has gone: reads, and throws away, what it sends.
//
// An idle stream holds no buffer for it. Thread: the connection's worker. Owner: the serving
// coroutine, which must await Stop() before it ends. Fails: never.
#pragma once

#include "server/flow/event.h"
#include "server/flow/stream_registry.h"
#include "server/net/byte_stream.h"
#include "server/net/worker.h"

namespace tidegate::entrypoints {

class ClientWatch : private net::ReadableListener {
 public:
  // When the client closes or sends more than it may, `control` is stopped with kClientGone.
  ClientWatch(net::ByteStream& stream, net::Worker& worker, flow::StreamControl& control)
      : stream_(stream), worker_(worker), control_(control), done_(worker) {}

  void Start();
  // Ends the watch. `close`: by closing the stream (needed while something waits to write).
  Task<void> Stop(bool close);

 private:
  void OnReadable(ErrorCode ec) override;
  void Read();
  Task<void> Run();

  net::ByteStream& stream_;
  net::Worker& worker_;
  flow::StreamControl& control_;
  flow::Event done_;
  bool waiting_ = false;  // for the first byte or the end, without a coroutine
  bool running_ = false;
  bool stopping_ = false;
};

}  // namespace tidegate::entrypoints
