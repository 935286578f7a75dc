// Which messages wait for an offline user, and which are copied to other devices.
#include "router/message_router.h"

namespace rookery {
namespace {

constexpr std::string_view chat_states_ns = "http://jabber.org/protocol/chatstates";
constexpr std::string_view hints_ns = "urn:xmpp:hints";
constexpr std::string_view carbons_ns = "urn:xmpp:carbons:2";

RoutedType message_type(std::string_view type) {
  if (type == "chat") return RoutedType::chat;
  if (type == "groupchat") return RoutedType::groupchat;
  if (type == "headline") return RoutedType::headline;
  if (type == "error") return RoutedType::error;
  return RoutedType::normal;  // RFC 6121 section 5.2.2: unknown types are normal
}

}  // namespace

MessageTraits message_traits(const StanzaView& view) {
  MessageTraits traits;
  traits.type = message_type(view.type);
  bool content = view.more_children;
  bool body = false;
  bool forced = false;
  bool refused = false;
  bool no_copy = false;
  for (std::size_t index = 0; index < view.child_count; ++index) {
    const ChildView& child = view.children[index];
    if (child.xmlns == chat_states_ns || child.name == "thread") continue;
    if (child.xmlns == hints_ns) {
      refused = refused || child.name == "no-store" || child.name == "no-permanent-store";
      forced = forced || child.name == "store";
      no_copy = no_copy || child.name == "no-copy";
      continue;
    }
    if (child.xmlns == carbons_ns && child.name == "private") {
      no_copy = true;
      continue;
    }
    content = true;
    body = body || child.name == "body";
  }
  const bool conversation = traits.type == RoutedType::chat || traits.type == RoutedType::normal;
  traits.storable = conversation && (forced || (content && !refused));
  traits.copyable =
      !no_copy && (traits.type == RoutedType::chat || (traits.type == RoutedType::normal && body));
  return traits;
}

}  // namespace rookery
