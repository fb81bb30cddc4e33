#include "server/flow/ring.h"

#include <algorithm>
#include <utility>

namespace tidegate::flow {
namespace {

// What a message costs beside its bytes: our slot and the library's object behind the hold.
constexpr std::size_t kItemOverhead = sizeof(Ring::Item) + 512;
constexpr std::size_t kCopyCapacityKept = 512;
// Above the small-string size: a slot may move, the bytes its views point to may not.
constexpr std::size_t kCopyCapacityMin = 64;

std::size_t BytesOf(const connectors::Message& message) {
  std::size_t bytes = connectors::SizeOf(message) + message.topic.size();
  for (const auto& entry : message.metadata) bytes += entry.name.size() + entry.value.size();
  return bytes;
}

// Moves one view into `copy`, which has room enough to stay where it is.
std::string_view Copy(std::string& copy, std::string_view view) {
  const std::size_t at = copy.size();
  copy.append(view);
  return std::string_view(copy).substr(at, view.size());
}

}  // namespace

const FramePtr* Ring::Item::Find(std::uint32_t encoding) const {
  for (const Cached& cached : frames) {
    if (cached.encoding == encoding && cached.frame) return &cached.frame;
  }
  return nullptr;
}

void Ring::Item::Remember(std::uint32_t encoding, const FramePtr& frame) {
  for (Cached& cached : frames) {
    if (cached.frame) continue;
    cached.encoding = encoding;
    cached.frame = frame;
    return;
  }
}

Ring::Item& Ring::Add(connectors::Message& message, std::uint32_t lane) {
  if (size_ == items_.size()) Grow();
  Item& item = items_[(head_ + size_) & (items_.size() - 1)];
  ++size_;
  // Swapped, not moved: the batch gets the old slot's header vector with its capacity back.
  std::swap(item.message, message);
  item.lane = lane;
  item.offset = item.message.offset;
  item.copy.clear();
  const std::size_t size = BytesOf(item.message);
  if (!item.message.hold) {
    connectors::Message& kept = item.message;
    item.copy.reserve(std::max(size, kCopyCapacityMin));
    kept.content = Copy(item.copy, kept.content);
    kept.topic = Copy(item.copy, kept.topic);
    item.metadata.assign(kept.metadata.begin(), kept.metadata.end());
    kept.metadata = item.metadata;
    if (kept.key) kept.key = Copy(item.copy, *kept.key);
    for (auto& header : kept.headers) {
      header.name = Copy(item.copy, header.name);
      header.value = Copy(item.copy, header.value);
    }
  }
  item.bytes = size + kItemOverhead;
  return item;
}

void Ring::Settle(Item& item) {
  for (const Cached& cached : item.frames) {
    if (cached.frame) item.bytes += cached.frame->bytes().size() + sizeof(Frame);
  }
  bytes_ += item.bytes;
  while (bytes_ > bytes_max_ && size_ > 0) Evict();
}

std::uint64_t Ring::Seek(const Offsets& offsets, Offsets& at) {
  at = base_;
  std::uint64_t sequence = first_;
  for (; sequence < end(); ++sequence) {
    const Item& item = this->at(sequence);
    if (item.offset > At(offsets, item.lane)) break;
    SetAt(at, item.lane, item.offset);
  }
  return sequence;
}

void Ring::Evict() {
  Item& item = items_[head_];
  SetAt(base_, item.lane, item.offset);
  bytes_ -= item.bytes;
  item.message.hold.Reset();
  item.message.ack = connectors::Ack();
  item.message.headers.clear();
  item.message.metadata = {};
  item.metadata.clear();
  if (item.copy.capacity() > kCopyCapacityKept) std::string().swap(item.copy);
  item.frames = {};
  head_ = (head_ + 1) & (items_.size() - 1);
  --size_;
  ++first_;
}

void Ring::Grow() {
  std::vector<Item> items(items_.empty() ? 16 : items_.size() * 2);
  for (std::size_t i = 0; i < size_; ++i) {
    items[i] = std::move(items_[(head_ + i) & (items_.size() - 1)]);
  }
  items_ = std::move(items);
  head_ = 0;
}

}  // namespace tidegate::flow
