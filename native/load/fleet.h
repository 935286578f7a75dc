// Many clients that log in together: names, order, parallelism, deadlines, and who was lost on the
// way. Every load tool derives from it.
#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "load/accounts.h"
#include "load/args.h"
#include "load/client.h"
#include "load/latency.h"

namespace rookery::load {

struct FleetPlan {
  std::uint32_t count = 0;
  std::uint32_t first = 0;       ///< Index of the first client: its account and source address.
  std::uint32_t resources = 1;   ///< Connections per account.
  std::uint32_t parallel = 100;  ///< Logins under way at once.
  Accounts accounts;
  /// Whoever was refused or cut off tries again after about that long; 0: never.
  std::uint32_t retry_ms = 0;
};

class Fleet : public ClientOwner {
 public:
  Fleet(Loop& loop, const ClientSettings& settings, const FleetPlan& plan);

  /// Logs everyone in; false when not all were ready at the deadline (problems are printed).
  bool login_all(double timeout_seconds);
  /// The same in steps: begins, and goes on whenever it is called; returns when all are ready.
  void begin_logins();
  bool continue_logins();
  /// Closes everyone.
  void close_all(bool abruptly = false);
  /// Turns the loop for that long.
  void run_for(double seconds);

  /// From now on: how many log in at once, and when who was refused tries again (0: never).
  void set_pace(std::uint32_t parallel, std::uint32_t retry_ms) {
    plan_.parallel = parallel;
    plan_.retry_ms = retry_ms;
  }

  [[nodiscard]] std::size_t size() const { return clients_.size(); }
  [[nodiscard]] Client& at(std::size_t index) { return *clients_[index]; }
  [[nodiscard]] std::uint32_t ready_count() const { return ready_count_; }
  /// Connections that ended although nobody closed them.
  [[nodiscard]] std::uint32_t lost_count() const { return lost_count_; }
  /// Logins that had to be tried once more.
  [[nodiscard]] std::uint32_t retries() const { return retries_; }
  /// From the first attempt to the session, of all logins since it was cleared.
  [[nodiscard]] Latency& login_latency() { return login_latency_; }
  /// Position in this fleet.
  [[nodiscard]] std::size_t position(const Client& client) const {
    return client.index() - plan_.first;
  }

  void on_ready(Client& client) override;
  void on_stanza(Client&, std::string_view) override {}
  void on_closed(Client& client) override;

 protected:
  Loop& loop_;
  ClientSettings settings_;

 private:
  struct Retry {
    std::uint64_t due_ns;
    std::uint32_t position;
    bool operator<(const Retry& other) const { return due_ns > other.due_ns; }
  };
  void start_more();

  FleetPlan plan_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::uint64_t> began_ns_;  ///< Of the login under way; 0: there is none.
  std::priority_queue<Retry> waiting_;   ///< To try again, the next one on top.
  std::uint32_t started_ = 0;
  std::uint32_t under_way_ = 0;
  std::uint32_t ready_count_ = 0;
  std::uint32_t lost_count_ = 0;
  std::uint32_t retries_ = 0;
  Latency login_latency_;
};

/// The settings that every tool takes: --server, --domain, --password, --security, --mechanism,
/// --acks, --presence, --per-source, --source-base, --protocol xmpp|websocket|compact,
/// --server-key.
ClientSettings read_settings(Args& args);

}  // namespace rookery::load
