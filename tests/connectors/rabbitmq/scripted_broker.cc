#include "tests/connectors/rabbitmq/scripted_broker.h"

#include <sys/socket.h>

#include <array>
#include <utility>

#include "connectors/rabbitmq/frame.h"
#include "tests/connectors/rabbitmq/wire.h"

namespace tidegate::rabbitmq {
namespace {

std::string Usual(std::uint32_t method, unsigned channel, std::uint32_t frame_max) {
  switch (method) {
    case 0x000A000B: return wire::Tune(2047, frame_max, 60);  // start-ok
    case 0x000A0028: return wire::OpenOk();
    case 0x0014000A: return wire::ChannelOpenOk(channel);
    case 0x0028000A: return wire::Method(channel, 0x0028000B, "");
    case 0x0032000A:
      return wire::Method(channel, 0x0032000B, wire::Short("q") + wire::U32(0) + wire::U32(0));
    case 0x00320014: return wire::Method(channel, 0x00320015, "");
    case 0x003C000A: return wire::Method(channel, 0x003C000B, "");
    case 0x003C0014: return wire::Method(channel, 0x003C0015, wire::Short("ctag"));
    case 0x0055000A: return wire::Method(channel, 0x0055000B, "");
    case 0x00140028: return wire::Method(channel, 0x00140029, "");
    case 0x000A0032: return wire::Method(0, 0x000A0033, "");
    default: return {};
  }
}

}  // namespace

ScriptedBroker::ScriptedBroker(Script script, std::uint32_t frame_max)
    : script_(std::move(script)), frame_max_(frame_max),
      server_([this](int fd, int number) { Serve(fd, number); }) {}

void ScriptedBroker::Serve(int fd, int number) {
  std::array<char, 65536> buffer;
  FrameReader reader;
  std::size_t greeting = 8;  // "AMQP" and a version
  std::uint64_t left = 0;    // of the body under way
  std::uint64_t published = 0;
  bool over = false;
  while (!over) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    std::span<const char> bytes(buffer.data(), static_cast<std::size_t>(got));
    if (greeting > 0) {
      const std::size_t cut = std::min(greeting, bytes.size());
      bytes = bytes.subspan(cut);
      greeting -= cut;
      if (greeting == 0) tests::SendAll(fd, wire::Start());
    }
    if (!bytes.empty()) reader.Append(bytes);
    while (!over) {
      auto frame = reader.Next();
      if (!frame.ok() || !frame->has_value()) break;
      const std::string payload((*frame)->payload);
      if ((*frame)->type == FrameType::kHeader) {
        ++headers_;
        left = Read64(payload.data() + 4);
      } else if ((*frame)->type == FrameType::kBody) {
        left -= payload.size();
      } else {
        const bool method = (*frame)->type == FrameType::kMethod;
        if (method) over = !Hear(fd, number, payload, (*frame)->channel);
        continue;
      }
      if (left > 0 || number < confirms_from_) continue;
      tests::SendAll(fd, wire::Ack((*frame)->channel, ++published, false));
    }
  }
}

bool ScriptedBroker::Hear(int fd, int number, const std::string& payload, unsigned channel) {
  const std::uint32_t method = Read32(payload.data());
  if (const auto said = script_(number, method, channel)) {
    tests::SendAll(fd, said->bytes);
    return !said->hang_up;
  }
  tests::SendAll(fd, Usual(method, channel, frame_max_));
  return true;
}

}  // namespace tidegate::rabbitmq
