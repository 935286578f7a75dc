// Counting the living and the dead, segment by segment.
#include "store/liveness.h"

#include <algorithm>

namespace rookery {
namespace {

constexpr std::uint32_t kUsualShare = 2;       // Clean when one in two is dead,
constexpr std::uint32_t kThoroughShare = 8;    // or one in eight when there is nothing else to do.
constexpr std::uint32_t kSweepSegments = 256;  // Bounds one thorough search.
// Settlements are looked through when this many of the sequences they name are gone, and at least
// as many as are still there: so a look finds at least half of its work done.
constexpr std::uint64_t kGoneSubjects = 16384;

std::uint32_t position_of(LogSequence sequence) {
  return static_cast<std::uint32_t>(sequence % kSegmentRecords);
}

}  // namespace

void Liveness::add(LogSequence sequence) {
  const std::uint64_t number = segment_of(sequence);
  const auto at = segments_.try_emplace(segments_.end(), number);
  if (at->second.present.insert(position_of(sequence))) ++present_;
  last_ = std::max(last_, sequence);
}

void Liveness::add_settlement(LogSequence sequence, std::uint64_t subjects) {
  add(sequence);
  const std::uint64_t number = segment_of(sequence);
  ++segments_[number].settlements;
  with_settlements_.insert(number);
  subjects_ += subjects;
}

bool Liveness::mark_dead(LogSequence sequence) {
  const auto at = segments_.find(segment_of(sequence));
  if (at == segments_.end()) return false;
  Segment& segment = at->second;
  const std::uint32_t position = position_of(sequence);
  if (!segment.present.contains(position) || !segment.dead.insert(position)) return false;
  ++dead_;
  if (!segment.queued && worth_cleaning(segment, kUsualShare)) {
    segment.queued = true;
    queue_.push_back(at->first);
  }
  return true;
}

void Liveness::remove(LogSequence sequence) {
  const auto at = segments_.find(segment_of(sequence));
  if (at == segments_.end()) return;
  if (at->second.dead.erase(position_of(sequence))) --dead_;
  if (at->second.present.erase(position_of(sequence))) --present_;
  drop_if_empty(at);
}

void Liveness::remove_settlement(LogSequence sequence, std::uint64_t subjects) {
  const auto at = segments_.find(segment_of(sequence));
  if (at != segments_.end() && at->second.settlements > 0 && --at->second.settlements == 0) {
    with_settlements_.erase(at->first);
  }
  subjects_ -= std::min(subjects_, subjects);
  remove(sequence);
}

void Liveness::forget_settlements(std::uint64_t segment) {
  const auto at = segments_.find(segment);
  if (at != segments_.end()) at->second.settlements = 0;
  with_settlements_.erase(segment);
  if (with_settlements_.empty()) subjects_ = 0;
}

void Liveness::drop_if_empty(std::map<std::uint64_t, Segment>::iterator at) {
  if (at->second.present.size() == 0) segments_.erase(at);
}

bool Liveness::present(LogSequence sequence) const {
  const auto at = segments_.find(segment_of(sequence));
  return at != segments_.end() && at->second.present.contains(position_of(sequence));
}

bool Liveness::dead(LogSequence sequence) const {
  const auto at = segments_.find(segment_of(sequence));
  return at != segments_.end() && at->second.dead.contains(position_of(sequence));
}

bool Liveness::worth_cleaning(const Segment& segment, std::uint32_t share) {
  const std::uint32_t subjects = segment.present.size() - segment.settlements;
  return segment.dead.size() > 0 && segment.dead.size() * share >= subjects;
}

std::optional<std::uint64_t> Liveness::dead_segment(bool thorough) {
  const std::uint64_t writing = segment_of(last_);
  for (std::size_t left = queue_.size(); left > 0; --left) {
    const std::uint64_t number = queue_.front();
    const auto at = segments_.find(number);
    if (at == segments_.end() || !worth_cleaning(at->second, kUsualShare)) {
      if (at != segments_.end()) at->second.queued = false;
      queue_.pop_front();
      continue;
    }
    if (number != writing) return number;
    queue_.pop_front();
    queue_.push_back(number);
  }
  if (!thorough) return std::nullopt;
  auto at = segments_.lower_bound(sweep_from_);
  for (std::uint32_t step = 0; step < kSweepSegments && at != segments_.end(); ++step, ++at) {
    sweep_from_ = at->first;
    if (at->first != writing && worth_cleaning(at->second, kThoroughShare)) {
      return at->first;
    }
  }
  sweep_from_ = at == segments_.end() ? 0 : at->first;
  return std::nullopt;
}

std::optional<std::uint64_t> Liveness::settlement_segment() const {
  if (with_settlements_.empty() || subjects_ < dead_) return std::nullopt;
  const std::uint64_t gone = subjects_ - dead_;
  if (gone < kGoneSubjects || gone < subjects_ / 2) return std::nullopt;
  return *with_settlements_.begin();
}

LogSequence Liveness::next_dead(LogSequence from) const {
  const auto at = segments_.find(segment_of(from));
  if (at == segments_.end()) return 0;
  const std::uint32_t position = at->second.dead.next(position_of(from));
  return position == kSegmentRecords ? 0 : at->first * kSegmentRecords + position;
}

std::vector<LogSequence> Liveness::oldest(std::size_t limit) const {
  std::vector<LogSequence> found;
  for (const auto& [number, segment] : segments_) {
    for (std::uint32_t at = segment.present.next(0); at < kSegmentRecords;
         at = segment.present.next(at + 1)) {
      if (found.size() == limit) return found;
      found.push_back(number * kSegmentRecords + at);
    }
  }
  return found;
}

}  // namespace rookery
