// Orders, carried out by pairs.
#include "load/talk_player.h"

#include "load/process_stat.h"

namespace rookery::load {
namespace {

constexpr std::uint64_t login_look_ns = 5'000'000;
constexpr std::uint32_t retry_ms = 1000;
// What has not come after so long a silence does not come any more.
constexpr std::uint64_t quiet_ns = 4'000'000'000;

}  // namespace

void publish_connections(Fleet& fleet, Slot& slot, bool complete) {
  slot.progress.ready = fleet.ready_count();
  slot.progress.lost_connections = fleet.lost_count();
  slot.progress.retries = fleet.retries();
  if (complete) slot.logins = fleet.login_latency();
}

void TalkPlayer::begin(Phase phase) {
  phase_ = phase;
  switch (phase) {
    case Phase::log_in: talk_.begin_logins(); return;
    case Phase::again:  // After the server went away.
      talk_.forget();
      talk_.set_pace(static_cast<std::uint32_t>(talk_.size()), retry_ms);
      talk_.login_latency().clear();
      talk_.begin_logins();
      return;
    case Phase::warm: talk_.begin(); return;
    case Phase::measure:
      talk_.set_pace(static_cast<std::uint32_t>(talk_.size()), 0);
      talk_.latency().clear();
      talk_.lateness().clear();
      return;
    case Phase::finish:
      talk_.stop();
      arrived_ns_ = monotonic_ns();
      deadline_ns_ = arrived_ns_ + static_cast<std::uint64_t>(finish_seconds_ * 1e9);
      return;
    case Phase::log_out: talk_.close_all(); return;
    default: return;
  }
}

bool TalkPlayer::finished() {
  switch (phase_) {
    case Phase::log_in:
    case Phase::again: return talk_.continue_logins();
    case Phase::finish: {
      const std::uint64_t now = monotonic_ns();
      if (talk_.counts().arrived != arrived_) {
        arrived_ = talk_.counts().arrived;
        arrived_ns_ = now;
      }
      return (talk_.lost() == 0 && talk_.missing() == 0) || now > deadline_ns_ ||
             now - arrived_ns_ > quiet_ns;
    }
    default: return true;
  }
}

std::uint64_t TalkPlayer::tick(std::uint64_t now_ns) {
  if (phase_ != Phase::log_in && phase_ != Phase::again) return talk_.tick(now_ns);
  talk_.continue_logins();
  return login_look_ns;
}

void TalkPlayer::publish(Slot& slot, bool complete) {
  const TalkCounts& counts = talk_.counts();
  Progress& progress = slot.progress;
  progress.sent = counts.sent;
  progress.arrived = counts.arrived;
  progress.completed = counts.completed;
  progress.duplicates = counts.duplicates;
  progress.late = counts.late;
  progress.refused = counts.refused;
  progress.foreign = counts.foreign;
  progress.unsent = counts.unsent;
  publish_connections(talk_, slot, complete);
  if (!complete) return;
  progress.missing = talk_.missing();
  progress.lost = talk_.lost();
  slot.latency = talk_.latency();
  slot.lateness = talk_.lateness();
}

}  // namespace rookery::load
