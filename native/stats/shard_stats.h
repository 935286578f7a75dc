// Everything that a shard says of itself: counters, histograms, where its time goes, and what it
// holds. Its thread writes with relaxed stores; any thread reads without a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "stats/histogram.h"
#include "stats/shard_counters.h"
#include "stats/thread_clock.h"

namespace rookery {

// name, unit, what it is.
#define ROOKERY_HISTOGRAMS(X)                                                                    \
  X(loop_us, "us", "a turn of the loop, awake: so long waits what arrives meanwhile")            \
  X(lag_us, "us", "how late sleeps with a deadline ended, nothing having come before it")        \
  X(batch, "events", "socket events that a turn found, where there were any")                    \
  X(inbox, "records", "records of other shards that a turn took, where there were any")          \
  X(handover_us, "us",                                                                           \
    "message to somebody online: from its receipt until its recipient's socket was written")     \
  X(delivered_us, "us",                                                                          \
    "message to somebody online: from its receipt until the recipient's device acknowledged it") \
  X(safe_us, "us", "message: from its receipt until it was committed or acknowledged")

enum class ShardHistogram : std::uint8_t {
#define ROOKERY_HISTOGRAM_NAME(name, unit, help) name,
  ROOKERY_HISTOGRAMS(ROOKERY_HISTOGRAM_NAME)
#undef ROOKERY_HISTOGRAM_NAME
      count
};

// What a shard holds, published about once a second: name, what it is.
#define ROOKERY_HOLDINGS(X)                                                       \
  X(connections, "bytes of the connections' slots")                               \
  X(sessions, "bytes of the sessions' slots")                                     \
  X(users, "bytes of what is known of users, estimated")                          \
  X(mailboxes, "bytes of messages in memory and of the places of those on disk")  \
  X(transports, "bytes of TLS and Noise, estimated from some of the connections") \
  X(buffers, "bytes of the shard's own buffers")                                  \
  X(journal, "bytes that the journal of messages may take")                       \
  X(oldest_message_s, "when the oldest message in a mailbox came; 0: none")

enum class Holding : std::uint8_t {
#define ROOKERY_HOLDING_NAME(name, help) name,
  ROOKERY_HOLDINGS(ROOKERY_HOLDING_NAME)
#undef ROOKERY_HOLDING_NAME
      count
};

class ShardStats {
 public:
  static constexpr std::size_t histograms = static_cast<std::size_t>(ShardHistogram::count);
  static constexpr std::size_t holdings = static_cast<std::size_t>(Holding::count);
  static constexpr std::size_t most_phases = 16;

  ShardCounters counters;
  ThreadClock thread;

  // The shard's thread.
  void record(ShardHistogram which, std::uint64_t value) {
    histograms_[static_cast<std::size_t>(which)].record(value);
  }
  void hold(Holding which, std::uint64_t value) {
    holdings_[static_cast<std::size_t>(which)].store(value, std::memory_order_relaxed);
  }
  void spend(std::size_t phase, std::uint64_t us) {
    auto& sum = phases_us_[phase];
    sum.store(sum.load(std::memory_order_relaxed) + us, std::memory_order_relaxed);
  }

  // Any thread.
  [[nodiscard]] const Histogram& histogram(std::size_t which) const { return histograms_[which]; }
  [[nodiscard]] std::uint64_t held(Holding which) const {
    return holdings_[static_cast<std::size_t>(which)].load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t phase_us(std::size_t phase) const {
    return phases_us_[phase].load(std::memory_order_relaxed);
  }

  struct Text {
    std::string_view name;
    std::string_view unit;
    std::string_view help;
  };
  static Text histogram_text(std::size_t which);
  static Text holding_text(std::size_t which);

 private:
  std::array<Histogram, histograms> histograms_;
  alignas(64) std::array<std::atomic<std::uint64_t>, most_phases> phases_us_{};
  std::array<std::atomic<std::uint64_t>, holdings> holdings_{};
};

}  // namespace rookery
