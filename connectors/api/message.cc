#include "connectors/api/message.h"

namespace tidegate::connectors {

namespace {

void Free(Message& message) {
  message.content = {};
  message.has_content = true;
  message.headers.clear();
  message.key.reset();
  message.topic = {};
  message.partition = -1;
  message.offset = -1;
  message.redelivered = false;
  message.timestamp_ms.reset();
  message.metadata = {};
  message.ack = Ack();
  message.hold.Reset();
}

// Of Message and OutMessage.
template <typename Any>
std::size_t Count(const Any& message) {
  std::size_t size = message.content.size() + (message.key ? message.key->size() : 0);
  for (const HeaderField& header : message.headers) {
    size += header.name.size() + header.value.size();
  }
  return size;
}

}  // namespace

std::size_t SizeOf(const Message& message) { return Count(message); }
std::size_t SizeOf(const OutMessage& message) { return Count(message); }

Message& MessageBatch::Add() {
  if (size_ == slots_.size()) slots_.emplace_back();
  Message& message = slots_[size_++];
  return message;
}

void MessageBatch::Clear() {
  for (std::size_t i = 0; i < size_; ++i) Free(slots_[i]);
  size_ = 0;
}

void MessageBatch::DropLast() { Free(slots_[--size_]); }

}  // namespace tidegate::connectors
