// What the parts of a shard's router work with, beside the session layer's context.
#pragma once

#include "router/links.h"
#include "router/user.h"
#include "session/connection_io.h"
#include "session/session_context.h"
#include "store/store_port.h"

namespace rookery {

struct RouterContext {
  SessionContext& session;
  ConnectionIo& io;
  StorePort* store;  ///< Given when recovery is over, before the first turn.
  Links& links;
  UserTable users;
  std::uint32_t started_s = 0;  ///< When this process started: sessions soon after may retransmit.
  std::uint32_t activity = 0;   ///< Counts stanzas from clients; orders sessions by recency.
  bool draining = false;

  [[nodiscard]] std::uint32_t now_s() const {
    return static_cast<std::uint32_t>(session.clock.wall_ms() / 1000);
  }
  [[nodiscard]] const std::string& domain() const { return session.config.domain; }
  [[nodiscard]] ShardId home(std::string_view user) const {
    return home_shard(user, session.shards());
  }
  void count(Counter counter, std::int64_t by = 1) { session.counters.add(counter, by); }
};

}  // namespace rookery
