// Messages as RFC 6121 section 8 routes them, in two halves: from the sender's session to the
// recipient's home shard, and there into the mailbox and to the recipient's sessions, with carbons.
#pragma once

#include <string>
#include <string_view>

#include "codec/jid.h"
#include "codec/stanza_scan.h"
#include "router/delivery.h"
#include "router/mailbox_keeper.h"
#include "router/router_context.h"
#include "router/shard_message.h"
#include "session/stream_writer.h"

namespace rookery {

class MessageRouter {
 public:
  MessageRouter(RouterContext& context, MailboxKeeper& keeper, Delivery& delivery);

  /// A client's message. `to` is its parsed address (the user's own bare address when it had none);
  /// `number` its count in the stream, when the sender is to be told of its safety.
  void from_client(Session& sender, const StanzaView& view, const Jid& to, std::uint32_t number);
  /// A message for a user who lives here.
  void to_user(const RoutedStanza& routed);

  /// Answers a stanza that came from elsewhere with an error, at its sender.
  void bounce(const RoutedStanza& routed, StanzaError error, std::string_view text = {});
  /// Hands a finished stanza to the sessions of an address, wherever they are.
  void deliver_to_address(std::string_view local, std::string_view resource, std::string_view xml);

  /// True when the user's block list names this sender (XEP-0191).
  [[nodiscard]] static bool blocks(const User& user, std::string_view address);

 private:
  void store_and_send(User& user, const RoutedStanza& routed);
  void send_unstored(User& user, const RoutedStanza& routed);
  void note_entry(boundary::MessageStepKind kind, const User& user, std::uint64_t sequence,
                  const RoutedStanza& routed);
  void dispatch(User& user, std::uint64_t sequence, const StanzaRef& stanza,
                const RoutedStanza& routed);
  void safe_now(const RoutedStanza& routed);
  void carbon(Session& session, std::string_view wrapper, std::string_view xml);
  void received_carbons(User& user, const Session* taker, const RoutedStanza& routed);
  void sent_carbons(Session& sender, std::string_view xml);

  RouterContext& context_;
  MailboxKeeper& keeper_;
  Delivery& delivery_;
  std::string stamped_;
  std::string record_;
};

/// What a message is for routing and storage.
struct MessageTraits {
  RoutedType type = RoutedType::normal;
  bool storable = false;  ///< XEP-0160, XEP-0334.
  bool copyable = false;  ///< XEP-0280.
};
MessageTraits message_traits(const StanzaView& view);

}  // namespace rookery
