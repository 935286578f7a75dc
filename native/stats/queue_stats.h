// What every queue counts of itself. Written by its owner with relaxed stores, read by any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "stats/wait_probe.h"

namespace rookery {

/// The producer's and the consumer's counters lie on cache lines of their own, so that counting
/// does not make the two sides wait for each other.
struct QueueStats {
  std::string name;
  std::uint64_t capacity = 0;  ///< Items or bytes, as `unit` says.
  const char* unit = "items";
  alignas(64) std::atomic<std::uint64_t> pushed{0};  ///< Producer side.
  std::atomic<std::uint64_t> refused{0};             ///< Producer side: found full.
  alignas(64) std::atomic<std::uint64_t> popped{0};  ///< Consumer side.
  /// Consumer side: the most that a look into the queue has found waiting.
  std::atomic<std::uint64_t> high_water{0};

  WaitProbe wait;  ///< How long what it held has waited.

  /// In the queue at about this moment.
  [[nodiscard]] std::uint64_t depth() const {
    const std::uint64_t out = popped.load(std::memory_order_relaxed);
    const std::uint64_t in = pushed.load(std::memory_order_relaxed);
    return in > out ? in - out : 0;
  }
};

/// Adds to a counter that only one thread writes.
inline void count_up(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

/// Raises a maximum that only one thread writes.
inline void raise_to(std::atomic<std::uint64_t>& maximum, std::uint64_t value) {
  if (value > maximum.load(std::memory_order_relaxed)) {
    maximum.store(value, std::memory_order_relaxed);
  }
}

}  // namespace rookery
