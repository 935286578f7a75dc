// The fork in the road for what a client with a session sends: message, presence, IQ, or an element
// of the stream itself (XEP-0198, XEP-0352).
#pragma once

#include <string>

#include "router/delivery.h"
#include "router/iq_router.h"
#include "router/message_router.h"
#include "router/presence_router.h"
#include "router/router_context.h"
#include "router/session_manager.h"
#include "session/stream_negotiator.h"

namespace rookery {

class StanzaRouter {
 public:
  StanzaRouter(RouterContext& context, Delivery& delivery, MessageRouter& messages,
               PresenceRouter& presence, IqRouter& iqs, SessionManager& sessions,
               StreamNegotiator& negotiator);

  /// An element that a client with a session sent.
  void from_client(Connection& connection, const StanzaView& view);
  /// A stanza from another shard, or from the control plane, for a user who lives here.
  void to_user(const RoutedStanza& routed);
  /// A stanza of the control plane, to wherever it is addressed.
  void from_server(std::string_view to, std::string_view from, std::string_view xml);

 private:
  void stream_element(Connection& connection, const StanzaView& view);
  void acknowledgement(Connection& connection, const StanzaView& view);
  void stanza(Connection& connection, Session& session, const StanzaView& view);
  [[nodiscard]] bool from_is_own(const Session& session, const StanzaView& view) const;
  void bad_address(Session& session, const StanzaView& view, StanzaError error);

  RouterContext& context_;
  Delivery& delivery_;
  MessageRouter& messages_;
  PresenceRouter& presence_;
  IqRouter& iqs_;
  SessionManager& sessions_;
  StreamNegotiator& negotiator_;
  Jid to_;
  std::string plain_;
};

}  // namespace rookery
