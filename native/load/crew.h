// Several client processes and the one that orders them about. They share a block of memory: the
// coordinator writes there what each is to do, each writes what it has done so far, so that figures
// are taken while the load goes on, and nobody waits for anybody else's turn.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "load/client.h"
#include "load/latency.h"

namespace rookery::load {

/// What a process is told to do; what it means in detail is the scenario's affair.
enum class Phase : std::uint32_t {
  none,
  log_in,
  warm,
  measure,
  finish,
  collect,
  again,
  log_out,
  quit
};

/// Counters of one process, written by it alone. Those that only grow are differences to be taken.
struct Progress {
  std::atomic<std::uint32_t> ready, lost_connections, retries;
  std::atomic<std::uint64_t> sent, arrived, completed, duplicates, late, refused, foreign, unsent;
  std::atomic<std::uint64_t> missing, lost;
};

struct Slot {
  std::atomic<std::uint32_t> wanted;  ///< A Phase and, above it, the number of the order.
  std::atomic<std::uint32_t> done;    ///< The order that has been carried out.
  Progress progress;
  Latency latency;   ///< Read when `done` says that they are complete.
  Latency lateness;  ///< Of an open loop's sends.
  Latency logins;
};

/// One process's part of a scenario.
class Player {
 public:
  virtual ~Player() = default;
  virtual void begin(Phase phase) = 0;
  /// Whether what `begin` asked for is done.
  virtual bool finished() = 0;
  /// Does what is due; returns the nanoseconds until it should be called again.
  virtual std::uint64_t tick(std::uint64_t now_ns) = 0;
  /// Writes its counters; with `complete` what costs more, too: what is missing, and the latencies.
  virtual void publish(Slot& slot, bool complete) = 0;
};

/// Makes the part of the process with that number.
using MakePlayer = std::function<std::unique_ptr<Player>(std::uint32_t process, Loop& loop)>;

/// Sums over processes.
struct Totals {
  std::uint64_t ready = 0, lost_connections = 0, retries = 0;
  std::uint64_t sent = 0, arrived = 0, completed = 0, duplicates = 0, late = 0;
  std::uint64_t refused = 0, foreign = 0, unsent = 0, missing = 0, lost = 0;
};

/// What is waited for, to be shown: so many of `which`. None: the rate of messages.
struct Goal {
  std::string what;
  std::uint64_t of = 0;
  std::uint64_t Totals::*which = &Totals::ready;
};

class Crew {
 public:
  struct Range {
    std::uint32_t first = 0;
    std::uint32_t end = 0;
  };

  /// Starts that many processes; they end with this one.
  Crew(std::uint32_t count, const MakePlayer& make);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  [[nodiscard]] Range all() const { return {0, static_cast<std::uint32_t>(pids_.size())}; }
  void order(Range range, Phase phase);
  /// Waits until the order is carried out; false at the deadline. Shows progress meanwhile.
  bool wait(Range range, double timeout_seconds, const Goal& goal);
  bool carry_out(Range range, Phase phase, double timeout_seconds, const Goal& goal) {
    order(range, phase);
    return wait(range, timeout_seconds, goal);
  }
  /// Lets the load go on.
  void run_for(double seconds, const std::string& what);
  [[nodiscard]] Totals totals(Range range) const;
  /// Of processes that have carried out their order.
  [[nodiscard]] Latency merged(Range range, Latency Slot::*which) const;

 private:
  [[nodiscard]] bool carried_out(Range range) const;
  /// Says how far it is, at most once a second.
  void show(const Goal& goal, Range range, bool last);
  /// Exits when a process is gone.
  void check_alive();

  Slot* slots_;
  std::vector<pid_t> pids_;
  std::uint32_t orders_ = 0;
  std::uint64_t shown_ns_ = 0;
  std::uint64_t shown_completed_ = 0;
  bool shown_any_ = false;
};

}  // namespace rookery::load
