// IQs: to another client they are routed here, to the server or to an account they cross to the
// control plane, and a few that cost nothing are answered on the spot (ping, session, carbons).
#pragma once

#include <string>

#include "codec/jid.h"
#include "codec/stanza_scan.h"
#include "router/delivery.h"
#include "router/message_router.h"
#include "router/router_context.h"
#include "router/shard_message.h"

namespace rookery {

class IqRouter {
 public:
  IqRouter(RouterContext& context, Delivery& delivery, MessageRouter& messages);

  /// A client's IQ. `to` is null for one without an address.
  void from_client(Session& session, const StanzaView& view, const Jid* to);
  /// An IQ for a resource of a user who lives here.
  void to_user(const RoutedStanza& routed);

 private:
  void route(Session& session, const StanzaView& view, const Jid& to);
  bool answered_here(Session& session, const StanzaView& view, const Jid* to);
  void ask_control_plane(Session& session, const StanzaView& view, const Jid* to);
  void result(Session& session, const StanzaView& view, const Jid* to);
  void error(Session& session, const StanzaView& view, const Jid* to, StanzaError condition);

  RouterContext& context_;
  Delivery& delivery_;
  MessageRouter& messages_;
  std::string stamped_;
  std::string record_;
};

}  // namespace rookery
