// The last step of a stanza: onto a session's stream, and its receipt. Here are XEP-0198's counts
// and window, the paging of a mailbox, and the question to TCP for clients without XEP-0198.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "router/mailbox_keeper.h"
#include "router/router_context.h"

namespace rookery {

class Delivery {
 public:
  Delivery(RouterContext& context, MailboxKeeper& keeper);

  /// Sends a stanza that is in no mailbox (IQ, presence, a copy). It waits in the window when the
  /// session waits to be resumed, and is lost with the session.
  void send(Session& session, std::string_view xml);
  /// The same for a stanza that several sessions share.
  void send(Session& session, const StanzaRef& stanza);
  /// Presence, which may wait while the client is inactive (XEP-0352). `from` is the sender.
  void send_presence(Session& session, std::string_view xml);
  /// The client is active again: what was held back goes out.
  void release_inactive(Session& session);

  /// Sends a message of the mailbox to this session and awaits its receipt. Only when can_take().
  void send_message(Session& session, StanzaRef stanza);
  /// The session is connected and its window has room.
  [[nodiscard]] bool can_take(const Session& session) const;
  /// Whom of the user's sessions queued messages go to; null when nobody can take one now.
  [[nodiscard]] Session* best_taker(const User& user) const;
  /// Moves the user's queue on as far as it goes.
  void pump(User& user);
  /// The session's page is in memory, or its note on disk.
  void page_moved(Session& session);

  /// The client has received `handled` stanzas in all. False when that is more than were sent.
  bool acknowledge(Session& session, std::uint32_t handled);
  /// The client asks how many stanzas are safe (<r/>).
  void asked(Session& session);
  /// One of the client's stanzas became safe.
  void safe(Session& session, std::uint32_t number);
  /// A resumed client has received `handled`: the rest of the window is sent again. False when that
  /// is more than were sent.
  bool resume(Session& session, std::uint32_t handled);
  /// Gives everything that the session was sent and has not acknowledged back to the mailbox.
  void give_back(Session& session);

  /// Asks TCP of all sessions without XEP-0198 what their peers have received.
  void ask_tcp();
  /// Asks it of one session that has a connection; true when something new was received.
  bool settle_received(Session& session);
  /// Something could not be read from the store and is to be tried again soon.
  [[nodiscard]] bool stalled() const { return !stalled_.empty(); }
  [[nodiscard]] bool tcp_awaited() const { return !awaited_.empty(); }
  /// Sessions whose window is beyond its limit; the caller takes them.
  [[nodiscard]] std::vector<Handle>& overflowed() { return overflowed_; }
  /// What was sent to sessions has gone to their sockets: at the turn's end, with its clock
  /// reading.
  void count_handed_over(MonoUs now);
  /// Writes the <r/> and <a/> that this turn made necessary.
  void finish_turn();

 private:
  void write(Session& session, const Stanza& stanza);
  bool settle_window(Session& session, std::uint32_t handled);
  void in_turn(Session& session);
  void start_page(User& user, Session& session);
  void send_page(Session& session);

  RouterContext& context_;
  MailboxKeeper& keeper_;
  std::vector<Handle> turn_;
  std::vector<Handle> awaited_;
  std::vector<Handle> overflowed_;
  std::vector<MonoUs> handed_over_;  ///< When the messages of this turn were received.
  std::string composed_;             ///< An element made up on its way out.
  std::vector<User*> stalled_;       ///< Whose stored messages the store was too busy to read.
};

}  // namespace rookery
