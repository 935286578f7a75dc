// A bounded lock-free ring of owned pointers from many producers to one consumer: how the control
// plane's threads hand batches to a shard.
//
// Each cell carries a turn number that says whose move it is (Dmitry Vyukov's bounded queue): equal
// to the position, the cell waits for that position's producer; one more, for its consumer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "stats/probes.h"
#include "stats/queue_stats.h"

namespace rookery {

class MpscPointerRing {
 public:
  /// `capacity` (items) is rounded up to a power of two.
  MpscPointerRing(std::string name, std::size_t capacity);
  /// The ring must be empty: only its users know how to free what it holds.
  ~MpscPointerRing();
  MpscPointerRing(const MpscPointerRing&) = delete;
  MpscPointerRing& operator=(const MpscPointerRing&) = delete;

  /// Any thread. False when full (counted as refused); the caller keeps the pointer.
  bool push(void* item) {
    // The counter of the pushed is the next position: counting costs nothing extra.
    std::uint64_t position = stats_.pushed.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[position & mask_];
      const std::uint64_t turn = cell.turn.load(std::memory_order_acquire);
      const auto ahead = static_cast<std::int64_t>(turn - position);
      if (ahead == 0) {
        if (stats_.pushed.compare_exchange_weak(position, position + 1,
                                                std::memory_order_relaxed)) {
          cell.item = item;
          cell.turn.store(position + 1, std::memory_order_release);
          return true;
        }
      } else if (ahead < 0) {
        stats_.refused.fetch_add(1, std::memory_order_relaxed);
        probes::queue_full(stats_.name.c_str());
        return false;
      } else {
        position = stats_.pushed.load(std::memory_order_relaxed);
      }
    }
  }

  /// Before a push, by any thread: the next item may be followed, to know how long it waits.
  void follow(std::uint64_t now_us) {
    stats_.wait.pushing(stats_.pushed.load(std::memory_order_relaxed) + 1, now_us);
  }
  /// The consumer's thread, after items were taken.
  void looked(std::uint64_t now_us) { stats_.wait.taken(head_, now_us); }

  /// The consumer's thread. Null when empty (or when the oldest push is not quite finished; its
  /// producer notifies after it).
  void* pop() {
    Cell& cell = cells_[head_ & mask_];
    if (cell.turn.load(std::memory_order_acquire) != head_ + 1) {
      at_start_of_batch_ = true;
      return nullptr;
    }
    if (at_start_of_batch_) {
      at_start_of_batch_ = false;
      raise_to(stats_.high_water, stats_.pushed.load(std::memory_order_relaxed) - head_);
    }
    void* item = cell.item;
    cell.turn.store(head_ + mask_ + 1, std::memory_order_release);
    ++head_;
    stats_.popped.store(head_, std::memory_order_relaxed);
    return item;
  }

  /// Exact for the consumer; a hint for anyone else.
  [[nodiscard]] bool empty() const {
    const std::uint64_t head = stats_.popped.load(std::memory_order_relaxed);
    return cells_[head & mask_].turn.load(std::memory_order_acquire) != head + 1;
  }

  [[nodiscard]] QueueStats& stats() { return stats_; }
  [[nodiscard]] const QueueStats& stats() const { return stats_; }

 private:
  struct Cell {
    std::atomic<std::uint64_t> turn{0};
    void* item = nullptr;
  };

  std::unique_ptr<Cell[]> cells_;
  std::uint64_t mask_;
  // The consumer's own.
  alignas(64) std::uint64_t head_ = 0;
  bool at_start_of_batch_ = true;
  QueueStats stats_;
};

}  // namespace rookery
