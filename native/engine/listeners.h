// One shard's listening sockets: open, dropped while the descriptor table is full, and closed. What
// they bring is taken from the kernel at once and waits here, fair to addresses, for the accept
// rate and for a shard that has time: nothing but the descriptor is kept of it until then.
#pragma once

#include <string>
#include <vector>

#include "session/connection_io.h"
#include "session/fair_queue.h"
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
  /// Takes what is in the kernel's backlog; admit() lets it in.
  void readable(std::uint64_t token);
  /// Takes in whose turn it is, until `until` has passed; true when it ended because of that.
  bool admit(MonoUs until);
  /// The time to try again has come.
  void timer_fired();
  [[nodiscard]] std::size_t held() const { return held_.size(); }

 private:
  struct Listener {
    std::string address;
    ListenerKind kind;
    int descriptor;  ///< -1: dropped.
  };
  struct Held {
    Accepted accepted;
    ListenerKind kind;
  };
  void set_full(bool full);
  void shed(Listener& listener);
  [[nodiscard]] ShardId roomiest() const;
  void reopen(std::size_t token);
  void schedule(MonoUs when);

  SessionContext& context_;
  ConnectionIo& io_;
  RateLimit accept_rate_;
  FairQueue<Held> held_;
  std::vector<Listener> listeners_;
  TimerId timer_ = 0;
  MonoUs timer_due_ = 0;
  bool full_ = false;  ///< As many wait as may: nothing is taken from the kernel.
  bool opened_ = false;
};

}  // namespace rookery
