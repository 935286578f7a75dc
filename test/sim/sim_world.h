// A whole simulated server with its users, run under one seed: shards are turned in random order,
// clients come, go and break, the server crashes between any two steps. Then the promises are
// checked: what was acknowledged arrives, once, in order.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/mesh.h"
#include "engine/shard.h"
#include "sim/sim_client.h"
#include "sim/sim_surroundings.h"

namespace rookery::sim {

/// Ways to break the server on purpose, to see that the checks find it.
enum class Breakage { none, acknowledge_before_commit, no_duplicate_check };

struct WorldOptions {
  std::uint64_t seed = 1;
  std::uint32_t shards = 4;
  std::uint32_t users = 200;
  std::uint32_t steps = 260;
  Breakage breakage = Breakage::none;
};

struct WorldResult {
  std::vector<std::string> problems;
  std::uint64_t trace = 0;  ///< The same for the same seed.
  std::uint64_t acknowledged = 0;
  std::uint64_t received = 0;
  std::uint64_t crashes = 0;
  std::uint64_t resent_after_crash = 0;  ///< Duplicates that nobody can avoid; see check_copies().
};

class World {
 public:
  explicit World(const WorldOptions& options);
  ~World();
  WorldResult run();

 private:
  struct Server;
  void boot();
  void crash();
  void turn_everything();
  void live(bool quiet);
  void quiesce();
  void check(WorldResult& result) const;
  [[nodiscard]] bool unknown_when_sent_again(const SentLetter& sent, const Reception& first,
                                             const Reception& second) const;
  void check_copies(std::uint32_t recipient, WorldResult& result) const;
  void check_order(std::uint32_t recipient, WorldResult& result) const;

  WorldOptions options_;
  SimClock clock_;
  Chance chance_;
  SimInternet internet_;
  SimDisk disk_;
  boundary::EngineConfig config_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<bool> unmanaged_;                     ///< Which clients began without XEP-0198.
  std::vector<std::set<Letter>> durable_at_crash_;  ///< By life of the server.
  std::uint32_t epoch_ = 0;                         ///< Crashes so far.
};

}  // namespace rookery::sim
