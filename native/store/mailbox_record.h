// The payload of a stored message, and of the note that stored messages were sent to a session.
// Both are what makes a resumption exact after a crash: they tell under which number of which
// XEP-0198 session a message was sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "store/store_port.h"

namespace rookery {

/// Views point into the decoded payload.
struct MessageRecord {
  WallMs accepted_ms = 0;
  SessionTag sent_tag = 0;        ///< The recipient's session it had been sent to; 0: none.
  std::uint32_t sent_number = 0;  ///< Its number in that session.
  std::uint64_t fingerprint = 0;  ///< Of the sender's stanza, for retransmissions; 0: none.
  std::string_view stanza;        ///< XML as the recipient gets it, without a delay stamp.

  void encode(std::string& out) const;
  static bool decode(std::string_view payload, MessageRecord& out);
};

/// "From `first_number` on, session `tag` was sent these records, one number each."
struct SentRecord {
  SessionTag tag = 0;
  std::uint32_t first_number = 0;
  std::vector<LogSequence> sequences;

  void encode(std::string& out) const;
  static bool decode(std::string_view payload, SentRecord& out);
};

}  // namespace rookery
