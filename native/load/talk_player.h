// One process's pairs in the scenarios in which people write to each other.
#pragma once

#include "load/conversations.h"
#include "load/crew.h"

namespace rookery::load {

class TalkPlayer : public Player {
 public:
  /// `finish_seconds`: how long it waits at the end for what is missing.
  TalkPlayer(Loop& loop, const ClientSettings& settings, const FleetPlan& plan,
             const TalkPlan& talk, double finish_seconds)
      : talk_(loop, settings, plan, talk), finish_seconds_(finish_seconds) {}

  void begin(Phase phase) override;
  bool finished() override;
  std::uint64_t tick(std::uint64_t now_ns) override;
  void publish(Slot& slot, bool complete) override;

 private:
  Conversations talk_;
  double finish_seconds_;
  Phase phase_ = Phase::none;
  std::uint64_t deadline_ns_ = 0;
  std::uint64_t arrived_ = 0;     // So many had arrived,
  std::uint64_t arrived_ns_ = 0;  // at this time.
};

/// What every fleet has to say about its connections.
void publish_connections(Fleet& fleet, Slot& slot, bool complete);

}  // namespace rookery::load
