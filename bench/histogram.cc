#include "bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tidegate::bench {

std::size_t Histogram::IndexOf(std::uint64_t value) {
  constexpr std::uint64_t kSub = 1U << kSubBits;
  if (value < kSub) return value;
  const int power = std::bit_width(value) - 1;
  const std::uint64_t sub = (value >> (power - kSubBits)) - kSub;
  return (static_cast<std::size_t>(power - kSubBits + 1) << kSubBits) + sub;
}

std::uint64_t Histogram::MiddleOf(std::size_t index) {
  constexpr std::uint64_t kSub = 1U << kSubBits;
  if (index < kSub) return index;
  const auto shift = static_cast<int>(index >> kSubBits) - 1;
  const std::uint64_t low = (kSub + (index & (kSub - 1))) << shift;
  return low + ((std::uint64_t{1} << shift) >> 1);
}

void Histogram::Record(std::int64_t nanoseconds) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds, 0));
  ++buckets_[std::min(IndexOf(value), buckets_.size() - 1)];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

double Histogram::mean_us() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_) / 1000.0;
}

double Histogram::QuantileUs(double quantile) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t index = 0; index < buckets_.size(); ++index) {
    seen += buckets_[index];
    if (seen >= wanted && seen > 0) {
      return static_cast<double>(std::min(MiddleOf(index), max_)) / 1000.0;
    }
  }
  return max_us();
}

}  // namespace tidegate::bench
