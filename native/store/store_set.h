// All stores of one data folder: opening and locking the folder, recovering what is on the disk,
// the store threads, and the ports through which shards reach them.
//
// Order of use, all on threads of the main descriptor table:
//   open → recover → make_port (one for each shard) → start → … → stop → destroy ports → destroy
//   set.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "stats/histogram.h"
#include "stats/named_mutex.h"
#include "stats/queue_stats.h"
#include "stats/thread_clock.h"
#include "store/store_port.h"

namespace rookery {

struct StoreOptions {
  std::string folder;        ///< Made when missing. Everything of the stores lies below it.
  std::uint32_t stores = 1;  ///< Store threads for new records, 1 to 255.
  std::uint32_t queue_batches = 1024;          ///< Batches and reads under way, per port and store.
  std::uint64_t queue_bytes = 16u << 20;       ///< Bytes under way, per port and store.
  std::uint64_t max_store_bytes = 1ull << 40;  ///< Limit of one store's file; beyond: failed.
  std::uint32_t max_group_delay_us = 2000;     ///< How long a busy store may gather a group.
  /// Called with one line for people whenever something is wrong; from store threads too.
  std::function<void(std::string_view)> log;
};

/// What recovery found. `details` has one line for people per oddity (bounded in number).
struct RecoveryReport {
  std::uint64_t records = 0;      ///< Alive and delivered to the callback.
  std::uint64_t settled = 0;      ///< On the disk, but no longer needed.
  std::uint64_t bad_records = 0;  ///< Damaged and skipped.
  std::uint32_t stores = 0;       ///< Environments found or made.
  std::uint32_t salvaged = 0;     ///< Of these, rebuilt because their structure was damaged.
  std::uint64_t ms = 0;
  std::vector<std::string> details;
};

/// How long what a store does takes; written by its thread, read by any.
struct StoreTimes {
  Histogram commit_us;  ///< Whole group: encoding, tree, write, fsync.
  Histogram sync_us;    ///< Of that: writing the pages and fsync.
  Histogram batch;      ///< Records in a group.
  ThreadClock thread;
};

/// A store's counters at about this moment.
struct StoreStats {
  std::uint8_t store = 0;
  std::uint64_t commits = 0;        ///< Durable groups.
  std::uint64_t records = 0;        ///< Records in them.
  std::uint64_t bytes = 0;          ///< User and payload bytes in them.
  std::uint64_t commit_us_sum = 0;  ///< Whole group: encoding, tree, write, fsync.
  std::uint64_t commit_us_max = 0;
  std::uint64_t sync_us_sum = 0;  ///< Of that: writing the pages and fsync.
  std::uint64_t sync_us_max = 0;
  std::uint64_t group_records_max = 0;
  std::uint64_t failed_groups = 0;  ///< The disk refused.
  std::uint64_t reads = 0;
  std::uint64_t settled = 0;  ///< Sequences that settlements have named.
  std::uint64_t cleaned = 0;  ///< Records physically deleted.
  std::uint64_t clean_commits = 0;
  std::uint64_t clean_us_sum = 0;
  std::uint64_t present = 0;  ///< Records in the file now.
  std::uint64_t dead = 0;     ///< Of these, no longer needed.
  std::uint64_t file_bytes = 0;
  std::uint64_t map_bytes = 0;
  std::uint64_t wake_ups = 0;         ///< Times that a port found the thread asleep.
  const StoreTimes* times = nullptr;  ///< While the set lives.
  const NamedMutex* lock = nullptr;   ///< What its thread sleeps on. While the set lives.
};

class StoreSet {
 public:
  virtual ~StoreSet() = default;

  /// Locks the folder (one process at a time) and finds its environments; touches no record yet.
  /// Null with a sentence in `error` when the folder cannot be used: not writable, in use by
  /// another process, or written by a newer version. Damage never makes it fail.
  static std::unique_ptr<StoreSet> open(const StoreOptions& options, std::string& error);

  /// Reads every environment, rebuilds damaged ones, and calls `record` for each live record, in
  /// ascending order of sequence within a store. Once, before start(). Returns false with `error`
  /// only when the disk does not let the stores be opened at all.
  virtual bool recover(const std::function<void(const RecoveredRecord&)>& record,
                       RecoveryReport& report, std::string& error) = 0;

  /// A shard's way to the stores. `wake` is called by store threads when completions wait; it must
  /// be callable from any thread until stop() has returned. Before start(). The port must not
  /// outlive the set, and is used by one thread at a time.
  virtual std::unique_ptr<StorePort> make_port(ShardId shard, std::function<void()> wake) = 0;

  /// Starts the store threads.
  virtual void start() = 0;

  /// Commits everything that was submitted, answers it, and ends the threads. Safe to call twice.
  virtual void stop() = 0;

  /// Any thread.
  [[nodiscard]] virtual std::vector<StoreStats> stats() const = 0;
  /// The queues between ports and stores, for the metrics; valid while the set lives. Any thread.
  [[nodiscard]] virtual std::vector<const QueueStats*> queues() const = 0;
};

}  // namespace rookery
