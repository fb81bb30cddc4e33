// One message as it came in, in one allocation: views of it live until the last reference goes.
//
// Thread: made and read on its source's worker; references may go on any. Owner: counted: the
// source's queue or window, and the Hold of a message that was handed over.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "connectors/api/message.h"
#include "connectors/mqtt5/headers.h"

namespace tidegate::mqtt5 {

class Block {
 public:
  // Binary headers are decoded here, once.
  static Block* Make(Publish packet, Metadata metadata);
  void AddRef() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Release() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) Destroy(this);
  }

  std::string_view topic() const { return {bytes(), topic_size_}; }
  std::string_view properties() const { return {bytes() + topic_size_, properties_size_}; }
  std::string_view payload() const {
    return {bytes() + topic_size_ + properties_size_, payload_size_};
  }
  bool dup() const { return dup_; }
  const Metadata& metadata() const { return metadata_; }
  std::size_t size() const {
    return sizeof(Block) + topic_size_ + properties_size_ + payload_size_;
  }

  // Sets all of `out` but its ack; takes a reference for its hold.
  void FillInto(connectors::Message& out);

 private:
  Block(const Publish& packet, Metadata metadata);
  static void Destroy(Block* block);
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  char* bytes() { return reinterpret_cast<char*>(this + 1); }

  std::atomic<std::uint32_t> references_{1};
  const bool dup_;
  const std::uint32_t topic_size_;
  const std::uint32_t properties_size_;
  const std::uint32_t payload_size_;
  const Metadata metadata_;
};

// Counts one reference.
class BlockPtr {
 public:
  BlockPtr() = default;
  explicit BlockPtr(Block* adopted) : block_(adopted) {}
  BlockPtr(BlockPtr&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockPtr& operator=(BlockPtr&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~BlockPtr() {
    if (block_ != nullptr) block_->Release();
  }
  Block* operator->() const { return block_; }
  Block& operator*() const { return *block_; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  Block* block_ = nullptr;
};

}  // namespace tidegate::mqtt5
