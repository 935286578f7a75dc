// A bounded lock-free ring of variable-size records between one producer thread and one consumer
// thread. A record lies in one piece, so that both sides work in place without a copy.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "stats/queue_stats.h"

namespace rookery {

class SpscByteRing {
 public:
  /// `capacity` is rounded up to a power of two. `name` is for the metrics ("shard-0→shard-1 …").
  SpscByteRing(std::string name, std::size_t capacity);
  ~SpscByteRing();
  SpscByteRing(const SpscByteRing&) = delete;
  SpscByteRing& operator=(const SpscByteRing&) = delete;

  // Producer.
  /// Room for a record of `bytes` (8-byte aligned), or null when the ring is full now (counted as
  /// refused). `bytes` must not exceed max_record().
  [[nodiscard]] std::byte* reserve(std::size_t bytes);
  /// Makes the record from the last reserve() visible; `bytes` may be smaller than reserved.
  void commit(std::size_t bytes);
  /// True when records of `bytes` in all would surely fit.
  [[nodiscard]] bool has_room(std::size_t bytes);
  [[nodiscard]] std::size_t max_record() const;

  // Consumer.
  /// The oldest record, empty when there is none. Valid until pop().
  [[nodiscard]] std::span<const std::byte> front();
  void pop();
  [[nodiscard]] bool empty() const;

  [[nodiscard]] QueueStats& stats();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rookery
