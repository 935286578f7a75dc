// Which records of one store are in the file, and which of these are dead. In memory only; recovery
// rebuilds it from the records and the settlements. Owned by the store's thread.
//
// The log is divided into segments of kSegmentRecords sequences. The cleaner works segment by
// segment; this class tells it where work is worth its writes.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "store/segment_set.h"
#include "store/store_port.h"

namespace rookery {

class Liveness {
 public:
  /// A record is in the file now.
  void add(LogSequence sequence);
  /// A settlement record is in the file now, naming `subjects` sequences.
  void add_settlement(LogSequence sequence, std::uint64_t subjects);
  /// The record is no longer needed. False when it is not in the file or was dead before.
  bool mark_dead(LogSequence sequence);
  /// The record has been deleted from the file.
  void remove(LogSequence sequence);
  /// The same for a settlement that named `subjects` sequences.
  void remove_settlement(LogSequence sequence, std::uint64_t subjects);

  /// The segment has no settlements after all.
  void forget_settlements(std::uint64_t segment);

  [[nodiscard]] bool present(LogSequence sequence) const;
  [[nodiscard]] bool dead(LogSequence sequence) const;
  [[nodiscard]] std::uint64_t present_count() const { return present_; }
  [[nodiscard]] std::uint64_t dead_count() const { return dead_; }
  /// Sequences named by the settlements that are in the file.
  [[nodiscard]] std::uint64_t subject_count() const { return subjects_; }

  /// A segment whose deletion is worth while: half of its records are dead (an eighth when
  /// `thorough`), and it is not the one that is being written.
  [[nodiscard]] std::optional<std::uint64_t> dead_segment(bool thorough);
  /// The oldest segment with settlements, when most of what they name has gone already.
  [[nodiscard]] std::optional<std::uint64_t> settlement_segment() const;

  /// The first dead record at or after `from` within from's segment; 0 when there is none.
  [[nodiscard]] LogSequence next_dead(LogSequence from) const;
  /// The first `limit` records in the file, ascending.
  [[nodiscard]] std::vector<LogSequence> oldest(std::size_t limit) const;
  /// The highest sequence that was ever added: the cleaner leaves it in place, so that the file
  /// always shows where the sequences stand.
  [[nodiscard]] LogSequence last() const { return last_; }

  [[nodiscard]] static std::uint64_t segment_of(LogSequence sequence) {
    return sequence / kSegmentRecords;
  }

 private:
  struct Segment {
    SegmentSet present;
    SegmentSet dead;
    std::uint32_t settlements = 0;
    bool queued = false;
  };
  void drop_if_empty(std::map<std::uint64_t, Segment>::iterator at);
  [[nodiscard]] static bool worth_cleaning(const Segment& segment, std::uint32_t share);

  std::map<std::uint64_t, Segment> segments_;
  std::set<std::uint64_t> with_settlements_;
  std::deque<std::uint64_t> queue_;  ///< Segments that have become half dead.
  std::uint64_t present_ = 0;
  std::uint64_t dead_ = 0;
  std::uint64_t subjects_ = 0;
  std::uint64_t sweep_from_ = 0;  ///< Where the thorough search goes on.
  LogSequence last_ = 0;
};

}  // namespace rookery
