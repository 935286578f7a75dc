// The life of a session.
#include "router/session_manager.h"

#include <algorithm>

#include "base/session_tag.h"
#include "boundary/boundary.gen.h"
#include "codec/jid.h"
#include "codec/xml_text.h"
#include "router/address.h"
#include "stats/error_counts.h"

namespace rookery {
namespace {

constexpr MonoUs second_us = 1'000'000;
constexpr std::size_t max_bind_elements = 8;
constexpr std::size_t max_status_bytes = 1024;  // What is kept of it for XEP-0012.

/// The count lies before what the client had acknowledged already (modulo 2^32).
bool behind(const StreamManagement& management, std::uint32_t handled) {
  return management.acknowledged - handled < 0x80000000u;
}

}  // namespace

SessionManager::SessionManager(RouterContext& context, MailboxKeeper& keeper, Delivery& delivery,
                               PresenceRouter& presence)
    : context_(context), keeper_(keeper), delivery_(delivery), presence_(presence) {}

bool SessionManager::choose_resource(std::string_view wish, std::string& resource) {
  if (!wish.empty()) {
    XmlElement bind;
    if (!reader_.read(wish, max_bind_elements, bind)) return false;
    const XmlElement* wanted = bind.child("resource", "urn:ietf:params:xml:ns:xmpp-bind");
    if (wanted != nullptr && !wanted->text.empty()) {
      return normalise_resource(wanted->text, resource);
    }
  }
  resource = session_tag_text(context_.session.random.next64()).substr(0, 12);
  return true;
}

void SessionManager::attach(Session& session, Connection& connection) {
  session.connection = &connection;
  connection.session = &session;
  connection.state = StreamState::session;
  connection.login.reset();
  context_.session.timers.cancel(connection.timer);
  connection.timer = 0;
  context_.session.timers.cancel(session.resume_timer);
  session.resume_timer = 0;
  session.activity = ++context_.activity;
}

void SessionManager::bind(Connection& connection, const StanzaView& iq, std::string_view wish) {
  User* user = context_.users.find(connection.login->user);
  if (user == nullptr || !user->exists()) {
    context_.io.finish(connection);
    return;
  }
  if (user->disabled || !(user->credentials->any() || context_.session.config.external_auth != 0)) {
    // The password that it logged in with has been taken from the account meanwhile; the sessions
    // that there were have ended, and this one must not begin after them.
    context_.io.write_error(connection, StreamError::not_authorized, {});
    context_.io.finish(connection);
    return;
  }
  std::string resource;
  if (!choose_resource(wish, resource)) {
    refuse_bind(connection, iq, StanzaError::bad_request, "That resource is not valid.");
    return;
  }
  Session* session = open(connection, *user, std::move(resource));
  if (session == nullptr) {
    refuse_bind(connection, iq, StanzaError::resource_constraint,
                "This account has too many sessions.");
    return;
  }
  answer_bind(connection, iq, *session);
}

Session* SessionManager::open(Connection& connection, User& user, std::string resource) {
  if (Session* old = user.session_by_resource(resource)) {
    end(*old, StreamError::conflict, "Replaced by a new connection.", true);
  }
  const std::uint32_t most = context_.session.config.max_sessions_per_user;
  if (most != 0 && user.sessions.size() >= most) {
    const auto waiting =
        std::find_if(user.sessions.begin(), user.sessions.end(),
                     [](const Session* session) { return session->connection == nullptr; });
    if (waiting == user.sessions.end()) return nullptr;
    end(**waiting, StreamError::none, {}, false);
  }
  const Handle handle = context_.session.sessions.allocate();
  Session& session = *context_.session.sessions.get(handle);
  session.handle = handle;
  session.user = &user;
  session.resource = std::move(resource);
  session.bound_s = context_.now_s();
  session.may_retransmit =
      connection.login->predecessor != 0 ||
      context_.started_s + retransmission_seconds > session.bound_s ||
      (user.unclean_end_s != 0 && user.unclean_end_s + retransmission_seconds > session.bound_s);
  user.sessions.push_back(&session);
  context_.count(Counter::sessions);
  attach(session, connection);
  return &session;
}

void SessionManager::refuse_bind(Connection& connection, const StanzaView& iq, StanzaError error,
                                 std::string_view text) {
  std::string answer;
  if (write_stanza_error(answer, iq, {}, {}, error, text)) context_.io.write(connection, answer);
}

void SessionManager::answer_bind(Connection& connection, const StanzaView& iq,
                                 const Session& session) {
  std::string answer;
  write_result_start(answer, iq);
  answer += "><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>";
  append_escaped(answer, full_address(session, context_.domain()));
  answer += "</jid></bind></iq>";
  context_.io.write(connection, answer);
}

void SessionManager::enable(Session& session, const StanzaView& view) {
  if (session.management) {
    context_.io.write(*session.connection,
                      "<failed xmlns='urn:xmpp:sm:3'><unexpected-request "
                      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
    return;
  }
  bool found = false;
  const std::string_view wish = view.attribute("resume", found);
  const bool resumable =
      (wish == "true" || wish == "1") && context_.session.config.resume_seconds > 0;
  if (!session.user->settling) {
    enable_now(session, resumable);
    return;
  }
  // The new stream's count says nothing of the old one's messages: were the server to crash before
  // the disk has forgotten those, they would come again.
  session.user->settling = false;
  wait_for_disk(*session.connection, *session.user, [this, resumable](Connection& connection) {
    if (connection.session == nullptr) return false;
    connection.state = StreamState::session;
    enable_now(*connection.session, resumable);
    return true;
  });
}

void SessionManager::enable_now(Session& session, bool resumable) {
  session.management = std::make_unique<StreamManagement>();
  StreamManagement& management = *session.management;
  while (management.tag == 0) management.tag = context_.session.random.next64();
  management.resumable = resumable;
  std::string answer = "<enabled xmlns='urn:xmpp:sm:3'";
  if (management.resumable) {
    append_attribute(answer, "id", session_tag_text(management.tag));
    append_attribute(answer, "resume", "true");
    append_attribute(answer, "max", std::to_string(context_.session.config.resume_seconds));
  }
  answer += "/>";
  context_.io.write(*session.connection, answer);
}

void SessionManager::failed_resume(Connection& connection) {
  context_.count(Counter::resume_failures);
  context_.io.write(connection,
                    "<failed xmlns='urn:xmpp:sm:3'><item-not-found "
                    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
}

void SessionManager::resume(Connection& connection, std::string_view previous_id,
                            std::uint32_t handled) {
  User* user = context_.users.find(connection.login->user);
  const SessionTag tag = parse_session_tag(previous_id);
  if (user == nullptr || tag == 0) {
    failed_resume(connection);
    return;
  }
  connection.login->predecessor = tag;
  Session* const session = resumable(*user, tag);
  if (session == nullptr) {
    // An earlier attempt may have settled it and been cut off before its answer.
    if (!keeper_.settle_past(*user, tag, handled) && !user->settling) {
      failed_resume(connection);
      return;
    }
    // The client forgets its count when it is refused; by then the disk must know it.
    wait_for_disk(connection, *user, [this](Connection& refused) {
      refused.state = StreamState::bind;
      failed_resume(refused);
      return true;
    });
    return;
  }
  if (!plausible(*session, handled)) {
    failed_resume(connection);
    return;
  }
  const std::uint32_t safe = take_up(*session, connection);
  std::string answer = "<resumed xmlns='urn:xmpp:sm:3'";
  append_attribute(answer, "previd", session_tag_text(tag));
  append_attribute(answer, "h", std::to_string(safe));
  answer += "/>";
  context_.io.write(connection, answer);
  go_on(*session, handled);
}

Session* SessionManager::resumable(const User& user, SessionTag tag) const {
  const auto found =
      std::find_if(user.sessions.begin(), user.sessions.end(), [tag](const Session* session) {
        return session->management && session->management->resumable &&
               session->management->tag == tag && !session->management->overflowed;
      });
  return found == user.sessions.end() ? nullptr : *found;
}

bool SessionManager::plausible(const Session& session, std::uint32_t handled) {
  const StreamManagement& management = *session.management;
  return behind(management, handled) ||
         handled - management.acknowledged <= management.window.size();
}

std::uint32_t SessionManager::take_up(Session& session, Connection& connection) {
  StreamManagement& management = *session.management;
  if (Connection* old = session.connection) {
    // The old connection is dead without knowing it yet.
    old->session = nullptr;
    session.connection = nullptr;
    context_.io.drop(*old);
  } else {
    context_.count(Counter::sessions_waiting, -1);
  }
  attach(session, connection);
  context_.count(Counter::resumed);
  const std::uint32_t safe = management.safe_count();
  count_from(management, safe);
  session.client_inactive = false;
  return safe;
}

void SessionManager::count_from(StreamManagement& management, std::uint32_t told) {
  // What was taken and is not yet safe is sent again by the client and skipped; a resumption during
  // which the connection broke once more must not forget that.
  if (!management.skipping) management.skip_until = management.received;
  management.skipping = told != management.skip_until;
  management.received = told;
  management.last_told = told;
  management.answer_owed = false;
}

void SessionManager::go_on(Session& session, std::uint32_t handled) {
  // A count behind what was acknowledged before cannot be meant; what it would ask for is gone.
  if (behind(*session.management, handled)) handled = session.management->acknowledged;
  static_cast<void>(delivery_.resume(session, handled));
  delivery_.release_inactive(session);
  if (session.page) {
    delivery_.page_moved(session);
  } else {
    delivery_.pump(*session.user);
  }
}

void SessionManager::interrupted(Session& session) {
  if (session.ending) return;
  if (session.connection != nullptr) session.connection->session = nullptr;
  session.connection = nullptr;
  const bool waits = session.management && session.management->resumable &&
                     !session.management->overflowed && !context_.draining;
  session.user->unclean_end_s = context_.now_s();
  if (!waits) {
    end(session, StreamError::none, {}, false);
    return;
  }
  session.management->request_open = false;
  context_.count(Counter::sessions_waiting);
  session.resume_timer = context_.session.timers.schedule(
      context_.session.now + context_.session.config.resume_seconds * second_us,
      timer_cookie(TimerKind::resume, session.handle));
}

void SessionManager::end(Session& session, StreamError error, std::string_view text, bool clean) {
  if (session.ending) return;
  session.ending = true;
  count_stream_error(context_.session.counters, error);
  User& user = *session.user;
  if (!clean) user.unclean_end_s = context_.now_s();
  if (Connection* connection = session.connection) {
    // What its TCP has acknowledged by now was received; giving it back would send it twice.
    if (!session.awaited.empty()) delivery_.settle_received(session);
    if (error != StreamError::none) context_.io.write_error(*connection, error, text);
    context_.io.write_close(*connection);
    connection->session = nullptr;
    context_.io.finish(*connection);
    session.connection = nullptr;
  } else if (session.resume_timer != 0) {
    context_.count(Counter::sessions_waiting, -1);
  }
  context_.session.timers.cancel(session.resume_timer);
  session.resume_timer = 0;
  const std::string status = last_status(session);
  std::erase(user.sessions, &session);
  presence_.session_ended(session);
  delivery_.give_back(session);
  std::string event;
  boundary::SessionEnded{user.name, session.resource, session.handle.bits, status}.encode(event);
  context_.links.event(event);
  context_.count(Counter::sessions, -1);
  ++ended_in_all_;
  ended_.push_back(session.handle);
  delivery_.pump(user);
}

std::string SessionManager::last_status(const Session& session) {
  if (session.available || !session.presence) return {};
  XmlElement status;
  if (!reader_.read(session.presence->bytes(), 1, status)) return {};
  if (status.text.size() > max_status_bytes) {
    std::size_t end = max_status_bytes;
    while ((static_cast<unsigned char>(status.text[end]) & 0xC0) == 0x80) --end;
    status.text.resize(end);
  }
  return std::move(status.text);
}

void SessionManager::resume_timer_fired(Session& session) {
  if (session.connection == nullptr && !session.ending) {
    end(session, StreamError::none, {}, false);
  }
}

void SessionManager::wait_for_disk(Connection& connection, User& user, AfterDisk then) {
  connection.state = StreamState::waiting;
  settling_.push_back({connection.handle, &user, keeper_.settlement_barrier(), std::move(then)});
}

void SessionManager::answer_settled() {
  std::erase_if(settling_, [this](Settling& settling) {
    Connection* connection = context_.session.connections.get(settling.connection);
    if (connection == nullptr || connection->state != StreamState::waiting) {
      settling.user->settling = true;  // whoever comes next has to wait in its place
      return true;
    }
    if (settling.barrier == 0) settling.barrier = keeper_.settlement_barrier();
    if (settling.barrier == 0 || !keeper_.settled_by(settling.barrier)) return false;
    if (settling.then(*connection)) {
      context_.io.resume_input(*connection);
    } else {
      settling.user->settling = true;
    }
    return true;
  });
}

void SessionManager::end_overflowed() {
  std::vector<Handle> overflowed;
  overflowed.swap(delivery_.overflowed());
  for (const Handle handle : overflowed) {
    Session* session = context_.session.sessions.get(handle);
    if (session == nullptr || session->ending) continue;
    context_.count(Counter::error_overflow);
    end(*session, StreamError::resource_constraint, "Too many unacknowledged stanzas.", false);
  }
}

void SessionManager::free_ended() {
  for (const Handle handle : ended_) context_.session.sessions.release(handle);
  ended_.clear();
}

}  // namespace rookery
