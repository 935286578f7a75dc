// One store's thread: takes what waits in its channels, commits it as one group, answers, cleans in
// between, and sleeps when there is nothing to do.
//
// Opens and writes files, so it must be started from the main descriptor table.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "store/cleaner.h"
#include "store/store_channel.h"
#include "store/store_recovery.h"
#include "store/store_set.h"

namespace rookery {

class StoreThread {
 public:
  StoreThread(ReadyStore ready, const StoreOptions& options, std::uint64_t salt);
  ~StoreThread();
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;

  /// A new pair of rings. Before start(). It lives as long as this object.
  StoreChannel& add_channel(const std::string& port, std::function<void()> wake);
  void start();
  /// Commits and answers everything that was submitted before the call, then ends the thread.
  void stop();

  /// A port's thread, after a push: wakes the thread if it sleeps.
  void notify();

  [[nodiscard]] std::uint8_t store() const { return store_; }
  [[nodiscard]] StoreStats stats() const;
  [[nodiscard]] const std::vector<std::unique_ptr<StoreChannel>>& channels() const {
    return channels_;
  }

 private:
  struct Pending {
    StoreChannel* channel = nullptr;
    std::unique_ptr<StoreItem> item;
  };
  struct Counters {
    std::atomic<std::uint64_t> commits{0}, records{0}, bytes{0}, commit_us_sum{0}, commit_us_max{0},
        sync_us_sum{0}, sync_us_max{0}, group_records_max{0}, failed_groups{0}, reads{0},
        settled{0}, cleaned{0}, clean_commits{0}, clean_us_sum{0}, present{0}, dead{0},
        file_bytes{0}, map_bytes{0};
  };

  void loop();
  void gather();
  bool hold_back();
  void serve_reads();
  void commit_group();
  bool commit_items(std::size_t begin, std::size_t end, bool clean);
  bool append_items(MessageLog::Writer& writer, std::size_t begin, std::size_t end,
                    LogSequence first);
  void account(std::size_t begin, std::size_t end, LogSequence first);
  void account_record(LogSequence sequence, const ItemRecord& record);
  static void waited(const Pending& pending, std::uint64_t now);
  void answer(Pending& pending);
  void wake_ports();
  bool clean(bool thorough);
  void publish_gauges();
  void report_failure(const std::string& error);
  void report_recovery();
  bool channels_empty() const;
  void sleep(bool timed);

  const std::uint8_t store_;
  const StoreOptions& options_;
  std::unique_ptr<MessageLog> log_;
  Liveness liveness_;
  Cleaner cleaner_;
  LogSequence next_;
  std::vector<std::unique_ptr<StoreChannel>> channels_;

  // The group that is being gathered. Store thread only.
  std::vector<Pending> group_;
  std::vector<Pending> reads_;
  std::size_t group_bytes_ = 0;
  std::size_t group_records_ = 0;
  std::size_t first_channel_ = 0;  ///< Taken first next time, so that none waits longest always.
  std::uint64_t last_commit_us_ = 0;
  std::uint64_t last_start_us_ = 0;
  bool failing_ = false;
  bool clean_failed_ = false;
  bool idle_clean_ = false;  ///< Nothing is worth cleaning even when idle.

  Counters counters_;
  StoreTimes times_;
  std::atomic<std::uint64_t> wake_ups_{0};
  std::atomic<bool> asleep_{false};
  std::atomic<bool> stopping_{false};
  NamedMutex mutex_{"store-sleep"};
  std::condition_variable_any condition_;
  std::thread thread_;
};

}  // namespace rookery
