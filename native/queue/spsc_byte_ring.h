// A bounded lock-free ring of variable-size records between one producer thread and one consumer
// thread. A record lies in one piece, so that both sides work in place without a copy.
//
// Positions are byte counts that only grow; each side keeps a stale copy of the other's position
// and reads the real one only when the copy no longer suffices, so a batch costs one shared cache
// miss, not one for each record. A record is an 8-byte header (its length) and its bytes, rounded
// up to 8. A record that does not fit before the ring's end leaves a marker there and starts at the
// front.
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>

#include "stats/probes.h"
#include "stats/queue_stats.h"

namespace rookery {

class SpscByteRing {
 public:
  /// `capacity` is rounded up to a power of two. `name` is for the metrics ("shard-0→shard-1 …").
  SpscByteRing(std::string name, std::size_t capacity);
  SpscByteRing(const SpscByteRing&) = delete;
  SpscByteRing& operator=(const SpscByteRing&) = delete;

  // Producer.
  /// Room for a record of `bytes` (8-byte aligned), or null when the ring is full now (counted as
  /// refused). `bytes` must not exceed max_record().
  [[nodiscard]] std::byte* reserve(std::size_t bytes) {
    assert(bytes <= max_record());
    const std::size_t cost = record_cost(bytes);
    const std::size_t to_end = mask_ + 1 - (tail_ & mask_);
    const std::size_t skipped = cost > to_end ? to_end : 0;
    if (!free_at_least(skipped + cost)) {
      count_up(stats_.refused);
      probes::queue_full(stats_.name.c_str());
      return nullptr;
    }
    if (skipped != 0) write_header(tail_, kWrapMarker);
    reserved_ = tail_ + skipped;
    return buffer_.get() + (reserved_ & mask_) + kHeaderBytes;
  }

  /// Makes the record from the last reserve() visible; `bytes` may be smaller than reserved, but
  /// not zero: an empty record could not be told from none.
  void commit(std::size_t bytes) {
    assert(bytes != 0);
    write_header(reserved_, bytes);
    tail_ = reserved_ + record_cost(bytes);
    published_tail_.store(tail_, std::memory_order_release);
    stats_.pushed.store(tail_, std::memory_order_relaxed);
  }

  /// True when records whose record_cost() adds up to `bytes` would surely fit, wherever the ring's
  /// end falls. (A single record's own length is also a fair argument: its header is allowed for.)
  [[nodiscard]] bool has_room(std::size_t bytes) {
    const std::size_t cost = record_cost(bytes);
    const std::size_t to_end = mask_ + 1 - (tail_ & mask_);
    // What is skipped at the ring's end is at most all that is left there.
    const std::size_t needed = cost > to_end ? to_end + cost : cost;
    return free_at_least(needed);
  }

  /// The largest record: a quarter of the capacity, so that a wrap never blocks an empty ring.
  [[nodiscard]] std::size_t max_record() const { return (mask_ + 1) / 4 - kHeaderBytes; }

  /// What a record of `bytes` takes of the ring.
  [[nodiscard]] static constexpr std::size_t record_cost(std::size_t bytes) {
    return kHeaderBytes + ((bytes + 7) & ~std::size_t{7});
  }

  /// Before a push, with a reading of the clock that the producer has anyway: the next record may
  /// be followed, to know how long it waits.
  void follow(std::uint64_t now_us) { stats_.wait.pushing(tail_ + 1, now_us); }

  // Consumer.
  /// The oldest record, empty when there is none. Valid until pop().
  [[nodiscard]] std::span<const std::byte> front() {
    if (head_ == tail_seen_ && !look_for_more()) return {};
    std::uint64_t bytes = read_header(head_);
    if (bytes == kWrapMarker) {
      head_ += mask_ + 1 - (head_ & mask_);
      bytes = read_header(head_);
    }
    return {buffer_.get() + (head_ & mask_) + kHeaderBytes, static_cast<std::size_t>(bytes)};
  }

  /// Gives the room of the record from the last front() back. Only after a front() that found one.
  void pop() {
    head_ += record_cost(static_cast<std::size_t>(read_header(head_)));
    published_head_.store(head_, std::memory_order_release);
    stats_.popped.store(head_, std::memory_order_relaxed);
  }

  /// After records were taken, with a reading of the clock that the consumer has anyway.
  void looked(std::uint64_t now_us) { stats_.wait.taken(head_, now_us); }

  /// Exact for the consumer; a hint for anyone else.
  [[nodiscard]] bool empty() const {
    return published_head_.load(std::memory_order_acquire) ==
           published_tail_.load(std::memory_order_acquire);
  }

  /// Counted in bytes of the ring, headers and padding included.
  [[nodiscard]] QueueStats& stats() { return stats_; }
  [[nodiscard]] const QueueStats& stats() const { return stats_; }

 private:
  static constexpr std::size_t kHeaderBytes = 8;
  static constexpr std::uint64_t kWrapMarker = ~std::uint64_t{0};

  void write_header(std::uint64_t position, std::uint64_t value) {
    std::memcpy(buffer_.get() + (position & mask_), &value, sizeof value);
  }
  [[nodiscard]] std::uint64_t read_header(std::uint64_t position) const {
    std::uint64_t value;
    std::memcpy(&value, buffer_.get() + (position & mask_), sizeof value);
    return value;
  }

  bool free_at_least(std::size_t bytes) {
    if (mask_ + 1 - (tail_ - head_seen_) >= bytes) return true;
    head_seen_ = published_head_.load(std::memory_order_acquire);
    return mask_ + 1 - (tail_ - head_seen_) >= bytes;
  }

  bool look_for_more() {
    tail_seen_ = published_tail_.load(std::memory_order_acquire);
    if (head_ == tail_seen_) return false;
    raise_to(stats_.high_water, tail_seen_ - head_);
    return true;
  }

  // Read by both sides, never written after construction.
  std::unique_ptr<std::byte[]> buffer_;
  std::uint64_t mask_;
  // The producer's own.
  alignas(64) std::uint64_t tail_ = 0;
  std::uint64_t reserved_ = 0;
  std::uint64_t head_seen_ = 0;
  // Written by the producer, read by the consumer.
  alignas(64) std::atomic<std::uint64_t> published_tail_{0};
  // The consumer's own.
  alignas(64) std::uint64_t head_ = 0;
  std::uint64_t tail_seen_ = 0;
  // Written by the consumer, read by the producer.
  alignas(64) std::atomic<std::uint64_t> published_head_{0};
  QueueStats stats_;
};

}  // namespace rookery
