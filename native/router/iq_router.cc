// Routing of IQs.
#include "router/iq_router.h"

#include "boundary/boundary.gen.h"
#include "codec/xml_text.h"
#include "router/address.h"
#include "router/stanza_stamp.h"

namespace rookery {
namespace {

constexpr std::string_view ping_ns = "urn:xmpp:ping";
constexpr std::string_view session_ns = "urn:ietf:params:xml:ns:xmpp-session";
constexpr std::string_view bind_ns = "urn:ietf:params:xml:ns:xmpp-bind";
constexpr std::string_view carbons_ns = "urn:xmpp:carbons:2";

constexpr MonoUs asking_period_us = 100'000;
constexpr std::size_t asking_bytes = 16 * 1024;

RoutedType iq_type(std::string_view type) {
  if (type == "get") return RoutedType::get;
  if (type == "set") return RoutedType::set;
  if (type == "result") return RoutedType::result;
  return RoutedType::error;
}

}  // namespace

IqRouter::IqRouter(RouterContext& context, Delivery& delivery, MessageRouter& messages)
    : context_(context), delivery_(delivery), messages_(messages) {}

void IqRouter::from_client(Session& session, const StanzaView& view, const Jid* to) {
  const bool request = view.type == "get" || view.type == "set";
  const bool answer = view.type == "result" || view.type == "error";
  // RFC 6120 section 8.2.3: an id, one of four types, one child in a request.
  const bool one_child = view.child_count == 1 && !view.more_children;
  if (!view.has_id || (!request && !answer) || (request && !one_child)) {
    error(session, view, to, StanzaError::bad_request);
    return;
  }
  if (to != nullptr && !to->local.empty() && !to->resource.empty()) {
    route(session, view, *to);
    return;
  }
  if (answer) return;  // to a request that the server has not made
  if (answered_here(session, view, to)) return;
  ask_control_plane(session, view, to);
}

void IqRouter::route(Session& session, const StanzaView& view, const Jid& to) {
  const std::string from = full_address(session, context_.domain());
  if (session.user->blocked && MessageRouter::blocks(*session.user, to.full())) {
    std::string answer;
    if (write_stanza_error(answer, view, to.full(), from, StanzaError::not_acceptable, {},
                           "<blocked xmlns='urn:xmpp:blocking:errors'/>")) {
      delivery_.send(session, answer);
    }
    return;
  }
  stamped_.clear();
  append_stamped(stamped_, view, from);
  RoutedStanza routed;
  routed.kind = RoutedKind::iq;
  routed.type = iq_type(view.type);
  routed.from = from;
  routed.to_local = to.local;
  routed.to_resource = to.resource;
  routed.id = view.id;
  routed.xml = stamped_;
  const ShardId home = context_.home(to.local);
  if (home == context_.session.id) {
    to_user(routed);
    return;
  }
  record_.clear();
  routed.encode(record_);
  context_.links.request(home, record_);
}

void IqRouter::to_user(const RoutedStanza& routed) {
  User* user = context_.users.find(routed.to_local);
  Session* session = nullptr;
  if (user != nullptr && (routed.from_server || !MessageRouter::blocks(*user, routed.from))) {
    session = user->session_by_resource(routed.to_resource);
  }
  if (session == nullptr) {
    messages_.bounce(routed, StanzaError::service_unavailable);
    return;
  }
  delivery_.send(*session, routed.xml);
}

bool IqRouter::answered_here(Session& session, const StanzaView& view, const Jid* to) {
  const ChildView& child = view.children[0];
  const bool to_server = to == nullptr || to->local.empty();
  const bool to_self = to != nullptr && to->local == session.user->name;
  if (!to_server && !to_self) return false;
  if (child.xmlns == ping_ns && child.name == "ping" && view.type == "get") {
    result(session, view, to);
    return true;
  }
  if (child.xmlns == session_ns && view.type == "set") {
    result(session, view, to);
    return true;
  }
  if (child.xmlns == carbons_ns && view.type == "set") {
    if (child.name != "enable" && child.name != "disable") return false;
    session.carbons = child.name == "enable";
    result(session, view, to);
    return true;
  }
  if (child.xmlns == bind_ns) {
    error(session, view, to, StanzaError::not_allowed);
    return true;
  }
  return false;
}

/// While the ring is nearly full, no session may take more of it than a client that has just logged
/// in would.
bool IqRouter::asks_too_much(const Session& session, std::size_t bytes) {
  if (context_.session.now - asked_since_ > asking_period_us) {
    asked_.clear();
    asked_since_ = context_.session.now;
  }
  std::size_t& asked = asked_[session.handle.bits];
  asked += bytes;
  return asked > asking_bytes && context_.links.events_pressing();
}

void IqRouter::ask_control_plane(Session& session, const StanzaView& view, const Jid* to) {
  context_.count(Counter::iq_in);
  std::string id;
  if (!append_unescaped(id, view.id)) id.clear();
  record_.clear();
  boundary::IqRequest request;
  request.user = session.user->name;
  request.resource = session.resource;
  request.session = session.handle.bits;
  const std::string address = to == nullptr ? std::string() : to->full();
  request.to = address;
  request.id = id;
  request.stanza = view.text;
  request.encode(record_);
  if (!asks_too_much(session, record_.size()) && context_.links.offer_event(record_)) return;
  context_.count(Counter::iq_refused);
  error(session, view, to, StanzaError::resource_constraint);
}

void IqRouter::result(Session& session, const StanzaView& view, const Jid* to) {
  std::string answer;
  write_result_start(answer, view);
  if (to != nullptr) append_attribute(answer, "from", to->full());
  append_attribute(answer, "to", full_address(session, context_.domain()));
  answer += "/>";
  delivery_.send(session, answer);
}

void IqRouter::error(Session& session, const StanzaView& view, const Jid* to,
                     StanzaError condition) {
  std::string answer;
  if (write_stanza_error(answer, view, to == nullptr ? std::string() : to->full(),
                         full_address(session, context_.domain()), condition)) {
    delivery_.send(session, answer);
  }
}

}  // namespace rookery
