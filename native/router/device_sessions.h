// Sessions of the compact protocol (docs/PROTOCOL.md sections 4 and 6) on their home shard: the
// answer to a device's login, and the beginning of its session once the device has proved its key.
#pragma once

#include "router/delivery.h"
#include "router/mailbox_keeper.h"
#include "router/router_context.h"
#include "router/session_manager.h"

namespace rookery {

class DeviceSessions {
 public:
  DeviceSessions(RouterContext& context, MailboxKeeper& keeper, Delivery& delivery,
                 SessionManager& sessions);

  /// The device is known and the connection at home. Answers its login, at once or when the disk
  /// knows what the device has received. Nothing that a recorded login could do harm with happens
  /// before begin().
  void welcome(Connection& connection);
  /// The device has sent something under the keys of the handshake: its session begins.
  void begin(Connection& connection);

 private:
  void promise_resumption(Connection& connection, Session& session);
  void promise_new(Connection& connection);
  void answer(Connection& connection);

  RouterContext& context_;
  MailboxKeeper& keeper_;
  Delivery& delivery_;
  SessionManager& sessions_;
};

}  // namespace rookery
