// The handle with which a consumer settles one delivery of a group source.
//
// Move-only; settled at most once; dropping it unsettled counts as Nack(kRetry). It carries the
// generation (assignment, connection) it was made in: the source ignores handles of older ones.
// Thread: any (the target serialises); Owner: whoever holds the delivery.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace tidegate::connectors {

enum class NackKind : std::uint8_t {
  kRetry,   // deliver again
  kReject,  // do not deliver again
};

struct AckToken {
  std::uint64_t generation = 0;
  std::uint32_t lane = 0;   // partition index, channel, … of the source
  std::int64_t tag = 0;     // offset, delivery tag, packet id, …
};

// What acks report to; a source's. Counted, so that a late ack finds it (and is ignored).
class AckTarget {
 public:
  virtual void OnAck(const AckToken& token) = 0;
  virtual void OnNack(const AckToken& token, NackKind kind) = 0;
  void AddRef() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Release() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  virtual ~AckTarget() = default;

 private:
  std::atomic<std::uint32_t> references_{1};
};

class Ack {
 public:
  Ack() = default;
  Ack(AckTarget& target, AckToken token) : target_(&target), token_(token) { target.AddRef(); }
  Ack(Ack&& other) noexcept
      : target_(std::exchange(other.target_, nullptr)), token_(other.token_) {}
  Ack& operator=(Ack&& other) noexcept {
    if (this != &other) {
      Drop();
      target_ = std::exchange(other.target_, nullptr);
      token_ = other.token_;
    }
    return *this;
  }
  ~Ack() { Drop(); }

  explicit operator bool() const { return target_ != nullptr; }
  const AckToken& token() const { return token_; }

  void Done() {
    if (AckTarget* target = std::exchange(target_, nullptr)) {
      target->OnAck(token_);
      target->Release();
    }
  }
  void Nack(NackKind kind) {
    if (AckTarget* target = std::exchange(target_, nullptr)) {
      target->OnNack(token_, kind);
      target->Release();
    }
  }

 private:
  void Drop() { Nack(NackKind::kRetry); }
  AckTarget* target_ = nullptr;
  AckToken token_;
};

}  // namespace tidegate::connectors
