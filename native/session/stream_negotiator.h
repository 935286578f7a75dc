// A stream before it has a session: header, STARTTLS, SASL, and what may be asked for afterwards
// (bind, resume). A small state machine over Connection::state; what it cannot decide alone it asks
// of its LoginHost.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "session/connection_io.h"
#include "session/login_queue.h"
#include "session/session_context.h"
#include "session/stream_writer.h"

namespace rookery {

class LoginHost {
 public:
  virtual ~LoginHost() = default;
  /// Answers with StreamNegotiator::credentials(), at once or later.
  virtual void want_credentials(Connection& connection, std::string_view user) = 0;
  /// Answers with StreamNegotiator::password_checked().
  virtual void want_password_check(Connection& connection, std::string_view user,
                                   std::string_view password) = 0;
  /// Answers with StreamNegotiator::password_checked(), later; false when too many wait.
  virtual bool compare_password(Connection& connection, std::string_view user,
                                std::unique_ptr<PasswordCheck> check) = 0;
  virtual void registration_request(Connection& connection, const StanzaView& view) = 0;
  /// The user has proved who they are. The host moves the connection home, where welcome() goes on.
  virtual void logged_in(Connection& connection) = 0;
  virtual void bind(Connection& connection, const StanzaView& iq, std::string_view wish) = 0;
  virtual void resume(Connection& connection, std::string_view previous_id,
                      std::uint32_t handled) = 0;
  [[nodiscard]] virtual const Caps& caps() const = 0;
};

class StreamNegotiator {
 public:
  StreamNegotiator(SessionContext& context, ConnectionIo& io, LoginHost& host, LoginQueue& logins);

  void stream_opened(Connection& connection, const StreamHeaderView& header);
  /// An element of a stream that has no session yet.
  void element(Connection& connection, const StanzaView& view);

  /// The keys of the user whose login waits, or null when there is no such (enabled) user.
  void credentials(Connection& connection, const Credentials* keys, bool disabled);
  void password_checked(Connection& connection, bool accepted, std::string_view user);
  /// On the home shard: tells the client that it is in, and awaits its stream restart.
  void welcome(Connection& connection);

  /// Sends a stream error (with a header of our own when there was none) and ends the connection.
  void fail(Connection& connection, StreamError error, std::string_view text);

  /// Whether the connection waits for its turn of the login rate, and what to do when it has come.
  [[nodiscard]] static bool waits(const Connection& connection);
  void begin_waiting(Connection& connection);

 private:
  void open_failed(Connection& connection, StreamError error, std::string_view text);
  void send_header(Connection& connection);
  void send_features(Connection& connection);
  [[nodiscard]] FeatureSet features(const Connection& connection) const;
  void start_tls(Connection& connection);
  void auth(Connection& connection, const StanzaView& view);
  void begin_sasl(Connection& connection, const DelayedLogin& login);
  void response(Connection& connection, const StanzaView& view);
  void step(Connection& connection, SaslStep step);
  void compare_password(Connection& connection);
  void sasl_failed(Connection& connection, SaslFailure failure);
  void success(Connection& connection);
  void bind_stage(Connection& connection, const StanzaView& view);
  [[nodiscard]] ChannelBindings bindings(const Connection& connection) const;

  SessionContext& context_;
  ConnectionIo& io_;
  LoginHost& host_;
  LoginQueue& logins_;
};

}  // namespace rookery
