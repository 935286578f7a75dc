// Ends the sleep of one consumer thread: an announced-sleep flag and an eventfd, so that producers
// pay for a system call only when the consumer really sleeps, and only one of them does.
//
// The protocol, and why no wake-up is lost. The consumer: arm(), look at every queue once more,
// then sleep on the eventfd. A producer: push, then notify(). Both sides have a full fence between
// their write (flag, queue) and their read (queue, flag), so at least one of them sees the other's
// write: either the consumer finds the item and does not sleep, or the producer finds the flag and
// writes. The first producer that finds the flag takes it down; all others until the next arm() do
// nothing.
#pragma once

#include <atomic>
#include <cstdint>

namespace rookery {

class Waker {
 public:
  /// Without a descriptor (a simulation, a test) notify() only takes the flag down.
  Waker() = default;
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  /// Before any other thread knows this object. `event_descriptor` must have this number in the
  /// descriptor table of every thread that will call notify(); ReactorFabric sees to that. It must
  /// be non-blocking, and is not owned.
  void attach(int event_descriptor) { event_descriptor_ = event_descriptor; }

  /// The consumer's thread: announces a sleep. Look at the queues again before sleeping.
  void arm() {
    sleeping_.store(true, std::memory_order_relaxed);
    full_fence();
  }
  /// The consumer's thread: it is awake. Notifications from here on cost no system call.
  void disarm() { sleeping_.store(false, std::memory_order_relaxed); }
  /// The consumer's thread: false when a producer has taken the announcement back meanwhile.
  [[nodiscard]] bool armed() const { return sleeping_.load(std::memory_order_relaxed); }

  /// Any thread, after its push. One fence and one load while the consumer is awake.
  void notify() {
    full_fence();
    if (!sleeping_.load(std::memory_order_relaxed)) return;
    if (sleeping_.exchange(false, std::memory_order_acq_rel)) ring();
  }

  /// How often the eventfd was written (any thread may read it).
  [[nodiscard]] std::uint64_t rings() const { return rings_.load(std::memory_order_relaxed); }
  [[nodiscard]] int event_descriptor() const { return event_descriptor_; }

 private:
  static void full_fence() {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wtsan"  // The fence orders flag and queue; it publishes no data.
    std::atomic_thread_fence(std::memory_order_seq_cst);
#pragma GCC diagnostic pop
  }
  void ring();

  alignas(64) std::atomic<bool> sleeping_{false};
  int event_descriptor_ = -1;
  std::atomic<std::uint64_t> rings_{0};
};

}  // namespace rookery
