// Many clients that log in together: names, order, parallelism, deadlines, and who was lost on the
// way. Every load tool derives from it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/common/args.h"
#include "bench/common/xmpp_client.h"

namespace rookery::bench {

struct FleetPlan {
  std::uint32_t count = 0;
  std::uint32_t first = 0;       ///< Index of the first client: its account and source address.
  std::uint32_t resources = 1;   ///< Connections per account.
  std::uint32_t parallel = 100;  ///< Logins under way at once.
  std::string prefix = "u";      ///< Accounts are prefix0, prefix1 …
};

class Fleet : public ClientOwner {
 public:
  Fleet(Loop& loop, const ClientSettings& settings, const FleetPlan& plan);

  /// Logs everyone in; false when not all were ready at the deadline (problems are printed).
  bool login_all(double timeout_seconds);
  /// Closes everyone.
  void close_all(bool abruptly = false);
  /// Turns the loop for that long.
  void run_for(double seconds);

  [[nodiscard]] std::size_t size() const { return clients_.size(); }
  [[nodiscard]] Client& at(std::size_t index) { return *clients_[index]; }
  [[nodiscard]] std::uint32_t ready_count() const { return ready_count_; }
  /// Connections that ended although nobody closed them.
  [[nodiscard]] std::uint32_t lost_count() const { return lost_count_; }
  /// Position in this fleet.
  [[nodiscard]] std::size_t position(const Client& client) const {
    return client.index() - plan_.first;
  }

  void on_ready(Client& client) override;
  void on_stanza(Client&, std::string_view) override {}
  void on_closed(Client& client) override;

 protected:
  Loop& loop_;

 private:
  void start_more();

  ClientSettings settings_;
  FleetPlan plan_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::uint32_t started_ = 0;
  std::uint32_t under_way_ = 0;
  std::uint32_t ready_count_ = 0;
  std::uint32_t lost_count_ = 0;
};

/// The settings that every tool takes: --server, --domain, --password, --security, --mechanism,
/// --acks, --presence, --per-source, --source-base, --protocol xmpp|websocket|compact,
/// --server-key.
ClientSettings read_settings(Args& args);

}  // namespace rookery::bench
