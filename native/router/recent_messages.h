// The messages that a mailbox took lately, so that a retransmission is recognised.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>

#include "memory/ring_buffer.h"

namespace rookery {

/// A message taken lately.
struct RecentMessage {
  std::uint64_t fingerprint = 0;
  std::uint64_t mailbox_sequence = 0;
  std::uint32_t accepted_s = 0;
};

/// After a restart or a change of network every sender is asked about for minutes, and nearly all
/// of their messages are new. So a count of fingerprints by some of their bits answers most
/// questions; it is made with the first question that would be long, as most mailboxes are never
/// asked.
class RecentMessages {
 public:
  static constexpr std::size_t most = 255;

  /// Adds the newest, and forgets the oldest: those from before `keep_from_s`, and the one too
  /// many.
  void add(const RecentMessage& message, std::uint32_t keep_from_s) {
    while (!messages_.empty() &&
           (messages_.size() >= most || messages_.front().accepted_s < keep_from_s)) {
      if (counts_) --count_of(messages_.front().fingerprint);
      messages_.pop_front();
    }
    messages_.push_back(message);
    if (counts_) ++count_of(message.fingerprint);
  }

  /// The newest of that fingerprint; null when there is none.
  [[nodiscard]] const RecentMessage* find(std::uint64_t fingerprint) {
    if (!counts_ && messages_.size() > few) count_all();
    if (counts_ && count_of(fingerprint) == 0) return nullptr;
    for (std::size_t index = messages_.size(); index > 0; --index) {
      const RecentMessage& message = messages_[index - 1];
      if (message.fingerprint == fingerprint) return &message;
    }
    return nullptr;
  }

 private:
  static constexpr std::size_t few = 32;
  using Counts = std::array<std::uint8_t, 1024>;
  static_assert(most <= 255, "all of them may fall together");

  // The lowest bit is no part of the hash: it is always set.
  [[nodiscard]] std::uint8_t& count_of(std::uint64_t fingerprint) {
    return (*counts_)[(fingerprint >> 1) % std::tuple_size_v<Counts>];
  }
  void count_all() {
    counts_ = std::make_unique<Counts>();
    for (std::size_t index = 0; index < messages_.size(); ++index) {
      ++count_of(messages_[index].fingerprint);
    }
  }

  RingBuffer<RecentMessage> messages_;
  std::unique_ptr<Counts> counts_;
};

}  // namespace rookery
