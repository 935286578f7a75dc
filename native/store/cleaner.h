// Deletes dead records from a store's file, a bounded number in each transaction, so that the
// file's size follows what is alive. Owned by the store's thread.
//
// Dead records go segment by segment (liveness.h says which), so that deletions touch few pages. A
// settlement may only go after everything it names has gone, or the named would come back to life
// at the next recovery. Every few thousand deletions a ledger is written, which lets a salvage know
// the deleted when it meets their remains in free pages.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "store/liveness.h"
#include "store/message_log.h"

namespace rookery {

class Cleaner {
 public:
  Cleaner(std::uint8_t store, std::uint64_t salt, LogSequence ledger)
      : store_(store), salt_(salt), ledger_(ledger) {}

  /// Chooses what the next run() works on. False when nothing is worth it.
  bool plan(Liveness& liveness, bool thorough);

  /// Deletes up to `budget` records within a transaction and may append a ledger under `ledger`,
  /// a sequence that is above everything in the file; `first_new` is the first sequence of the
  /// transaction's own records. May be run again after a failed attempt. False: transaction lost.
  bool run(MessageLog::Writer& writer, const Liveness& liveness, std::size_t budget,
           LogSequence first_new, LogSequence ledger);

  /// After the commit: makes the deletions known. Returns their number.
  std::size_t apply(Liveness& liveness);

 private:
  bool clean_dead(MessageLog::Writer& writer, const Liveness& liveness, std::size_t budget);
  bool clean_settlements(MessageLog::Writer& writer, const Liveness& liveness, std::size_t budget);
  bool erase(MessageLog::Writer& writer, LogSequence sequence);
  bool write_ledger(MessageLog::Writer& writer, const Liveness& liveness, LogSequence first_new,
                    LogSequence sequence);

  std::uint8_t store_;
  std::uint64_t salt_;
  LogSequence ledger_;  ///< The newest ledger in the file; zero: none.
  std::uint64_t segment_ = 0;
  bool settlements_ = false;  ///< Whether the plan is for settlements.
  std::uint64_t since_ledger_ = 0;
  // What the transaction did, until apply().
  std::vector<LogSequence> removed_;
  std::vector<std::pair<LogSequence, std::uint64_t>> removed_settlements_;
  LogSequence new_ledger_ = 0;
};

}  // namespace rookery
