// A connection of the compact protocol before it has a session (docs/PROTOCOL.md sections 2.3 and
// 4): the login that came with the Noise handshake is read, its device looked up and its key
// compared. What comes after is the home shard's (router/device_sessions.h).
#pragma once

#include <cstdint>
#include <string_view>

#include "session/connection_io.h"
#include "session/login_queue.h"
#include "session/session_context.h"

namespace rookery {

class DeviceHost {
 public:
  virtual ~DeviceHost() = default;
  /// Answers with CompactNegotiator::device_found(), at once or later.
  virtual void want_device(Connection& connection, std::string_view user, std::uint8_t device) = 0;
  /// The device has proved who it is, as far as the handshake goes. The host moves the connection
  /// home.
  virtual void logged_in(Connection& connection) = 0;
};

class CompactNegotiator {
 public:
  /// `logins` is shared with the logins of XMPP clients.
  CompactNegotiator(SessionContext& context, ConnectionIo& io, DeviceHost& host,
                    LoginQueue& logins);

  /// The handshake has brought a login.
  void login_requested(Connection& connection);
  /// The key of the device that wants to log in, or null when there is no such device.
  void device_found(Connection& connection, const DeviceKey* key, bool disabled);
  /// Answers a login with `<failure/>` and ends the connection. `condition`: its name.
  void refuse(Connection& connection, std::string_view condition);

  /// Whether the connection waits for its turn of the login rate, and what to do when it has come.
  [[nodiscard]] static bool waits(const Connection& connection);
  void begin_waiting(Connection& connection);

 private:
  bool read_login(Connection& connection, std::string& user);
  void begin(Connection& connection);

  SessionContext& context_;
  ConnectionIo& io_;
  DeviceHost& host_;
  LoginQueue& logins_;
};

/// `<success/>` or what else answers a login, in the protocol's namespace.
inline constexpr std::string_view compact_namespace = "urn:rookery:compact:1";

}  // namespace rookery
