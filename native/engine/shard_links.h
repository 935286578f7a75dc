// One shard's side of the mesh: sends records, keeps those that find a full ring, and wakes at the
// end of a turn whoever got something.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/mesh.h"
#include "router/links.h"
#include "stats/shard_stats.h"

namespace rookery {

class ShardLinks final : public Links {
 public:
  /// `wake_shard` and `wake_control` may be called from this shard's thread.
  ShardLinks(Mesh& mesh, ShardId id, ShardStats& stats, std::function<void(ShardId)> wake_shard,
             std::function<void()> wake_control);

  void request(ShardId to, std::string_view record) override;
  void reply(ShardId to, std::string_view record) override;
  [[nodiscard]] bool congested() const override { return requests_waiting_ > 0; }
  bool offer_event(std::string_view record) override;
  [[nodiscard]] bool events_pressing() const override;
  void event(std::string_view record) override;

  /// Takes replies, then requests (not while replies of ours wait for room), up to a bounded
  /// number. `now`: of this turn, and so of what it sends. Returns how many were taken.
  std::size_t drain(MonoUs now, const std::function<void(std::string_view)>& handle);
  /// Something to take is there.
  [[nodiscard]] bool anything_to_take() const;
  /// Tries again what found a full ring, and wakes those who got something.
  void publish();
  /// Nothing of ours waits for room.
  [[nodiscard]] bool idle() const;

 private:
  struct Way {
    std::deque<std::string> requests;
    std::deque<std::string> replies;
    bool touched = false;
  };
  static bool push(SpscByteRing& ring, std::string_view record);
  static void take(std::string_view record, const std::function<void(std::string_view)>& handle);
  void retry();

  Mesh& mesh_;
  ShardId id_;
  ShardCounters& counters_;
  MonoUs now_ = 0;  ///< Of the turn.
  bool following_ =
      false;  ///< What is sent in this turn may be followed, to know how long it waits.
  std::uint32_t turns_ = 0;
  std::function<void(ShardId)> wake_shard_;
  std::function<void()> wake_control_;
  std::vector<Way> ways_;
  std::deque<std::string> events_;
  std::size_t requests_waiting_ = 0;
  std::size_t replies_waiting_ = 0;
  bool control_touched_ = false;
};

}  // namespace rookery
