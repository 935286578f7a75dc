// Saving what can be saved from a damaged log file: every page is searched for records that prove
// themselves, and a fresh file is written from those that are alive. The damaged file is kept
// aside.
//
// Who is alive, from the strongest evidence that is left:
//   1. The record tree of one of the two snapshots is sound: its records, and everything later.
//   2. The list of free pages is sound: the records on pages that are not free, without what is
//   left
//      between the nodes of a sound page.
//   3. Otherwise every record found anywhere; records that had been deleted may still lie in free
//      pages, so these are dropped when a settlement or a ledger, found anywhere, names them.
// Settlements and ledgers are true for ever once written, so old copies of them count as well.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "store/page_walker.h"
#include "store/record_frame.h"
#include "store/record_payloads.h"
#include "store/store_set.h"

namespace rookery {

class MessageLog;
class ReadFile;

class Salvage {
 public:
  Salvage(const StoreOptions& options, std::uint8_t store, std::uint64_t salt,
          RecoveryReport& report);

  /// Replaces the store's file by a rebuilt one. False with `error` when the disk refuses.
  bool run(std::string& error);

  /// The salt that most intact records of a file carry; 0 when there are none.
  static std::uint64_t vote_salt(int fd, std::uint64_t file_bytes);

 private:
  struct Found {
    LogSequence sequence = 0;
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;
    std::uint8_t kind = 0;
  };
  void learn_evidence(const ReadFile& file);
  bool try_snapshot(const ReadFile& file, int index);
  void scan(const ReadFile& file);
  std::size_t take_frame(const ReadFile& file, std::uint64_t offset, const char* at,
                         std::size_t available);
  bool is_remnant(const ReadFile& file, std::uint64_t offset);
  void take_proof(const FrameView& frame);
  [[nodiscard]] bool on_free_page(std::uint64_t offset) const;
  [[nodiscard]] bool acceptable(const Found& found) const;
  std::vector<Found> choose();
  bool write_file(const ReadFile& file, const std::vector<Found>& chosen, const std::string& path,
                  std::string& error);
  bool replace(const std::string& path, const std::string& fresh, std::string& error);
  void note(const std::string& line);

  const StoreOptions& options_;
  std::uint8_t store_;
  std::uint64_t salt_;
  RecoveryReport& report_;

  std::uint32_t page_bytes_ = 4096;
  bool base_known_ = false;
  std::unordered_set<LogSequence> base_;  ///< Records of a sound snapshot.
  LogSequence base_last_ = 0;
  bool free_known_ = false;
  std::vector<bool> free_;
  std::uint64_t expected_ = 0;  ///< Records that the newest meta page claims.
  std::vector<Found> found_;
  std::unordered_set<LogSequence> settled_;
  Ledger ledger_;
  LogSequence ledger_sequence_ = 0;
  std::unordered_set<LogSequence> damaged_;  ///< Named by headers whose checksum does not hold.
  std::string scratch_;
  std::uint64_t remnant_page_ = ~std::uint64_t{0};  ///< The page that is_remnant() looked at last,
  std::uint32_t remnant_end_ = 0;                   ///< and where its nodes begin.
};

}  // namespace rookery
