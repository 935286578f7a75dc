// A histogram of whole numbers (microseconds, bytes, counts). One thread records with relaxed
// stores; any thread reads without a lock, so a reader may miss what is being recorded.
//
// The buckets are linear within each doubling: eight of them. A value is known by the upper bound
// of its bucket, which is at most 12.5 % above it; values below 16 are exact.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace rookery {

class Histogram {
 public:
  static constexpr unsigned step_bits = 3;
  static constexpr std::uint64_t steps = 1u << step_bits;  ///< Buckets in each doubling.
  /// Whatever is larger counts as this: 19 hours, or 64 GiB.
  static constexpr unsigned largest_bits = 36;
  static constexpr std::uint64_t largest = (std::uint64_t{1} << largest_bits) - 1;
  static constexpr std::size_t size = (largest_bits - step_bits + 1) * steps;

  /// The bucket of a value that is not beyond `largest`.
  static constexpr std::size_t bucket_of(std::uint64_t value) {
    if (value < steps) return static_cast<std::size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - step_bits;
    return static_cast<std::size_t>(shift) * steps + (value >> shift);
  }
  /// The largest value of a bucket.
  static constexpr std::uint64_t upper_bound(std::size_t bucket) {
    if (bucket < steps) return bucket;
    const std::size_t shift = bucket / steps - 1;
    return ((bucket % steps + steps + 1) << shift) - 1;
  }
  /// The recording thread only.
  void record(std::uint64_t value) {
    const std::uint64_t kept = value < largest ? value : largest;
    add(buckets_[bucket_of(kept)], 1);
    add(sum_, kept);
  }

  // Any thread.
  [[nodiscard]] std::uint64_t bucket(std::size_t index) const {
    return buckets_[index].load(std::memory_order_relaxed);
  }
  /// Of everything that was recorded.
  [[nodiscard]] std::uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }
  /// How many values: counted by the reader, so that it always is the sum of the buckets.
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t count = 0;
    for (std::size_t index = 0; index < size; ++index) count += bucket(index);
    return count;
  }

 private:
  static void add(std::atomic<std::uint64_t>& to, std::uint64_t value) {
    to.store(to.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }
  std::atomic<std::uint64_t> sum_{0};
  std::array<std::atomic<std::uint64_t>, size> buckets_{};
};
static_assert(Histogram::bucket_of(Histogram::largest) + 1 == Histogram::size);

}  // namespace rookery
