// A histogram with logarithmic buckets: 64 to each power of two, so a value is known to 1.6 %.
//
// Thread: one. Owner: the mode that measures. Fails: never; values above the range count as the
// largest bucket.
#pragma once

#include <array>
#include <cstdint>

namespace tidegate::bench {

class Histogram {
 public:
  // Records a duration in nanoseconds; negative ones (clock of another machine) count as 0.
  void Record(std::int64_t nanoseconds);
  void Clear() { *this = Histogram(); }

  std::uint64_t count() const { return count_; }
  double max_us() const { return static_cast<double>(max_) / 1000.0; }
  double mean_us() const;
  // The value in microseconds below which `quantile` (0 to 1) of the records lie.
  double QuantileUs(double quantile) const;

 private:
  static constexpr int kSubBits = 6;
  static constexpr int kPowers = 48;  // up to 78 hours

  static std::size_t IndexOf(std::uint64_t value);
  static std::uint64_t MiddleOf(std::size_t index);

  std::array<std::uint64_t, (kPowers - kSubBits + 1) << kSubBits> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace tidegate::bench
