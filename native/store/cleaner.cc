// The two kinds of cleaning, and the ledger.
#include "store/cleaner.h"

#include <algorithm>
#include <string>

#include "store/record_payloads.h"

namespace rookery {
namespace {

constexpr std::uint64_t kLedgerEvery = 4096;    // Deletions between ledgers.
constexpr std::size_t kLedgerExceptions = 480;  // A ledger then fits one overflow page.

}  // namespace

bool Cleaner::plan(Liveness& liveness, bool thorough) {
  if (const auto settled = liveness.settlement_segment()) {
    segment_ = *settled;
    settlements_ = true;
    return true;
  }
  const auto dead = liveness.dead_segment(thorough);
  if (!dead) return false;
  segment_ = *dead;
  settlements_ = false;
  return true;
}

bool Cleaner::run(MessageLog::Writer& writer, const Liveness& liveness, std::size_t budget,
                  LogSequence first_new, LogSequence ledger) {
  removed_.clear();
  removed_settlements_.clear();
  new_ledger_ = 0;
  const bool done = settlements_ ? clean_settlements(writer, liveness, budget)
                                 : clean_dead(writer, liveness, budget);
  if (!done) return false;
  if (since_ledger_ + removed_.size() < kLedgerEvery) return true;
  return write_ledger(writer, liveness, first_new, ledger);
}

bool Cleaner::erase(MessageLog::Writer& writer, LogSequence sequence) {
  bool found = false;
  if (!writer.erase(sequence, found)) return false;
  removed_.push_back(sequence);
  return true;
}

bool Cleaner::clean_dead(MessageLog::Writer& writer, const Liveness& liveness, std::size_t budget) {
  LogSequence at = liveness.next_dead(segment_ * kSegmentRecords);
  while (at != 0 && removed_.size() < budget) {
    if (!erase(writer, at)) return false;
    at = (at + 1) % kSegmentRecords == 0 ? 0 : liveness.next_dead(at + 1);
  }
  return true;
}

// Goes through the segment's settlements; what they name and is still there is deleted first.
bool Cleaner::clean_settlements(MessageLog::Writer& writer, const Liveness& liveness,
                                std::size_t budget) {
  const LogSequence end = (segment_ + 1) * kSegmentRecords;
  LogSequence from = segment_ * kSegmentRecords;
  LogSequence at = 0;
  std::string_view raw;
  while (removed_.size() + removed_settlements_.size() < budget && writer.find(from, at, raw) &&
         at < end && at < liveness.last()) {
    from = at + 1;
    FrameView frame;
    if (read_frame(raw.data(), raw.size(), salt_, frame) != FrameCheck::ok ||
        frame.kind != static_cast<std::uint8_t>(RecordKind::settlement)) {
      continue;
    }
    const std::string payload(frame.payload);  // Deleting moves what lies on the page.
    bool sound = true;
    std::uint64_t subjects = 0;
    for_each_subject(payload, store_, [&](LogSequence subject) {
      ++subjects;
      if (sound && liveness.dead(subject)) sound = erase(writer, subject);
    });
    bool found = false;
    if (!sound || !writer.erase(at, found)) return false;
    removed_settlements_.emplace_back(at, subjects);
  }
  return true;
}

bool Cleaner::write_ledger(MessageLog::Writer& writer, const Liveness& liveness,
                           LogSequence first_new, LogSequence sequence) {
  std::vector<LogSequence> gone = removed_;
  for (const auto& [settlement, subjects] : removed_settlements_) gone.push_back(settlement);
  std::sort(gone.begin(), gone.end());
  Ledger ledger;
  ledger.below = first_new;
  for (const LogSequence present : liveness.oldest(kLedgerExceptions + gone.size() + 1)) {
    if (std::binary_search(gone.begin(), gone.end(), present)) continue;
    if (ledger.except.size() == kLedgerExceptions) {
      ledger.below = present;
      break;
    }
    ledger.except.push_back(present);
  }
  const std::string payload = ledger.encode();
  new_ledger_ = sequence;
  return writer.append({sequence, kLedgerKind, {}, payload});
}

std::size_t Cleaner::apply(Liveness& liveness) {
  const std::size_t count = removed_.size() + removed_settlements_.size();
  for (const LogSequence sequence : removed_) liveness.remove(sequence);
  for (const auto& [sequence, subjects] : removed_settlements_) {
    liveness.remove_settlement(sequence, subjects);
  }
  // A plan that finds nothing must not be made again.
  if (settlements_ && removed_settlements_.empty() && removed_.empty()) {
    liveness.forget_settlements(segment_);
  }
  since_ledger_ += removed_.size();
  if (new_ledger_ != 0) {
    liveness.add(new_ledger_);
    if (ledger_ != 0) liveness.mark_dead(ledger_);
    ledger_ = new_ledger_;
    since_ledger_ = 0;
  }
  removed_.clear();
  removed_settlements_.clear();
  new_ledger_ = 0;
  return count;
}

}  // namespace rookery
