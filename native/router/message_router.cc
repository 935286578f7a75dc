// The life of a message, from the stanza that a client sent to the sessions and the mailbox of the
// user it is for.
#include "router/message_router.h"

#include "base/hash.h"
#include "codec/xml_text.h"
#include "router/address.h"
#include "router/stanza_stamp.h"
#include "stats/probes.h"

namespace rookery {

using boundary::MessageStepKind;

MessageRouter::MessageRouter(RouterContext& context, MailboxKeeper& keeper, Delivery& delivery)
    : context_(context), keeper_(keeper), delivery_(delivery) {}

bool MessageRouter::blocks(const User& user, std::string_view address) {
  if (!user.blocked) return false;
  const std::string_view bare = bare_of(address);
  const std::string_view domain = domain_of(address);
  for (const std::string& blocked : *user.blocked) {
    if (blocked == address || blocked == bare || blocked == domain) return true;
  }
  return false;
}

void MessageRouter::from_client(Session& sender, const StanzaView& view, const Jid& to,
                                std::uint32_t number) {
  context_.count(Counter::messages_in);
  const std::string from = full_address(sender, context_.domain());
  RoutedStanza routed;
  const MessageTraits traits = message_traits(view);
  routed.type = traits.type;
  routed.storable = traits.storable;
  routed.copyable = traits.copyable;
  routed.from = from;
  routed.to_local = to.local;
  routed.to_resource = to.resource;
  routed.id = view.id;
  routed.received_us = context_.session.now;
  if (sender.user->blocked && blocks(*sender.user, to.full())) {
    std::string answer;
    if (write_stanza_error(answer, view, to.full(), from, StanzaError::not_acceptable, {},
                           "<blocked xmlns='urn:xmpp:blocking:errors'/>")) {
      delivery_.send(sender, answer);
    }
    return;
  }
  stamped_.clear();
  append_stamped(stamped_, view, from,
                 view.has_to ? std::string_view{} : std::string_view(to.full()));
  routed.xml = stamped_;
  if (traits.storable && sender.management) {
    routed.origin = sender.handle;
    routed.origin_number = number;
    sender.management->unsafe.push_back({number, false});
    if (view.has_id) {
      routed.fingerprint = hash_bytes(view.text, hash_name(sender.user->name)) | 1u;
      routed.check_duplicate =
          sender.may_retransmit && context_.now_s() < sender.bound_s + retransmission_seconds;
    }
  }
  if (traits.storable && context_.session.disk_is_behind()) {
    context_.io.slow_down(*sender.connection);
  }
  if (traits.copyable && sender.user->sessions.size() > 1) sent_carbons(sender, stamped_);
  const ShardId home = context_.home(to.local);
  probes::message_routed(context_.session.id, home, stamped_.size());
  if (home == context_.session.id) {
    to_user(routed);
    return;
  }
  record_.clear();
  routed.encode(record_);
  context_.links.request(home, record_);
}

void MessageRouter::safe_now(const RoutedStanza& routed) {
  if (!routed.origin.valid()) return;
  if (routed.origin.shard() == context_.session.id) {
    Session* session = context_.session.sessions.get(routed.origin);
    if (session != nullptr && session->management) {
      delivery_.safe(*session, routed.origin_number);
    }
    return;
  }
  std::string record;
  SafeNotice{routed.origin, routed.origin_number}.encode(record);
  context_.links.reply(routed.origin.shard(), record);
}

void MessageRouter::bounce(const RoutedStanza& routed, StanzaError error, std::string_view text) {
  safe_now(routed);  // it has been dealt with: the error is its answer
  if (routed.type == RoutedType::error || routed.type == RoutedType::result) return;
  StanzaView view;
  view.kind = routed.kind == RoutedKind::message    ? StanzaKind::message
              : routed.kind == RoutedKind::presence ? StanzaKind::presence
                                                    : StanzaKind::iq;
  view.id = routed.id;
  view.has_id = !routed.id.empty();
  std::string to(routed.to_local);
  if (!to.empty()) to += '@';
  to += context_.domain();
  if (!routed.to_resource.empty()) {
    to += '/';
    to += routed.to_resource;
  }
  std::string answer;
  if (!write_stanza_error(answer, view, to, routed.from, error, text)) return;
  if (routed.kind == RoutedKind::message) context_.count(Counter::messages_bounced);
  deliver_to_address(local_of(routed.from), resource_of(routed.from), answer);
}

void MessageRouter::deliver_to_address(std::string_view local, std::string_view resource,
                                       std::string_view xml) {
  if (local.empty()) return;  // the server itself asked
  const ShardId home = context_.home(local);
  if (home != context_.session.id) {
    std::string record;
    DeliverNotice{local, resource, xml}.encode(record);
    context_.links.reply(home, record);
    return;
  }
  User* user = context_.users.find(local);
  if (user == nullptr) return;
  for (Session* session : user->sessions) {
    if (resource.empty() ? session->available : session->resource == resource) {
      delivery_.send(*session, xml);
    }
  }
}

void MessageRouter::to_user(const RoutedStanza& routed) {
  User* user = context_.users.find(routed.to_local);
  if (user == nullptr || !user->exists()) {
    bounce(routed, StanzaError::service_unavailable);
    return;
  }
  if (!routed.from_server && blocks(*user, routed.from)) {
    bounce(routed, StanzaError::service_unavailable);
    return;
  }
  if (routed.storable) {
    store_and_send(*user, routed);
  } else {
    send_unstored(*user, routed);
  }
}

void MessageRouter::store_and_send(User& user, const RoutedStanza& routed) {
  // RFC 6121 section 8.5.3.2.1: only chat falls back from a resource that is not there to the user.
  if (!routed.to_resource.empty() && routed.type == RoutedType::normal &&
      user.session_by_resource(routed.to_resource) == nullptr) {
    bounce(routed, StanzaError::service_unavailable);
    return;
  }
  bool already_safe = false;
  if (routed.check_duplicate && keeper_.is_duplicate(user, routed, already_safe)) {
    note_entry(MessageStepKind::duplicate, user, 0, routed);
    if (already_safe) safe_now(routed);
    return;
  }
  const StanzaRef stanza = Stanza::make(routed.xml);
  stanza->origin = routed.origin;
  stanza->origin_number = routed.origin_number;
  stanza->fingerprint = routed.fingerprint;
  stanza->received_us = routed.received_us;
  const std::uint64_t sequence = keeper_.accept(user, stanza);
  note_entry(sequence == 0 ? MessageStepKind::refused : MessageStepKind::accepted, user, sequence,
             routed);
  if (sequence == 0) {
    bounce(routed, StanzaError::resource_constraint, "The recipient's mailbox is full.");
    return;
  }
  dispatch(user, sequence, stanza, routed);
}

void MessageRouter::note_entry(MessageStepKind kind, const User& user, std::uint64_t sequence,
                               const RoutedStanza& routed) {
  context_.journal.add({.kind = kind,
                        .at = context_.session.now,
                        .user = &user,
                        .sequence = sequence,
                        .id = routed.id,
                        .who = routed.from});
}

void MessageRouter::dispatch(User& user, std::uint64_t sequence, const StanzaRef& stanza,
                             const RoutedStanza& routed) {
  if (user.sessions.empty()) {
    stanza->delayed = true;
    return;
  }
  Session* addressed =
      routed.to_resource.empty() ? nullptr : user.session_by_resource(routed.to_resource);
  if (addressed != nullptr && addressed->connection == nullptr) {
    // It waits to be resumed. It gets a copy then; the mailbox's message goes to whoever is there.
    if (delivery_.best_taker(user) != nullptr) {
      delivery_.send(*addressed, stanza);
      addressed = nullptr;
    }
  }
  if (addressed != nullptr) stanza->preferred = addressed->handle;
  Mailbox& mailbox = *user.mailbox;
  Session* taker = addressed != nullptr ? addressed : delivery_.best_taker(user);
  if (taker == nullptr || mailbox.cursor() != sequence || !delivery_.can_take(*taker)) {
    stanza->delayed = true;
    delivery_.pump(user);
    taker = nullptr;
  } else {
    mailbox.set_cursor(sequence + 1);
    delivery_.send_message(*taker, stanza);
  }
  if (user.sessions.size() < 2) return;
  if (routed.to_resource.empty()) {
    // RFC 6121 section 8.5.2.1.1: every resource of the highest priority gets it.
    for (Session* other : user.sessions) {
      if (taker == nullptr || other == taker || !other->takes_messages()) continue;
      if (other->priority == taker->priority) delivery_.send(*other, stanza);
    }
  }
  if (routed.copyable) received_carbons(user, taker, routed);
}

void MessageRouter::send_unstored(User& user, const RoutedStanza& routed) {
  safe_now(routed);
  if (!routed.to_resource.empty()) {
    Session* session = user.session_by_resource(routed.to_resource);
    if (session != nullptr) {
      delivery_.send(*session, routed.xml);
      return;
    }
    if (routed.type == RoutedType::groupchat || routed.type == RoutedType::normal) {
      RoutedStanza answered = routed;
      answered.origin = Handle{};
      bounce(answered, StanzaError::service_unavailable);
      return;
    }
    if (routed.type == RoutedType::headline || routed.type == RoutedType::error) return;
  }
  if (routed.type == RoutedType::error) return;
  if (routed.type == RoutedType::groupchat) {
    RoutedStanza answered = routed;
    answered.origin = Handle{};
    bounce(answered, StanzaError::service_unavailable);
    return;
  }
  Session* taker = delivery_.best_taker(user);
  for (Session* session : user.sessions) {
    if (!session->takes_messages()) continue;
    if (routed.type == RoutedType::headline ||
        (taker != nullptr && session->priority == taker->priority)) {
      delivery_.send(*session, routed.xml);
    }
  }
  if (routed.copyable && user.sessions.size() > 1) received_carbons(user, taker, routed);
}

void MessageRouter::carbon(Session& session, std::string_view wrapper, std::string_view xml) {
  const std::string bare = session.user->name + "@" + context_.domain();
  std::string copy = "<message xmlns='jabber:client'";
  append_attribute(copy, "from", bare);
  append_attribute(copy, "to", full_address(session, context_.domain()));
  copy += " type='chat'><";
  copy += wrapper;
  copy += " xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>";
  // The forwarded stanza must not fall into the namespace of its wrapper.
  const std::size_t name_end = xml.find_first_of(" />");
  copy += xml.substr(0, name_end);
  if (xml.substr(0, xml.find('>')).find(" xmlns=") == std::string_view::npos) {
    copy += " xmlns='jabber:client'";
  }
  copy += xml.substr(name_end);
  copy += "</forwarded></";
  copy += wrapper;
  copy += "></message>";
  delivery_.send(session, copy);
}

void MessageRouter::received_carbons(User& user, const Session* taker, const RoutedStanza& routed) {
  for (Session* session : user.sessions) {
    if (!session->carbons || session == taker || session->resource == routed.to_resource) {
      continue;
    }
    // Those that got the message itself need no copy of it.
    if (routed.to_resource.empty() && taker != nullptr && session->takes_messages() &&
        session->priority == taker->priority) {
      continue;
    }
    carbon(*session, "received", routed.xml);
  }
}

void MessageRouter::sent_carbons(Session& sender, std::string_view xml) {
  for (Session* session : sender.user->sessions) {
    if (session != &sender && session->carbons) carbon(*session, "sent", xml);
  }
}

}  // namespace rookery
