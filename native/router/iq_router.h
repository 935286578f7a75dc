// IQs: to another client they are routed here, to the server or to an account they cross to the
// control plane, and a few that cost nothing are answered on the spot (ping, session, carbons).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

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
  [[nodiscard]] bool asks_too_much(const Session& session, std::size_t bytes);
  void ask_control_plane(Session& session, const StanzaView& view, const Jid* to);
  void result(Session& session, const StanzaView& view, const Jid* to);
  void error(Session& session, const StanzaView& view, const Jid* to, StanzaError condition);

  RouterContext& context_;
  Delivery& delivery_;
  MessageRouter& messages_;
  std::string stamped_;
  std::string record_;
  /// Bytes that each session has asked the control plane with since `asked_since_`.
  std::unordered_map<std::uint64_t, std::size_t> asked_;
  MonoUs asked_since_ = 0;
};

}  // namespace rookery
