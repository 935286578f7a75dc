// A bounded lock-free ring of pointers from one thread to one other: how a port hands work to its
// store thread and gets it back. Ownership passes with the pointer.
//
// push() publishes with sequential consistency, because the consumer's decision to sleep and the
// producer's decision to wake it are Dekker's algorithm over this index and the sleep flag.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <vector>

namespace rookery {

template <class T>
class HandoffRing {
 public:
  /// `capacity` is rounded up to a power of two.
  explicit HandoffRing(std::size_t capacity)
      : slots_(std::bit_ceil(capacity < 2 ? 2 : capacity)), mask_(slots_.size() - 1) {}
  HandoffRing(const HandoffRing&) = delete;
  HandoffRing& operator=(const HandoffRing&) = delete;

  /// Producer. False when full; the caller keeps the item.
  bool push(std::unique_ptr<T>& item) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) > mask_) return false;
    slots_[tail & mask_] = std::move(item);
    tail_.store(tail + 1, std::memory_order_seq_cst);
    return true;
  }

  /// Consumer. Null when empty.
  std::unique_ptr<T> pop() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return nullptr;
    std::unique_ptr<T> item = std::move(slots_[head & mask_]);
    head_.store(head + 1, std::memory_order_release);
    return item;
  }

  /// Consumer, before it sleeps.
  [[nodiscard]] bool empty() const {
    return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_seq_cst);
  }

 private:
  std::vector<std::unique_ptr<T>> slots_;
  std::size_t mask_;
  alignas(64) std::atomic<std::size_t> head_{0};
  alignas(64) std::atomic<std::size_t> tail_{0};
};

}  // namespace rookery
