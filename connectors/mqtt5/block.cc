#include "connectors/mqtt5/block.h"

#include <cstring>
#include <new>

namespace tidegate::mqtt5 {

Block::Block(const Publish& packet, Metadata metadata)
    : dup_(packet.dup), topic_size_(static_cast<std::uint32_t>(packet.topic.size())),
      properties_size_(static_cast<std::uint32_t>(packet.properties.size())),
      payload_size_(static_cast<std::uint32_t>(packet.payload.size())),
      metadata_(std::move(metadata)) {
  char* at = bytes();
  for (const std::string_view part : {packet.topic, packet.properties, packet.payload}) {
    if (part.empty()) continue;
    std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
}

Block* Block::Make(Publish packet, Metadata metadata) {
  const auto decoded = DecodeBinaryHeaders(packet.properties);
  if (decoded) packet.properties = *decoded;
  const std::size_t bytes =
      packet.topic.size() + packet.properties.size() + packet.payload.size();
  void* memory = ::operator new(sizeof(Block) + bytes);
  return new (memory) Block(packet, std::move(metadata));
}

void Block::Destroy(Block* block) {
  block->~Block();
  ::operator delete(block);
}

void Block::FillInto(connectors::Message& out) {
  out.content = payload();
  out.has_content = true;
  out.topic = topic();
  out.redelivered = dup_;
  out.metadata = *metadata_;
  AppendHeaders(properties(), out.headers);
  AddRef();
  out.hold = connectors::Hold(this, [](void* block) { static_cast<Block*>(block)->Release(); });
}

}  // namespace tidegate::mqtt5
