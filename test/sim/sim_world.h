// A whole simulated server with its users, run under one seed. Its shards advance phase by phase,
// in random order, as threads would; between any two phases the store makes a step (writes, syncs,
// tells), clients come, go and break, time passes, and the server crashes, now and then in the
// middle of a phase. Then the promises are checked: what was acknowledged arrives, once, in order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/mesh.h"
#include "engine/shard.h"
#include "sim/sim_client.h"
#include "sim/sim_surroundings.h"

namespace rookery::sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  std::uint32_t shards = 4;
  std::uint32_t users = 200;
  std::uint32_t steps = 260;
  /// In one world of so many the disk refuses often, and the server dies soon after.
  std::uint64_t worlds_per_bad_disk = 10;
  std::optional<std::uint32_t> shown_user;  ///< Whose bytes are printed.
};

struct WorldResult {
  std::vector<std::string> problems;
  std::uint64_t trace = 0;  ///< The same for the same seed.
  std::uint64_t acknowledged = 0;
  std::uint64_t received = 0;
  std::uint64_t crashes = 0;
  std::uint64_t crashed_inside = 0;    ///< Of those: in the middle of a phase.
  std::uint64_t crashed_unsynced = 0;  ///< A group was written and not synced.
  std::uint64_t crashed_untold = 0;    ///< A group was synced and its shard not told.
  std::uint64_t resumed = 0;
  std::uint64_t resume_failures = 0;     ///< After a crash, or when the time was over.
  std::uint64_t timed_out = 0;           ///< Sessions that waited too long to be resumed.
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
  /// Everybody gets about one turn.
  void round(bool quiet);
  /// The next part of a random shard's turn; the server dies in the middle of it, if it should.
  void advance_shard();
  void live(bool quiet, std::size_t first);
  void schedule_crash();
  void add_counters();
  void quiesce();
  void check();
  [[nodiscard]] bool unknown_when_sent_again(const SentLetter& sent, const Reception& first,
                                             const Reception& second) const;
  void check_copies(std::uint32_t recipient);
  void check_order(std::uint32_t recipient);

  enum class Death : std::uint8_t { none, between_phases, inside_phase };

  WorldOptions options_;
  WorldResult result_;
  SimClock clock_;
  Chance chance_;
  TransportScratch transport_;  ///< Of the devices.
  SimInternet internet_;
  SimDisk disk_;
  boundary::EngineConfig config_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<bool> unmanaged_;                     ///< Which clients began without XEP-0198.
  std::vector<std::set<Letter>> durable_at_crash_;  ///< By life of the server.
  std::uint32_t epoch_ = 0;                         ///< Crashes so far.
  bool time_leaps_ = false;                         ///< Sessions run out of their time to resume.
  std::uint64_t rounds_to_crash_ = 0;
  Death death_ = Death::none;  ///< How the server dies next.
};

}  // namespace rookery::sim
