// The thread that compares PLAIN passwords with accounts' keys, so that no shard has to. One for
// all shards: logins over PLAIN wait for each other, chat waits for none of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "queue/mpsc_pointer_ring.h"
#include "session/password_checker.h"
#include "stats/thread_clock.h"

namespace rookery {

class PasswordThread final : public PasswordChecker {
 public:
  /// Passes a command record on; false when there is no room for it now. Called from the thread.
  using Answer = std::function<bool(std::string_view record)>;

  /// At most about `limit` comparisons wait.
  PasswordThread(std::size_t limit, Answer answer);
  ~PasswordThread() override;

  void start();
  /// Ends and joins; what waits is forgotten. Shards must not submit any more.
  void stop();

  bool submit(Handle connection, std::string_view user,
              std::unique_ptr<PasswordCheck> check) override;
  [[nodiscard]] const QueueStats& stats() const { return queue_.stats(); }
  /// CPU time that the comparisons have taken. Any thread.
  [[nodiscard]] std::uint64_t cpu_us() const { return clock_.cpu_us(); }

 private:
  struct Item {
    Handle connection;
    std::string user;
    std::unique_ptr<PasswordCheck> check;
    std::uint64_t submitted_us = 0;
  };
  void run();
  void answer(const Item& item, bool fits);

  Answer answer_;
  MpscPointerRing queue_;  ///< Items, owned. Full: the login gets temporary-auth-failure.
  std::atomic<std::uint32_t> submitted_{0};
  std::atomic<bool> stopping_{false};
  ThreadClock clock_;
  std::thread thread_;
};

}  // namespace rookery
