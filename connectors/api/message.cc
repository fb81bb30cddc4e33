#include "connectors/api/message.h"

namespace tidegate::connectors {

Message& MessageBatch::Add() {
  if (size_ == slots_.size()) slots_.emplace_back();
  Message& message = slots_[size_++];
  return message;
}

void MessageBatch::Clear() {
  for (std::size_t i = 0; i < size_; ++i) {
    Message& message = slots_[i];
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
  size_ = 0;
}

}  // namespace tidegate::connectors
