// fuzz-deps: tg_mqtt5
// What a broker sends: every packet of a stream, with the properties as headers and metadata.
#include <cstddef>
#include <cstdint>

#include "connectors/mqtt5/block.h"
#include "connectors/mqtt5/packets.h"
#include "connectors/mqtt5/reason.h"
#include "connectors/mqtt5/topic.h"

namespace tidegate::mqtt5 {
namespace {

constexpr std::size_t kPacketMax = 64 * 1024;

void Look(const Frame& frame) {
  DecodeConnack(frame.first, frame.body);
  DecodePuback(frame.first, frame.body);
  DecodeSuback(frame.first, frame.body);
  if (const auto packet = DecodeDisconnect(frame.first, frame.body)) {
    FirstReference(packet->server_reference);
    if (ReasonError("fuzz", packet->reason, packet->reason_text).ok()) __builtin_trap();
  }
  const auto packet = DecodePublish(frame.first, frame.body);
  if (!packet) return;
  // What was taken for well-formed becomes a message whole.
  MetadataCache cache;
  const BlockPtr block(Block::Make(*packet, cache.Of(*packet)));
  connectors::Message message;
  block->FillInto(message);
  if (message.content != packet->payload || message.topic != packet->topic) __builtin_trap();
  if (!packet->topic.empty() && packet->topic.size() < 60'000 && !IsTopicFilter(message.topic) &&
      message.topic.substr(0, 1) != "$") {
    __builtin_trap();  // a name is a filter that matches itself
  }
}

}  // namespace
}  // namespace tidegate::mqtt5

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tidegate::mqtt5;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  IsTopicName(rest);
  IsTopicFilter(rest);
  while (!rest.empty()) {
    const Frame frame = NextFrame(rest, kPacketMax);
    if (frame.state != FrameState::kWhole) break;
    Look(frame);
    rest.remove_prefix(frame.size);
  }
  return 0;
}
