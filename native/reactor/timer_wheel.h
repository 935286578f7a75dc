// A hashed timer wheel for one shard. Only what waits for something has a timer; an idle connection
// has none. Nodes come from a pool; a timer is named by a small number.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/types.h"

namespace rookery {

/// Zero is "no timer".
using TimerId = std::uint32_t;

class TimerWheel {
 public:
  explicit TimerWheel(MonoUs now);

  /// Fires once at or up to one tick (a millisecond) after `at`. `cookie` comes back at expiry.
  TimerId schedule(MonoUs at, std::uint64_t cookie);
  /// Forgets a timer; zero and already expired ids are ignored (ids carry a generation).
  void cancel(TimerId id);
  /// Calls `expired(cookie)` for each timer due by `now`; it may schedule and cancel.
  void advance(MonoUs now, const std::function<void(std::uint64_t)>& expired);
  /// When the next timer is due; max when there is none. May be early, never late.
  [[nodiscard]] MonoUs next_due() const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Node {
    MonoUs at = 0;
    std::uint64_t cookie = 0;
    std::uint32_t next = 0;
    std::uint32_t previous = 0;
    std::uint16_t generation = 0;
    std::uint16_t bucket = 0;
  };
  std::vector<Node> nodes_;
  // The implementation's remaining members are its own.
};

}  // namespace rookery
