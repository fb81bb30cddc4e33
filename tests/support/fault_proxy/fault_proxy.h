// A TCP proxy that breaks connections on purpose, between a connector and its broker.
//
//   auto proxy = FaultProxy::Start("127.0.0.1", broker_port);
//   proxy->Arm({Way::kUp, Fault::Unit::kChunks, 3, How::kReset});  // the third read of the client
//   proxy->Cut(How::kFin);      // everything that is open, now
//   proxy->Refuse(true);        // nobody listens any more
//   proxy->Heal();              // back to passing bytes through
//
// A chunk is what one read of a socket gives: with protocols of requests and answers, one step.
// Silence keeps both sides open and passes nothing on, as a broken link does.
// Thread: any; the proxy has one of its own, and calls return when it has done what was asked.
// Owner: the test. Fails: Start gives nullptr where it cannot listen; a broker that is not there is
// a client connection that is reset.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tidegate::faults {

enum class Way : std::uint8_t { kUp, kDown };  // to the broker, to the client
enum class How : std::uint8_t { kReset, kFin, kSilence };

struct Fault {
  enum class Unit : std::uint8_t { kBytes, kChunks };
  Way way = Way::kUp;
  Unit unit = Unit::kChunks;
  // kChunks: the chunk of this number (from 1) is not passed on. kBytes: what lies beyond so many
  // bytes is not. Counted per connection.
  std::uint64_t after = 1;
  How how = How::kReset;
  std::uint64_t connection = 0;  // the n-th that is made after Arm; 0: whichever comes that far
};

struct LinkCounts {
  std::uint64_t chunks_up = 0;
  std::uint64_t chunks_down = 0;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
};

struct ProxyCounts {
  std::uint64_t connections = 0;  // since the start
  std::uint64_t open = 0;
  std::uint64_t faults = 0;       // armed ones that have struck
  std::vector<LinkCounts> links;  // of the connections made since Arm, Disarm or Heal, in order
};

class FaultProxy {
 public:
  // Port 0: a free one.
  static std::unique_ptr<FaultProxy> Start(const std::string& host, std::uint16_t port,
                                           std::uint16_t listen_port = 0);
  virtual ~FaultProxy() = default;

  virtual std::uint16_t port() const = 0;
  // One fault, once.
  virtual void Arm(const Fault& fault) = 0;
  virtual void Disarm() = 0;
  virtual void Cut(How how) = 0;
  virtual void Refuse(bool on) = 0;
  virtual void Delay(std::chrono::milliseconds each_chunk) = 0;
  // Disarmed, no delay, accepting; what was silent is reset.
  virtual void Heal() = 0;
  virtual ProxyCounts counts() = 0;
};

}  // namespace tidegate::faults
