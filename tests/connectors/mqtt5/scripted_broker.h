// A broker of a few lines on a port of its own: it answers every packet as a broker would, unless a
// test says otherwise.
//
// Thread: Start and the counts on any; `Script` runs on the threads of its connections. Owner: the
// test; its end closes everything.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/mqtt5/packets.h"
#include "tests/support/loopback/loopback_server.h"

namespace tidegate::mqtt5 {

class ScriptedBroker {
 public:
  struct Answer {
    std::string bytes;
    bool hang_up = false;  // after these
  };
  // What is answered to a packet on the connection with this number (the first is 1); nullopt: what
  // a broker answers.
  using Script =
      std::function<std::optional<Answer>(int connection, PacketType type, std::string_view body)>;

  explicit ScriptedBroker(Script script);

  int port() const { return server_.port(); }

 private:
  void Serve(int fd, int number);

  const Script script_;
  tests::LoopbackServer server_;
};

// Packets of a server.
std::string Connacked(bool session_present, const std::string& properties = "");
std::string Subacked(std::string_view subscribe, std::uint8_t reason);
std::string Unsubacked(std::string_view unsubscribe);
// Packet id 0: QoS 0.
std::string Published(const std::string& topic, const std::string& payload, std::uint16_t packet_id,
                      bool again = false);
// What a SUBSCRIBE or UNSUBSCRIBE of one filter asks for.
std::string FilterOf(std::string_view body);
std::string ClientIdOf(std::string_view connect);

}  // namespace tidegate::mqtt5
