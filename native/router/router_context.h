// What the parts of a shard's router work with, beside the session layer's context.
#pragma once

#include "router/links.h"
#include "router/message_journal.h"
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
  MessageJournal journal;
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
  /// Notes a step in the life of a message.
  void note(boundary::MessageStepKind kind, const User& user, std::uint64_t sequence,
            const Session* by = nullptr) {
    MessageStep step{.kind = kind, .at = session.now, .user = &user, .sequence = sequence};
    if (by != nullptr) {
      step.who = by->resource;
      if (by->connection != nullptr) step.way = way_of(*by->connection);
    }
    journal.add(step);
  }
  /// Reports a stanza of a traced user, unless the control plane is busy: then the count says that
  /// some are missing.
  void trace(const Session& of, bool outgoing, std::string_view stanza) {
    if (of.user->traced) [[unlikely]]
      report_traced(of, outgoing, stanza);
  }
  void report_traced(const Session& of, bool outgoing, std::string_view stanza);
  void count(Counter counter, std::int64_t by = 1) { session.counters.add(counter, by); }
};

}  // namespace rookery
