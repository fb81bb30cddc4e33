#include "tests/connectors/mqtt5/scripted_broker.h"

#include <sys/socket.h>

#include <array>
#include <utility>

namespace tidegate::mqtt5 {
namespace {

std::string Packet(unsigned first, std::string_view body) {
  std::string out(1, static_cast<char>(first));
  PutVarInt(out, static_cast<std::uint32_t>(body.size()));
  return out + std::string(body);
}

ScriptedBroker::Answer Usual(PacketType type, std::string_view body) {
  ScriptedBroker::Answer answer;
  switch (type) {
    case PacketType::kConnect: answer.bytes = Connacked(false); break;
    case PacketType::kSubscribe: answer.bytes = Subacked(body, 1); break;
    case PacketType::kUnsubscribe: answer.bytes = Unsubacked(body); break;
    case PacketType::kPingreq: answer.bytes = Packet(0xD0, ""); break;
    case PacketType::kDisconnect: answer.hang_up = true; break;
    default: break;
  }
  return answer;
}

}  // namespace

std::string Connacked(bool session_present, const std::string& properties) {
  std::string body = {static_cast<char>(session_present ? 1 : 0), '\0'};
  PutVarInt(body, static_cast<std::uint32_t>(properties.size()));
  return Packet(0x20, body + properties);
}

std::string Subacked(std::string_view subscribe, std::uint8_t reason) {
  std::string body(subscribe.substr(0, 2));
  return Packet(0x90, body + '\0' + static_cast<char>(reason));
}

std::string Unsubacked(std::string_view unsubscribe) {
  std::string body(unsubscribe.substr(0, 2));
  return Packet(0xB0, body + '\0' + '\0');
}

std::string Published(const std::string& topic, const std::string& payload, std::uint16_t packet_id,
                      bool again) {
  std::string body;
  PutBinary(body, topic);
  if (packet_id != 0) PutU16(body, packet_id);
  PutU8(body, 0);
  return Packet((packet_id != 0 ? 0x32U : 0x30U) | (again ? 0x08U : 0U), body + payload);
}

std::string FilterOf(std::string_view body) {
  Reader reader(body);
  reader.U16();
  reader.Take(reader.VarInt());
  return std::string(reader.Text());
}

std::string ClientIdOf(std::string_view connect) {
  Reader reader(connect);
  reader.Take(10);  // name, version, flags, keep alive
  reader.Take(reader.VarInt());
  return std::string(reader.Text());
}

ScriptedBroker::ScriptedBroker(Script script)
    : script_(std::move(script)), server_([this](int fd, int number) { Serve(fd, number); }) {}

void ScriptedBroker::Serve(int fd, int number) {
  std::array<char, 65536> buffer;
  std::string unread;
  bool over = false;
  while (!over) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    unread.append(buffer.data(), static_cast<std::size_t>(got));
    while (!over) {
      const Frame frame = NextFrame(unread, 10'000'000);
      if (frame.state != FrameState::kWhole) break;
      const PacketType type = TypeOf(frame.first);
      const auto said = script_(number, type, frame.body);
      const Answer answer = said ? *said : Usual(type, frame.body);
      tests::SendAll(fd, answer.bytes);
      over = answer.hang_up;
      unread.erase(0, frame.size);
    }
  }
}

}  // namespace tidegate::mqtt5
