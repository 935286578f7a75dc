// How long items wait in a queue, by samples: one item at a time is followed from its push to the
// look that finds it taken. What is not followed costs one load of a word that rarely changes, and
// nobody reads a clock for it: both sides bring a reading that they have anyway.
#pragma once

#include <atomic>
#include <cstdint>

#include "stats/histogram.h"

namespace rookery {

class WaitProbe {
 public:
  /// A producer, before a push: `position` is what the queue's count of taken things will have
  /// reached when that item has been taken. Producers may be many.
  void pushing(std::uint64_t position, std::uint64_t now_us) {
    if (position_.load(std::memory_order_relaxed) != free) return;
    std::uint64_t expected = free;
    if (!position_.compare_exchange_strong(expected, being_set, std::memory_order_acquire)) return;
    at_us_.store(now_us, std::memory_order_relaxed);
    position_.store(position, std::memory_order_release);
  }

  /// The consumer, after it has taken items: so many have been taken in all.
  void taken(std::uint64_t count, std::uint64_t now_us) {
    const std::uint64_t position = position_.load(std::memory_order_acquire);
    if (position > count || position == free) return;
    const std::uint64_t at = at_us_.load(std::memory_order_relaxed);
    // A consumer whose turn began before the producer's takes it at once.
    waits_us_.record(now_us > at ? now_us - at : 0);
    position_.store(free, std::memory_order_release);
  }

  [[nodiscard]] const Histogram& waits_us() const { return waits_us_; }
  /// For queues that know the wait of every item; the consumer.
  void record(std::uint64_t wait_us) { waits_us_.record(wait_us); }

 private:
  static constexpr std::uint64_t free = 0;
  static constexpr std::uint64_t being_set = ~std::uint64_t{0};

  alignas(64) std::atomic<std::uint64_t> position_{free};
  std::atomic<std::uint64_t> at_us_{0};
  alignas(64) Histogram waits_us_;
};

}  // namespace rookery
