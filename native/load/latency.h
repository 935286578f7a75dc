// A histogram of latencies with 32 buckets for each power of two: percentiles within 3 %, a fixed
// 16 KB, no allocation while it counts. Lies in memory that processes share, too: no pointers.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace rookery::load {

class Latency {
 public:
  void add(std::uint64_t nanoseconds) {
    ++buckets_[index_of(nanoseconds)];
    ++count_;
    if (nanoseconds > largest_) largest_ = nanoseconds;
  }

  /// Takes in what another has counted.
  void merge(const Latency& other) {
    for (std::size_t index = 0; index < buckets_.size(); ++index) {
      buckets_[index] += other.buckets_[index];
    }
    count_ += other.count_;
    if (other.largest_ > largest_) largest_ = other.largest_;
  }

  /// The upper bound of the bucket in which the percentile (0 to 100) falls, in microseconds.
  [[nodiscard]] double percentile_us(double percentile) const {
    if (count_ == 0) return 0;
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(count_) * percentile / 100);
    std::uint64_t seen = 0;
    for (std::size_t index = 0; index < buckets_.size(); ++index) {
      seen += buckets_[index];
      if (seen > wanted || seen == count_) return static_cast<double>(bound_of(index)) / 1000;
    }
    return 0;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double largest_us() const { return static_cast<double>(largest_) / 1000; }
  void clear() {
    buckets_.fill(0);
    count_ = 0;
    largest_ = 0;
  }

 private:
  static std::size_t index_of(std::uint64_t value) {
    if (value < 64) return static_cast<std::size_t>(value);
    const int shift = 58 - std::countl_zero(value);
    return static_cast<std::size_t>((shift + 1) * 32) +
           static_cast<std::size_t>((value >> shift) & 31);
  }
  static std::uint64_t bound_of(std::size_t index) {
    if (index < 64) return index;
    const std::size_t shift = index / 32 - 1;
    return ((32 + index % 32 + 1) << shift) - 1;
  }

  std::array<std::uint64_t, 2048> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t largest_ = 0;
};

}  // namespace rookery::load
