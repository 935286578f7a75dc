// Presence as RFC 6121 section 4 wants it: initial presence and its broadcast, probes and their
// answers, updates, the end, directed presence. Who may see whom are facts that the control plane
// has pushed; subscriptions themselves (section 3) are its business.
#pragma once

#include <string>
#include <string_view>

#include "codec/jid.h"
#include "codec/stanza_scan.h"
#include "router/delivery.h"
#include "router/message_router.h"
#include "router/router_context.h"
#include "router/shard_message.h"

namespace rookery {

class PresenceRouter {
 public:
  PresenceRouter(RouterContext& context, Delivery& delivery, MessageRouter& messages);

  /// A client's presence. `to` is null for presence without an address.
  void from_client(Session& session, const StanzaView& view, const Jid* to);
  /// Presence for a user who lives here.
  void to_user(const RoutedStanza& routed);
  /// The session ends: everyone who saw it is told. `status` is raw XML content or empty.
  void session_ended(Session& session);
  /// A contact's subscription changed while the user may be online: the contact is shown the user's
  /// presence, or its end.
  void subscription_changed(User& user, std::string_view contact_local, bool shown);
  /// The user's block list has changed: whoever is on it and was sent presence by address sees the
  /// user leave (XEP-0191 section 3.3), and hears of the user no more.
  void block_list_changed(User& user);

 private:
  void available(Session& session, const StanzaView& view);
  void unavailable(Session& session, const StanzaView& view);
  void directed(Session& session, const StanzaView& view, const Jid& to);
  void subscription(Session& session, const StanzaView& view, const Jid& to);
  void broadcast(Session& session, std::string_view xml, RoutedType type);
  void own_resources(Session& session, std::string_view xml);
  void probe_contacts(Session& session);
  void answer_probe(User& user, const RoutedStanza& routed);
  [[nodiscard]] std::string presence_of(const Session& session) const;
  void route(std::string_view to_local, std::string_view to_resource, std::string_view from,
             RoutedType type, std::string_view xml);

  RouterContext& context_;
  Delivery& delivery_;
  MessageRouter& messages_;
  std::string stamped_;
};

}  // namespace rookery
