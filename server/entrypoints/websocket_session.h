// One open WebSocket: reads and publishes frames one after the other, keeps the client awake with
// pings, and ends with a close frame that says why.
//
//   open ──(source, plan, drain, client, error)──▶ closing: close frame out, peer's close awaited
//        ──(peer's close, eof, 2 s)──▶ gone
//
// The next frame is read only when the publish before has its outcome: that is the back-pressure.
// Thread: the connection's worker. Owner: the serving coroutine, which awaits Run().
// Fails: by close code (DESIGN §5).
#pragma once

#include <memory>
#include <string>

#include "server/entrypoints/settings.h"
#include "server/flow/call.h"
#include "server/flow/event.h"
#include "server/flow/stream_session.h"
#include "server/http/websocket_frame.h"

namespace tidegate::entrypoints {

class WebsocketSession final : public flow::StreamControl, private net::WheelTimer {
 public:
  WebsocketSession(flow::Call& call, const WebsocketSettings& settings,
                   flow::StreamOptions options, bool publishes);

  flow::StreamSession& session() { return session_; }

  // After the upgrade: `leftover` is what the client sent behind its head.
  void Start(std::string leftover);
  // Until the stream is over and the close frame is out; then Leave().
  Task<flow::EndReason> Run();
  // Waits for the reading side to end; closes the connection where it would not.
  Task<void> Leave();

  // StreamControl
  void Stop(flow::EndReason reason, const Status& status) override;
  std::uint64_t messages() const override { return session_.frames_written(); }
  std::uint64_t bytes() const override { return session_.bytes_written(); }
  flow::Backlog backlog() const override { return session_.backlog(); }

 private:
  Task<void> Read(std::string leftover);
  // Deals with everything in `input`. False: the reading is over.
  Task<bool> Feed(std::span<char> input);
  Task<void> OnMessage(std::string_view payload);
  void OnTimer() override;
  void End(std::uint16_t code, std::string_view text, flow::EndReason reason);
  void ChooseClose(flow::EndReason reason);
  static std::string_view TextOf(std::uint16_t code);

  flow::Call& call_;
  const WebsocketSettings& settings_;
  const bool publishes_;
  flow::StreamSession session_;
  http::WebSocketDecoder decoder_;
  flow::Event read_done_;
  bool reading_ = false;
  bool closing_ = false;       // what still comes is thrown away
  bool peer_closed_ = false;
  bool heard_ = false;         // since the last tick
  bool publishing_ = false;    // nothing is read meanwhile, so nothing can be heard
  int silent_ticks_ = 0;
  std::uint16_t close_code_ = 0;
  std::string close_text_;
};

}  // namespace tidegate::entrypoints
