// A hierarchical timer wheel for one shard. Only what waits for something has a timer; an idle
// connection has none. Nodes come from a pool; a timer is named by a small number.
//
// Seven levels of 64 buckets; level 0's buckets are one tick (a millisecond) wide, each level above
// 64 times as wide. A timer lies on the level of the highest 6-bit digit in which its tick differs
// from the wheel's current tick. So everything on a level is due before everything on the levels
// above, and a level's first bucket before its others: the next timer is found by two bit scans.
// Each upper bucket remembers its earliest timer, so a far timer causes no wake-up on its way down.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/types.h"

namespace rookery {

/// Zero is "no timer". An id carries a generation of 10 bits, and a node rests for at least 1,024
/// others before it is used again; still, forget an id when its timer has fired.
using TimerId = std::uint32_t;

class TimerWheel {
 public:
  explicit TimerWheel(MonoUs now);

  /// Fires once at or up to one tick (a millisecond) after `at`, or one tick from now when that has
  /// passed. `cookie` comes back at expiry. Zero when there are four million timers already.
  TimerId schedule(MonoUs at, std::uint64_t cookie);
  /// Forgets a timer; zero and already expired ids are ignored (ids carry a generation).
  void cancel(TimerId id);
  /// Calls `expired(cookie)` for each timer due by `now`; it may schedule and cancel. What it
  /// schedules fires in a later call, so that a timer which always renews itself cannot hold the
  /// shard here.
  void advance(MonoUs now, const std::function<void(std::uint64_t)>& expired);
  /// When the next timer is due; max when there is none. May be early, never late.
  [[nodiscard]] MonoUs next_due() const;
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Heap bytes, for the memory figures.
  [[nodiscard]] std::size_t bytes() const { return nodes_.capacity() * sizeof(Node); }

 private:
  struct Node {
    MonoUs at = 0;  ///< In ticks.
    std::uint64_t cookie = 0;
    std::uint32_t next = 0;
    std::uint32_t previous = 0;
    std::uint16_t generation = 0;
    std::uint16_t bucket = 0;
  };
  static_assert(sizeof(Node) == 32);

  static constexpr unsigned kDigitBits = 6;
  static constexpr unsigned kBucketsPerLevel = 1u << kDigitBits;
  static constexpr unsigned kLevels = 7;
  static constexpr std::uint16_t kFiring = kLevels * kBucketsPerLevel;
  static constexpr std::uint16_t kFree = kFiring + 1;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  std::uint32_t take_node();
  void free_node(std::uint32_t index);
  void place(std::uint32_t index);
  void append(std::uint32_t index, std::uint16_t bucket);
  void unlink(std::uint32_t index);
  [[nodiscard]] unsigned lowest_level() const;
  [[nodiscard]] MonoUs bucket_start(unsigned level, unsigned bucket) const;
  void fire(std::uint16_t bucket, const std::function<void(std::uint64_t)>& expired);
  void spread(std::uint16_t bucket);

  std::vector<Node> nodes_;
  std::size_t size_ = 0;
  // The oldest free node is reused first.
  std::uint32_t first_free_ = kNone;
  std::uint32_t last_free_ = kNone;
  std::size_t free_count_ = 0;
  MonoUs tick_ = 0;
  // While advance() runs: what is scheduled now is due after this tick.
  MonoUs earliest_tick_ = 0;
  // Bit b of level l: bucket b has timers. The lists are circular; a head's previous is the tail.
  std::array<std::uint64_t, kLevels> occupied_{};
  std::array<std::uint32_t, kFiring + 1> heads_{};
  // A lower bound for the ticks in each bucket (exact until one is cancelled).
  std::array<MonoUs, kFiring + 1> earliest_{};
};

}  // namespace rookery
