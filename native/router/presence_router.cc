// Presence between sessions and contacts.
#include "router/presence_router.h"

#include <algorithm>
#include <charconv>

#include "boundary/boundary.gen.h"
#include "codec/xml_text.h"
#include "router/address.h"
#include "router/stanza_stamp.h"

namespace rookery {
namespace {

constexpr std::size_t max_directed = 1000;

/// The priority of RFC 6121 section 4.7.2.3: -128 to 127, 0 when absent or not a number.
std::int8_t priority_of(const StanzaView& view) {
  const ChildView* child = view.child("priority", "jabber:client");
  if (child == nullptr) return 0;
  std::string_view text = view.text.substr(child->begin, child->end - child->begin);
  const std::size_t open = text.find('>');
  if (open == std::string_view::npos) return 0;
  text.remove_prefix(open + 1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '+')) {
    text.remove_prefix(1);
  }
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return static_cast<std::int8_t>(std::clamp(value, -128, 127));
}

bool is_subscription(std::string_view type) {
  return type == "subscribe" || type == "subscribed" || type == "unsubscribe" ||
         type == "unsubscribed";
}

}  // namespace

PresenceRouter::PresenceRouter(RouterContext& context, Delivery& delivery, MessageRouter& messages)
    : context_(context), delivery_(delivery), messages_(messages) {}

void PresenceRouter::route(std::string_view to_local, std::string_view to_resource,
                           std::string_view from, RoutedType type, std::string_view xml) {
  RoutedStanza routed;
  routed.kind = RoutedKind::presence;
  routed.type = type;
  routed.from = from;
  routed.to_local = to_local;
  routed.to_resource = to_resource;
  routed.xml = xml;
  const ShardId home = context_.home(to_local);
  if (home == context_.session.id) {
    to_user(routed);
    return;
  }
  std::string record;
  routed.encode(record);
  context_.links.request(home, record);
}

void PresenceRouter::from_client(Session& session, const StanzaView& view, const Jid* to) {
  context_.count(Counter::presence_in);
  if (to != nullptr && is_subscription(view.type)) {
    subscription(session, view, *to);
  } else if (to != nullptr) {
    directed(session, view, *to);
  } else if (!view.has_type || view.type.empty()) {
    available(session, view);
  } else if (view.type == "unavailable") {
    unavailable(session, view);
  }
  // Anything else without an address (a probe, an error) has no meaning from a client.
}

void PresenceRouter::available(Session& session, const StanzaView& view) {
  const bool initial = !session.available;
  const std::int8_t old_priority = session.priority;
  session.priority = priority_of(view);
  session.available = true;
  const std::string from = full_address(session, context_.domain());
  std::string xml;
  append_stamped(xml, view, from);
  // The plain presence that most clients send at login is made anew when it is asked for.
  const bool plain = view.child_count == 0 && !view.more_children;
  session.presence = plain ? StanzaRef{} : Stanza::make(xml);
  broadcast(session, xml, RoutedType::available);
  own_resources(session, xml);
  if (initial) {
    probe_contacts(session);
    std::string event;
    boundary::SessionAvailable{session.user->name, session.resource, session.handle.bits,
                               static_cast<std::uint8_t>(session.priority)}
        .encode(event);
    context_.links.event(event);
  }
  if (session.priority >= 0 && (initial || old_priority < 0)) delivery_.pump(*session.user);
}

std::string PresenceRouter::presence_of(const Session& session) const {
  if (session.presence) return std::string(session.presence->bytes());
  std::string xml = "<presence";
  append_attribute(xml, "from", full_address(session, context_.domain()));
  xml += "/>";
  return xml;
}

void PresenceRouter::broadcast(Session& session, std::string_view xml, RoutedType type) {
  const User& user = *session.user;
  if (!user.contacts) return;
  const std::string from = full_address(session, context_.domain());
  for (const Contact& contact : *user.contacts) {
    if ((contact.subscription & subscription_from) == 0) continue;
    if (user.blocked && MessageRouter::blocks(user, contact.local + "@" + context_.domain())) {
      continue;
    }
    route(contact.local, {}, from, type, xml);
  }
}

void PresenceRouter::own_resources(Session& session, std::string_view xml) {
  for (Session* other : session.user->sessions) {
    if (!other->available) continue;
    delivery_.send_presence(*other, xml);
    if (other != &session && session.available) {
      delivery_.send_presence(session, presence_of(*other));
    }
  }
}

void PresenceRouter::probe_contacts(Session& session) {
  const User& user = *session.user;
  if (!user.contacts) return;
  const std::string from = full_address(session, context_.domain());
  for (const Contact& contact : *user.contacts) {
    if ((contact.subscription & subscription_to) == 0) continue;
    route(contact.local, {}, from, RoutedType::probe, {});
  }
}

