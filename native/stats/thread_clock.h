// The CPU time of a thread, read by others: the thread only says once who it is.
#pragma once

#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstdint>

namespace rookery {

class ThreadClock {
 public:
  /// The thread itself, at its start.
  void begin() {
    clockid_t clock{};
    if (pthread_getcpuclockid(pthread_self(), &clock) != 0) return;
    clock_.store(clock, std::memory_order_relaxed);
    known_.store(true, std::memory_order_release);
  }

  /// Any thread: what the thread has used so far; 0 when it has not begun, and from a
  /// moment after its end on.
  [[nodiscard]] std::uint64_t cpu_us() const {
    if (!known_.load(std::memory_order_acquire)) return 0;
    timespec time{};
    if (clock_gettime(clock_.load(std::memory_order_relaxed), &time) != 0) return 0;
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec) / 1000;
  }

 private:
  std::atomic<clockid_t> clock_{};
  std::atomic<bool> known_{false};
};

}  // namespace rookery
