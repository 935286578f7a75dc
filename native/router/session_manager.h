// Sessions from bind to end: resource binding (RFC 6120 section 7), enabling, interruption and
// resumption of streams (XEP-0198), and what happens to a session when its connection goes.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/stanza_scan.h"
#include "codec/xml_element.h"
#include "router/delivery.h"
#include "router/mailbox_keeper.h"
#include "router/presence_router.h"
#include "router/router_context.h"
#include "session/stream_negotiator.h"

namespace rookery {

class SessionManager {
 public:
  SessionManager(RouterContext& context, MailboxKeeper& keeper, Delivery& delivery,
                 PresenceRouter& presence);

  /// Binds a resource on a logged-in connection and answers the request. `wish`: the bind element.
  void bind(Connection& connection, const StanzaView& iq, std::string_view wish);
  void resume(Connection& connection, std::string_view previous_id, std::uint32_t handled);

  // What binding and resuming are made of, for whoever spells the question and the answer.

  /// A new session on a logged-in connection; one that had the resource before ends. Null when the
  /// user has too many.
  Session* open(Connection& connection, User& user, std::string resource);
  /// The session of that tag, when it can be resumed; or null.
  [[nodiscard]] Session* resumable(const User& user, SessionTag tag) const;
  /// Whether a client can have handled so many stanzas of a resumable session.
  [[nodiscard]] static bool plausible(const Session& session, std::uint32_t handled);
  /// Gives the session a new connection; its old one, if there is one, is dropped. Returns how many
  /// stanzas of the client are safe, which the client is to be told before go_on().
  std::uint32_t take_up(Session& session, Connection& connection);
  /// What the client sends next has the number behind `told`; what had come already is skipped.
  static void count_from(StreamManagement& management, std::uint32_t told);
  /// Sends what the client has not handled, then what waits.
  void go_on(Session& session, std::uint32_t handled);
  /// What is done once the disk knows everything that the user's clients have said they received.
  /// It sets the connection's new state; false: it has nothing to say any more.
  using AfterDisk = std::function<bool(Connection&)>;
  void wait_for_disk(Connection& connection, User& user, AfterDisk then);
  /// `<enable/>` on a bound session.
  void enable(Session& session, const StanzaView& view);

  /// The connection is gone without a close: the session waits to be resumed, or ends.
  void interrupted(Session& session);
  /// Ends a session; with a connection, the stream is closed with `error` (none: just closed).
  void end(Session& session, StreamError error, std::string_view text, bool clean);
  /// The time to resume is over.
  void resume_timer_fired(Session& session);
  /// Ends sessions whose window overflowed. Once a turn.
  void end_overflowed();
  /// Answers resumptions that waited for the disk. Once a turn.
  void answer_settled();
  [[nodiscard]] bool answers_wait() const { return !settling_.empty(); }
  /// Frees the slots of sessions that ended in this turn.
  void free_ended();
  [[nodiscard]] std::uint64_t ended_count() const { return ended_in_all_; }

 private:
  [[nodiscard]] bool choose_resource(std::string_view wish, std::string& resource);
  void refuse_bind(Connection& connection, const StanzaView& iq, StanzaError error,
                   std::string_view text);
  void answer_bind(Connection& connection, const StanzaView& iq, const Session& session);
  void attach(Session& session, Connection& connection);
  void failed_resume(Connection& connection);
  void enable_now(Session& session, bool resumable);
  std::string last_status(const Session& session);

  RouterContext& context_;
  MailboxKeeper& keeper_;
  Delivery& delivery_;
  PresenceRouter& presence_;
  XmlReader reader_;
  /// What a client may be told only when the disk knows what it had received: that its old stream
  /// is not resumed, or that its new one counts from zero.
  struct Settling {
    Handle connection;
    User* user;
    std::uint64_t barrier;
    AfterDisk then;
  };
  std::vector<Settling> settling_;
  std::vector<Handle> ended_;
  std::uint64_t ended_in_all_ = 0;
};

}  // namespace rookery
