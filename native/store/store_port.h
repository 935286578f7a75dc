// What a shard asks of the disk. The store is an append-only log of records, committed in groups by
// a store thread (LMDB); the simulation has its own. A port is used by its shard's thread only.
//
// Life of a record: the shard submits it in a batch; the batch's completion tells the sequence of
// its first record (the others follow one by one); from then on it is safe. It lives until a
// settlement that names its sequence has been committed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace rookery {

/// A record's place: the store's number in the top 8 bits, its sequence there below. Zero: nowhere.
using LogSequence = std::uint64_t;

enum class RecordKind : std::uint8_t {
  message = 1,  ///< A message waiting in a user's mailbox. The payload is record.h's MessageRecord.
  session = 2,  ///< An XEP-0198 session that may be resumed, or was sent stored messages.
  settlement = 3,  ///< These sequences are no longer needed (acknowledged, expired, moved).
};

/// One record as the shard gives it. The views are copied by submit().
struct RecordInput {
  RecordKind kind = RecordKind::message;
  std::string_view
      user;  ///< Normalised localpart; decides the home shard at recovery. Empty for settlements.
  std::string_view
      payload;  ///< Opaque to the store, protected by its checksum. For a settlement:
                ///< the settled LogSequences of one store, 8 bytes each, little-endian.
};

enum class StoreStatus : std::uint8_t {
  ok,
  failed,   ///< The disk refused; nothing of the batch is stored. The shard may submit it again.
  missing,  ///< No such record (any more).
  corrupt,  ///< The record's checksum does not hold; it has been reported and skipped.
};

struct StoreEvent {
  enum class Kind : std::uint8_t { committed, record_read } kind = Kind::committed;
  StoreStatus status = StoreStatus::ok;
  std::uint64_t token = 0;   ///< What submit() or read() was given.
  LogSequence sequence = 0;  ///< committed: of the batch's first record; read: of the record.
  std::string payload;       ///< read: the record's payload.
};

class StorePort {
 public:
  virtual ~StorePort() = default;

  /// Hands a batch over for the next group commit. All records of a batch go to one store (this
  /// shard's own), except settlements, which go to the store that holds the settled records; a
  /// batch is either all settlements of one store or has none for a foreign store. False when the
  /// queue is full: keep the batch, submit it again after a completion.
  virtual bool submit(std::uint64_t token, std::span<const RecordInput> records) = 0;

  /// Asks for the payload of one record; the answer is an event. False when the queue is full.
  virtual bool read(std::uint64_t token, LogSequence sequence) = 0;

  /// Takes the next completion; false when there is none.
  virtual bool poll(StoreEvent& out) = 0;

  /// The number of the store that this shard's own records go to.
  [[nodiscard]] virtual std::uint8_t own_store() const = 0;
};

/// A record that recovery found alive, in ascending order of sequence within a store. The payload
/// is borrowed for the call.
struct RecoveredRecord {
  RecordKind kind = RecordKind::message;
  LogSequence sequence = 0;
  std::string_view user;
  std::string_view payload;
};

}  // namespace rookery
