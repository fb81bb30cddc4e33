// One message as a connector hands it over: views into the broker's buffer, which a Hold keeps
// alive; no copy from the library to the socket. And the opposite direction: what is published.
//
// Thread: a Message belongs to the batch of one Source on one worker; a Hold may be released on any
// thread. Owner: the MessageBatch, whose slots are used again: views are valid until the batch is
// filled again or the message's Hold was moved out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/api/ack.h"

namespace tidegate::connectors {

// Keeps a broker's object alive without an allocation of ours.
class Hold {
 public:
  using Release = void (*)(void*);
  Hold() = default;
  Hold(void* object, Release release) : object_(object), release_(release) {}
  Hold(Hold&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)), release_(other.release_) {}
  Hold& operator=(Hold&& other) noexcept {
    if (this != &other) {
      Reset();
      object_ = std::exchange(other.object_, nullptr);
      release_ = other.release_;
    }
    return *this;
  }
  ~Hold() { Reset(); }
  explicit operator bool() const { return object_ != nullptr; }
  void Reset() {
    if (object_ != nullptr) release_(std::exchange(object_, nullptr));
  }

 private:
  void* object_ = nullptr;
  Release release_ = nullptr;
};

struct HeaderField {
  std::string_view name;
  std::string_view value;  // bytes
};

// A metadata entry beyond the fixed ones below (the mock's own).
struct NamedText {
  std::string name;
  std::string value;
};

struct Message {
  std::string_view content;
  bool has_content = true;              // false: a Kafka tombstone (null value)
  std::vector<HeaderField> headers;     // its capacity is kept when the slot is used again
  // Metadata with fixed names; absent where the broker has none.
  std::optional<std::string_view> key;
  // With RECOVER interned by the source: stable for its lifetime. Else as the content.
  std::string_view topic;
  std::int32_t partition = -1;
  std::int64_t offset = -1;
  bool redelivered = false;             // the broker says that it was delivered before
  std::optional<std::int64_t> timestamp_ms;  // sourceTimestamp
  std::span<const NamedText> metadata;       // further entries; live as long as the content
  Ack ack;                                   // empty where nothing is acknowledged
  Hold hold;
};

// Content, key and headers: what counts for kBatchBytesMax and for message_bytes_max.
std::size_t SizeOf(const Message& message);

// Reused by its reader from turn to turn: slots keep their capacity, so a message costs no
// allocation.
class MessageBatch {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Message& operator[](std::size_t i) { return slots_[i]; }
  Message* begin() { return slots_.data(); }
  Message* end() { return slots_.data() + size_; }
  // The next free slot, cleared. References to other slots stay valid only up to Reserve'd size.
  Message& Add();
  void Reserve(std::size_t count) { slots_.reserve(count); }
  void DropLast();  // there must be one
  void Clear();

 private:
  std::vector<Message> slots_;
  std::size_t size_ = 0;
};

// What is published: views that the caller keeps alive until Publish has completed.
struct OutMessage {
  OutMessage() = default;
  std::string_view content;
  std::optional<std::string_view> key;
  std::span<const HeaderField> headers;
  // Topics (exchanges, …) instead of the configured ones, already validated; empty: configured.
  std::span<const std::string> topics;
};

std::size_t SizeOf(const OutMessage& message);

}  // namespace tidegate::connectors
