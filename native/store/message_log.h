// One LMDB environment holding one store's log: records keyed by their ascending sequence. The only
// code that includes lmdb.h. Used by one thread at a time (the store's), without LMDB's own locks:
// the folder is locked as a whole, and reads happen between write transactions.
//
// LMDB trusts its file, so the file must have been verified (page_walker.h) before it is opened.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "store/record_frame.h"
#include "store/store_port.h"

namespace rookery {

class MessageLog {
 public:
  struct Options {
    std::string path;  ///< The data file.
    std::uint64_t salt = 0;
    std::uint64_t max_bytes = 0;  ///< The file's limit.
  };
  enum class Result : std::uint8_t {
    ok,
    full,    ///< The file's limit is reached.
    failed,  ///< The disk refused, or the body did.
  };

  /// What a write transaction's body may do. Valid during the call only.
  class Writer {
   public:
    virtual ~Writer() = default;
    /// Appends behind everything else. False: the transaction is lost, return false.
    virtual bool append(const FrameView& frame) = 0;
    /// Deletes a record; `found` tells whether it was there. False: as above.
    virtual bool erase(LogSequence sequence, bool& found) = 0;
    /// The first record at or after `from`: its key and raw frame, valid until the next change.
    /// False when there is none.
    virtual bool find(LogSequence from, LogSequence& found, std::string_view& raw) = 0;
  };
  using Body = std::function<bool(Writer&)>;

  /// Opens or makes the file. Null with a sentence in `error`.
  static std::unique_ptr<MessageLog> open(const Options& options, std::string& error);
  ~MessageLog();
  MessageLog(const MessageLog&) = delete;
  MessageLog& operator=(const MessageLog&) = delete;

  /// Runs `body` in one transaction and makes it durable. The body may be run again from the start
  /// when the map had to grow. With `use_reserve` it may also use the last part of the file's
  /// limit, which is kept for settlements and deletions: a full store must be able to empty itself.
  Result write(const Body& body, bool use_reserve, std::string& error);

  /// Reads one record's payload.
  StoreStatus read(LogSequence sequence, std::string& payload);

  /// How long the last write() spent in writing pages and fsync.
  [[nodiscard]] std::uint64_t last_sync_us() const;
  [[nodiscard]] std::uint64_t file_bytes() const;
  [[nodiscard]] std::uint64_t map_bytes() const;

 private:
  struct Impl;
  explicit MessageLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rookery
