// One shard's listening sockets: open, paused while the accept rate says so, dropped while the
// descriptor table is full, and closed.
#pragma once

#include <string>
#include <vector>

#include "session/connection_io.h"
#include "session/session_context.h"

namespace rookery {

class Listeners {
 public:
  struct Open {
    std::string kind;     ///< "xmpp", "xmpps", "ws" or "wss".
    std::string address;  ///< Without its port.
    std::uint16_t port = 0;
  };

  Listeners(SessionContext& context, ConnectionIo& io);

  /// Opens every configured listener; those that fail are named in `problems`.
  std::vector<Open> open(std::vector<std::string>& problems);
  void close();
  /// The token of a listener is a small number, which no connection's handle is.
  [[nodiscard]] static bool is_listener(std::uint64_t token) { return token < (1u << 16); }
  /// Takes in what is in the backlog, as far as the limits let it.
  void readable(std::uint64_t token);
  /// The time to try again has come.
  void timer_fired();

 private:
  struct Listener {
    std::string address;
    ListenerKind kind;
    int descriptor;  ///< -1: dropped.
    bool watched;
  };
  void pause(MonoUs until);
  void shed(Listener& listener);
  [[nodiscard]] ShardId roomiest() const;
  void reopen(std::size_t token);
  void schedule(MonoUs when);

  SessionContext& context_;
  ConnectionIo& io_;
  RateLimit accept_rate_;
  std::vector<Listener> listeners_;
  TimerId timer_ = 0;
  bool opened_ = false;
};

}  // namespace rookery
