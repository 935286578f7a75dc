// The pair of rings between one port and one store thread, and what travels on them. An item goes
// to the store with a batch or a read, comes back with the answer, and is used again by the port,
// so that nothing is allocated for a batch once things are running.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "stats/queue_stats.h"
#include "store/handoff_ring.h"
#include "store/store_port.h"

namespace rookery {

struct StoreItem {
  std::uint64_t token = 0;
  bool is_read = false;
  bool settlements_only = false;
  LogSequence sequence = 0;  ///< To read; or, in the answer, of the first record.
  std::uint32_t records = 0;
  std::string bytes;               ///< The records, encoded; in a read's answer the payload.
  std::uint64_t submitted_us = 0;  ///< By the steady clock.
  std::size_t charged = 0;         ///< Bytes counted against the queue's limit.
  StoreStatus status = StoreStatus::ok;
};

/// The steady clock, as the engine's own.
[[nodiscard]] std::uint64_t store_clock_us();

/// The records of an item, one behind the other: kind u8, user bytes u16, payload bytes u32, user,
/// payload. Within one process only; never on the disk.
void encode_records(std::span<const RecordInput> records, StoreItem& item);

struct ItemRecord {
  std::uint8_t kind = 0;
  std::string_view user;
  std::string_view payload;
};
/// Takes the record at `at` and moves on; false at the end.
bool next_record(const StoreItem& item, std::size_t& at, ItemRecord& out);

struct StoreChannel {
  StoreChannel(std::string name, std::size_t capacity, std::function<void()> wake_port)
      : to_store(capacity), to_port(capacity), wake(std::move(wake_port)) {
    stats.name = std::move(name);
    stats.capacity = capacity;
    stats.unit = "batches";
  }

  // At most `capacity` items are under way, in either ring, so the way back is never full.
  HandoffRing<StoreItem> to_store;
  HandoffRing<StoreItem> to_port;
  QueueStats stats;  ///< pushed: by the port; popped: when the store has answered.
  std::function<void()> wake;
  bool answered = false;  ///< Store thread: the port is to be woken after this group.
};

}  // namespace rookery