void PresenceRouter::unavailable(Session& session, const StanzaView& view) {
  if (!session.available) return;
  std::string xml;
  append_stamped(xml, view, full_address(session, context_.domain()));
  session.available = false;
  const ChildView* status = view.child("status", "jabber:client");
  session.presence =
      status == nullptr
          ? StanzaRef{}
          : Stanza::make(view.text.substr(status->begin, status->end - status->begin));
  broadcast(session, xml, RoutedType::unavailable);
  own_resources(session, xml);
  delivery_.send_presence(session, xml);
  if (session.directed) {
    const std::unique_ptr<DirectedPresence> directed = std::move(session.directed);
    for (const std::string& address : *directed) {
      route(local_of(address), resource_of(address), full_address(session, context_.domain()),
            RoutedType::unavailable, xml);
    }
  }
}

void PresenceRouter::session_ended(Session& session) {
  if (!session.available && !session.directed) return;
  const std::string from = full_address(session, context_.domain());
  std::string xml = "<presence type='unavailable'";
  append_attribute(xml, "from", from);
  xml += "/>";
  if (session.available) {
    session.available = false;
    broadcast(session, xml, RoutedType::unavailable);
    own_resources(session, xml);
  }
  if (!session.directed) return;
  const std::unique_ptr<DirectedPresence> directed = std::move(session.directed);
  for (const std::string& address : *directed) {
    route(local_of(address), resource_of(address), from, RoutedType::unavailable, xml);
  }
}

void PresenceRouter::directed(Session& session, const StanzaView& view, const Jid& to) {
  if (to.local.empty() || view.type == "probe") return;  // the server has no presence
  const std::string from = full_address(session, context_.domain());
  const std::string address = to.full();
  if (session.user->blocked && MessageRouter::blocks(*session.user, address)) {
    std::string answer;
    if (write_stanza_error(answer, view, address, from, StanzaError::not_acceptable, {},
                           "<blocked xmlns='urn:xmpp:blocking:errors'/>")) {
      delivery_.send(session, answer);
    }
    return;
  }
  stamped_.clear();
  append_stamped(stamped_, view, from);
  RoutedType type = RoutedType::available;
  if (view.type == "unavailable") type = RoutedType::unavailable;
  if (view.type == "error") type = RoutedType::error;
  if (type == RoutedType::available) {
    if (!session.directed) session.directed = std::make_unique<DirectedPresence>();
    auto& known = *session.directed;
    if (known.size() < max_directed &&
        std::find(known.begin(), known.end(), address) == known.end()) {
      known.push_back(address);
    }
  } else if (session.directed) {
    std::erase(*session.directed, address);
    if (session.directed->empty()) session.directed.reset();
  }
  const std::string xml = stamped_;
  route(to.local, to.resource, from, type, xml);
}

void PresenceRouter::subscription(Session& session, const StanzaView& view, const Jid& to) {
  if (to.local.empty()) return;
  const std::string from = bare_address(*session.user, context_.domain());
  std::string xml;
  append_stamped(xml, view, from, to.bare());
  std::string event;
  boundary::SubscriptionStanza{session.user->name, to.bare(), view.type, xml}.encode(event);
  if (context_.links.offer_event(event)) return;
  std::string answer;
  if (write_stanza_error(answer, view, to.full(), full_address(session, context_.domain()),
                         StanzaError::resource_constraint)) {
    delivery_.send(session, answer);
  }
}

void PresenceRouter::to_user(const RoutedStanza& routed) {
  User* user = context_.users.find(routed.to_local);
  if (user == nullptr || !user->exists()) return;
  if (!routed.from_server && MessageRouter::blocks(*user, routed.from)) return;
  if (routed.type == RoutedType::probe) {
    answer_probe(*user, routed);
    return;
  }
  for (Session* session : user->sessions) {
    if (routed.to_resource.empty() ? session->available : session->resource == routed.to_resource) {
      delivery_.send_presence(*session, routed.xml);
    }
  }
}

void PresenceRouter::answer_probe(User& user, const RoutedStanza& routed) {
  const std::string_view asker = local_of(routed.from);
  const Contact* contact = user.contact(asker);
  if (contact == nullptr || (contact->subscription & subscription_from) == 0) return;
  for (const Session* session : user.sessions) {
    if (!session->available) continue;
    messages_.deliver_to_address(asker, resource_of(routed.from), presence_of(*session));
  }
}

void PresenceRouter::block_list_changed(User& user) {
  if (!user.blocked) return;
  for (Session* session : user.sessions) {
    if (!session->directed) continue;
    const std::string from = full_address(*session, context_.domain());
    std::string xml = "<presence type='unavailable'";
    append_attribute(xml, "from", from);
    xml += "/>";
    std::erase_if(*session->directed, [&](const std::string& address) {
      if (!MessageRouter::blocks(user, address)) return false;
      route(local_of(address), resource_of(address), from, RoutedType::unavailable, xml);
      return true;
    });
    if (session->directed->empty()) session->directed.reset();
  }
}

void PresenceRouter::subscription_changed(User& user, std::string_view contact_local, bool shown) {
  for (const Session* session : user.sessions) {
    if (!session->available) continue;
    const std::string from = full_address(*session, context_.domain());
    if (shown) {
      route(contact_local, {}, from, RoutedType::available, presence_of(*session));
      continue;
    }
    std::string xml = "<presence type='unavailable'";
    append_attribute(xml, "from", from);
    xml += "/>";
    route(contact_local, {}, from, RoutedType::unavailable, xml);
  }
}

}  // namespace rookery
