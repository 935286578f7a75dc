// What operators ask of a shard: what became of a message, who is connected, what waits in a
// mailbox, whose mailboxes are the fullest. Answers are rows for the control plane, bounded in
// number, and end with InquiryDone; no answer takes longer than a turn of the loop may.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "boundary/boundary.gen.h"
#include "router/router_context.h"

namespace rookery {

class Inquiries {
 public:
  explicit Inquiries(RouterContext& context) : context_(context) {}

  void find_message(const boundary::FindMessage& asked);
  void list_sessions(const boundary::ListSessions& asked);
  void show_mailbox(const boundary::ShowMailbox& asked);
  /// Answered by and by, in go_on().
  void list_backlogs(const boundary::ListBacklogs& asked);

  /// There is more to look through: the next turn should not sleep.
  [[nodiscard]] bool at_work() const { return !sweeps_.empty(); }
  /// Looks through some more users. Called once a turn.
  void go_on();

 private:
  struct Backlog {
    std::uint32_t messages;
    const User* user;
  };
  struct Sweep {
    std::uint64_t inquiry = 0;
    std::size_t limit = 0;
    std::size_t next_part = 0;
    std::vector<Backlog> fullest;  ///< A heap whose top is the least of them.
  };
  static bool fuller(const Backlog& one, const Backlog& other) {
    return one.messages > other.messages;
  }
  static void look_at(Sweep& sweep, const User& user);
  bool offer(const std::string& row);
  void session_row(std::uint64_t inquiry, const Session& session);
  bool offer_backlog(std::uint64_t inquiry, const User& user);
  void done(std::uint64_t inquiry, bool truncated);

  RouterContext& context_;
  std::vector<Sweep> sweeps_;
  bool fits_ = true;  ///< Every row of the answer under way found room.
};

}  // namespace rookery
