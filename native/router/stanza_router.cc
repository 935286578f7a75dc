// What becomes of a client's elements.
#include "router/stanza_router.h"

#include <cstdlib>

#include "codec/xml_text.h"
#include "router/address.h"
#include "session/compact_negotiator.h"
#include "stats/error_counts.h"

namespace rookery {
namespace {

constexpr std::string_view management_ns = "urn:xmpp:sm:3";
constexpr std::string_view client_state_ns = "urn:xmpp:csi:0";
constexpr std::string_view client_ns = "jabber:client";

}  // namespace

StanzaRouter::StanzaRouter(RouterContext& context, Delivery& delivery, MessageRouter& messages,
                           PresenceRouter& presence, IqRouter& iqs, SessionManager& sessions,
                           StreamNegotiator& negotiator)
    : context_(context),
      delivery_(delivery),
      messages_(messages),
      presence_(presence),
      iqs_(iqs),
      sessions_(sessions),
      negotiator_(negotiator) {}

void StanzaRouter::from_client(Connection& connection, const StanzaView& view) {
  Session* session = connection.session;
  if (session == nullptr) return;
  if (view.kind == StanzaKind::other || view.xmlns != client_ns) {
    stream_element(connection, view);
    return;
  }
  context_.count(Counter::stanzas_in);
  context_.trace(*session, false, view.text);
  session->activity = ++context_.activity;
  if (session->management) {
    StreamManagement& management = *session->management;
    ++management.received;
    if (management.skipping) {
      // Sent again after a resumption although it had arrived: it is on its way to safety already.
      if (management.received == management.skip_until) management.skipping = false;
      context_.count(Counter::messages_duplicate);
      if (management.unasked) delivery_.asked(*session);
      return;
    }
    if (management.unasked) delivery_.asked(*session);
  }
  stanza(connection, *session, view);
}

bool StanzaRouter::from_is_own(const Session& session, const StanzaView& view) const {
  std::string plain;
  Jid from;
  if (!append_unescaped(plain, view.from) || !parse_jid(plain, from)) return false;
  return from.local == session.user->name && from.domain == context_.domain() &&
         (from.resource.empty() || from.resource == session.resource);
}

void StanzaRouter::stanza(Connection& connection, Session& session, const StanzaView& view) {
  if (view.has_from && !view.from.empty() && !from_is_own(session, view)) {
    sessions_.end(session, StreamError::invalid_from, {}, true);
    return;
  }
  const Jid* to = nullptr;
  if (view.has_to && !view.to.empty()) {
    bool valid = false;
    if (view.to.find('&') == std::string_view::npos) {
      valid = parse_jid(view.to, to_);
    } else {
      plain_.clear();
      valid = append_unescaped(plain_, view.to) && parse_jid(plain_, to_);
    }
    if (!valid) {
      bad_address(session, view, StanzaError::jid_malformed);
      return;
    }
    if (to_.domain != context_.domain()) {
      bad_address(session, view, StanzaError::remote_server_not_found);
      return;
    }
    to = &to_;
  }
  switch (view.kind) {
    case StanzaKind::message: {
      if (to == nullptr) {
        to_.local = session.user->name;
        to_.domain = context_.domain();
        to_.resource.clear();
      } else if (to_.local.empty()) {
        bad_address(session, view, StanzaError::service_unavailable);
        return;
      }
      const std::uint32_t number = session.management ? session.management->received : 0;
      messages_.from_client(session, view, to_, number);
      return;
    }
    case StanzaKind::presence: presence_.from_client(session, view, to); return;
    case StanzaKind::iq: iqs_.from_client(session, view, to); return;
    case StanzaKind::other: break;
  }
  static_cast<void>(connection);
}

void StanzaRouter::bad_address(Session& session, const StanzaView& view, StanzaError error) {
  std::string plain;
  if (!append_unescaped(plain, view.to)) plain.clear();
  std::string answer;
  // A malformed address is not repeated as our own: RFC 6120 section 8.3.3.8.
  const std::string_view from =
      error == StanzaError::jid_malformed ? std::string_view(context_.domain()) : plain;
  if (write_stanza_error(answer, view, from, full_address(session, context_.domain()), error)) {
    delivery_.send(session, answer);
  }
}

void StanzaRouter::stream_element(Connection& connection, const StanzaView& view) {
  Session& session = *connection.session;
  if (view.xmlns == management_ns) {
    if (view.name == "r" && session.management) {
      delivery_.asked(session);
      return;
    }
    if (view.name == "a" && session.management) {
      acknowledgement(connection, view);
      return;
    }
    if (view.name == "enable") {
      sessions_.enable(session, view);
      return;
    }
    if (view.name == "resume") {
      context_.io.write(connection,
                        "<failed xmlns='urn:xmpp:sm:3'><unexpected-request "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
      return;
    }
  }
  if (view.xmlns == client_state_ns && (view.name == "active" || view.name == "inactive")) {
    session.client_inactive = view.name == "inactive";
    if (!session.client_inactive) delivery_.release_inactive(session);
    return;
  }
  if (view.xmlns == compact_namespace && view.name == "close") {
    sessions_.end(session, StreamError::none, {}, true);
    return;
  }
  sessions_.end(session, StreamError::unsupported_stanza_type, {}, true);
}

void StanzaRouter::acknowledgement(Connection& connection, const StanzaView& view) {
  Session& session = *connection.session;
  bool found = false;
  const std::string handled(view.attribute("h", found));
  char* end = nullptr;
  const unsigned long number = std::strtoul(handled.c_str(), &end, 10);
  if (handled.empty() || *end != '\0' || number > 0xFFFFFFFFul) {
    sessions_.end(session, StreamError::bad_format, "The h of an acknowledgement is a number.",
                  true);
    return;
  }
  const std::uint32_t sent = session.management->sent;
  if (delivery_.acknowledge(session, static_cast<std::uint32_t>(number))) return;
  count_stream_error(context_.session.counters, StreamError::undefined_condition);
  // XEP-0198 section 4: more acknowledged than sent.
  std::string condition = "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='";
  condition += std::to_string(number);
  condition += "' send-count='";
  condition += std::to_string(sent);
  condition += "'/>";
  context_.io.write_error(connection, StreamError::undefined_condition, {}, condition);
  sessions_.end(session, StreamError::none, {}, false);
}

void StanzaRouter::to_user(const RoutedStanza& routed) {
  switch (routed.kind) {
    case RoutedKind::message: messages_.to_user(routed); return;
    case RoutedKind::presence: presence_.to_user(routed); return;
    case RoutedKind::iq: iqs_.to_user(routed); return;
  }
}

void StanzaRouter::from_server(std::string_view to, std::string_view from, std::string_view xml) {
  StanzaView view;
  const ScanLimits limits = context_.session.scan_limits();
  if (scan_stanza(xml, limits, view) != StreamError::none) return;
  RoutedStanza routed;
  routed.from_server = true;
  routed.from = from;
  routed.to_local = local_of(to);
  routed.to_resource = resource_of(to);
  routed.id = view.id;
  routed.xml = xml;
  if (view.kind == StanzaKind::message) {
    const MessageTraits traits = message_traits(view);
    routed.type = traits.type;
    routed.storable = traits.storable;
    routed.copyable = traits.copyable;
  } else if (view.kind == StanzaKind::presence) {
    routed.kind = RoutedKind::presence;
    routed.type = view.type == "unavailable" ? RoutedType::unavailable : RoutedType::available;
  } else {
    routed.kind = RoutedKind::iq;
    routed.type = view.type == "result" ? RoutedType::result : RoutedType::set;
  }
  if (routed.to_local.empty()) return;
  const ShardId home = context_.home(routed.to_local);
  if (home == context_.session.id) {
    to_user(routed);
    return;
  }
  std::string record;
  routed.encode(record);
  context_.links.request(home, record);
}

}  // namespace rookery
