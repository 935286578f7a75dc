// A user's mailbox in memory: every message that has not been acknowledged by the user's device, in
// the order in which it was accepted. A message on disk costs an entry of 32 bytes here and no more
// until it is to be sent.
#pragma once

#include <cstdint>

#include "base/types.h"
#include "memory/ring_buffer.h"
#include "memory/stanza.h"
#include "store/store_port.h"

namespace rookery {

struct MailboxEntry {
  StanzaRef stanza;              ///< Null while the message is only on disk.
  LogSequence log = 0;           ///< Where it is on disk; 0: not (yet).
  std::uint32_t bytes = 0;       ///< Of the stanza.
  std::uint32_t accepted_s = 0;  ///< Seconds since 1970, for expiry.
  bool gone = false;             ///< Acknowledged; the place is kept until those before it go.
  bool submitted = false;        ///< In a batch that the store is committing.
  bool reading = false;          ///< Being read from disk.

  /// Waits to be sent to somebody.
  [[nodiscard]] bool queued() const { return !gone && (!stanza || !stanza->owner.valid()); }
};

class Mailbox {
 public:
  /// Adds a message at the end and returns its sequence in this mailbox (from 1 on, in memory
  /// only).
  std::uint64_t append(MailboxEntry entry) {
    ++live_;
    bytes_ += entry.bytes;
    entries_.push_back(std::move(entry));
    return first_ + entries_.size() - 1;
  }

  /// The entry with that sequence; null when it has been settled.
  [[nodiscard]] MailboxEntry* find(std::uint64_t sequence) {
    if (sequence < first_ || sequence >= end()) return nullptr;
    MailboxEntry& entry = entries_[sequence - first_];
    return entry.gone ? nullptr : &entry;
  }

  /// The entry with that sequence even when it is settled, as long as its place exists.
  [[nodiscard]] MailboxEntry* place(std::uint64_t sequence) {
    if (sequence < first_ || sequence >= end()) return nullptr;
    return &entries_[sequence - first_];
  }

  /// Takes a message out. Its place stays while the store commits it, and while earlier ones wait.
  void settle(std::uint64_t sequence) {
    MailboxEntry* entry = find(sequence);
    if (entry == nullptr) return;
    --live_;
    bytes_ -= entry->bytes;
    entry->gone = true;
    entry->stanza.reset();
    drop_front();
  }

  /// Removes settled places at the front; to be called when a submitted one has come back.
  void drop_front() {
    while (!entries_.empty() && entries_.front().gone && !entries_.front().submitted) {
      entries_.pop_front();
      ++first_;
    }
    if (cursor_ < first_) cursor_ = first_;
  }

  [[nodiscard]] std::uint64_t begin() const { return first_; }
  [[nodiscard]] std::uint64_t end() const { return first_ + entries_.size(); }
  /// No queued message stands before this sequence.
  [[nodiscard]] std::uint64_t cursor() const { return cursor_; }
  void set_cursor(std::uint64_t sequence) { cursor_ = sequence < first_ ? first_ : sequence; }
  [[nodiscard]] bool anything_queued() const { return cursor_ < end(); }

  [[nodiscard]] std::uint32_t live() const { return live_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  RingBuffer<MailboxEntry> entries_;
  std::uint64_t first_ = 1;
  std::uint64_t cursor_ = 1;
  std::uint64_t bytes_ = 0;
  std::uint32_t live_ = 0;
};

}  // namespace rookery
