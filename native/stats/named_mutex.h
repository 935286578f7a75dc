// A mutex of the control path that counts who had to wait for it. It is tried first; a clock is
// read only by those who wait.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace rookery {

class NamedMutex {
 public:
  explicit NamedMutex(const char* name) : name_(name) {}

  void lock() {
    if (!mutex_.try_lock()) wait();
    // Counted by the holder: nobody else writes.
    taken_.store(taken_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  bool try_lock() {
    if (!mutex_.try_lock()) return false;
    taken_.store(taken_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return true;
  }
  void unlock() { mutex_.unlock(); }

  [[nodiscard]] const char* name() const { return name_; }
  // Any thread.
  [[nodiscard]] std::uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }
  /// How often somebody had to wait, and how long in all.
  [[nodiscard]] std::uint64_t waited() const { return waited_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t wait_us() const { return wait_us_.load(std::memory_order_relaxed); }

 private:
  void wait() {
    const auto start = std::chrono::steady_clock::now();
    mutex_.lock();
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - start);
    waited_.store(waited() + 1, std::memory_order_relaxed);
    wait_us_.store(wait_us() + static_cast<std::uint64_t>(us.count()), std::memory_order_relaxed);
  }

  const char* name_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> waited_{0};
  std::atomic<std::uint64_t> wait_us_{0};
};

}  // namespace rookery
