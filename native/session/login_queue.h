// Logins of all kinds wait here for the login rate, fair to their addresses.
#pragma once

#include <cstddef>
#include <optional>

#include "base/types.h"
#include "session/admission.h"
#include "session/connection.h"
#include "session/fair_queue.h"

namespace rookery {

class LoginQueue {
 public:
  /// `per_second` 0: no limit.
  explicit LoginQueue(std::uint32_t per_second) : rate_(per_second, kBurstShare) {}

  /// True: the login may begin now. False: it waits, and start() will name it.
  bool enter(const Connection& connection, MonoUs now) {
    if (waiting_.empty() && rate_.take(now)) return true;
    waiting_.push(connection.address_key, connection.handle);
    return false;
  }

  /// Calls `begin(handle)` for those whose turn has come, as long as it returns true.
  /// `gone(handle)`: its connection waits no more, which costs nobody a turn. Returns when to look
  /// again, or 0.
  template <typename Gone, typename Begin>
  MonoUs start(MonoUs now, Gone gone, Begin begin) {
    bool go_on = true;
    while (!waiting_.empty()) {
      if (!go_on || !rate_.ready(now)) return rate_.next(now);
      const std::optional<Handle> handle = waiting_.pop(gone);
      if (!handle) return 0;
      rate_.take(now);
      go_on = begin(*handle);
    }
    return 0;
  }

  /// Forgets connections that are gone, when they could be more than half. `live`: how many
  /// connections could be waiting; `gone(handle)`: whether this one is.
  template <typename Gone>
  void tidy(std::size_t live, Gone gone) {
    if (waiting_.size() > 2 * live + kSlack) waiting_.sweep(gone);
  }

  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

 private:
  // A tenth of a second's logins at once: more would be felt by those who chat.
  static constexpr std::uint32_t kBurstShare = 10;
  static constexpr std::size_t kSlack = 1024;

  RateLimit rate_;
  FairQueue<Handle> waiting_;
};

}  // namespace rookery
