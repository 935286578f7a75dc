// A bound resource. It outlives its connection when the client may resume it (XEP-0198), so it
// holds what must not be lost with a TCP connection, and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/types.h"
#include "memory/ring_buffer.h"
#include "memory/stanza.h"
#include "store/store_port.h"

namespace rookery {

struct Connection;
struct User;

/// A message the sender sent that is not yet safe.
struct UnsafeStanza {
  std::uint32_t number = 0;
  bool safe = false;
};

/// The note on disk that says which stored messages were sent from which number on.
struct SentNote {
  LogSequence sequence = 0;
  std::uint32_t last_number = 0;
};

/// XEP-0198 of one session; made when the client enables it.
struct StreamManagement {
  SessionTag tag = 0;
  RingBuffer<UnsafeStanza> unsafe;  ///< Received, not yet safe, oldest first.
  RingBuffer<StanzaRef> window;     ///< Sent, not yet acknowledged, oldest first.
  std::size_t window_bytes = 0;     ///< Of those, and of what a page holds up.
  std::vector<SentNote> notes;
  std::uint32_t received = 0;        ///< Stanzas from the client (its h, modulo 2^32).
  std::uint32_t skip_until = 0;      ///< After a resumption: numbers up to here were taken before.
  std::uint32_t sent = 0;            ///< Stanzas to the client.
  std::uint32_t acknowledged = 0;    ///< Of those, by the client.
  std::uint32_t last_told = 0;       ///< The last h we sent.
  std::uint32_t asked_at = 0;        ///< received when the last <r/> came.
  std::uint32_t first_asked_at = 0;  ///< The same of the oldest <r/> not answered yet.
  bool resumable = false;
  bool unasked = false;            ///< Both sides acknowledge without <r/> (compact protocol).
  bool skipping = false;           ///< skip_until is in force.
  bool answer_owed = false;        ///< An <r/> waits for its <a/>.
  bool request_open = false;       ///< Our <r/> waits for an answer.
  std::uint32_t requested_at = 0;  ///< What was sent before our last <r/>.
  bool overflowed = false;         ///< The window's limit was passed: not resumable any more.

  /// How many received stanzas are safe: what an <a/> may say.
  [[nodiscard]] std::uint32_t safe_count() {
    while (!unsafe.empty() && unsafe.front().safe) unsafe.pop_front();
    return unsafe.empty() ? received : unsafe.front().number - 1;
  }
};

/// A message sent without XEP-0198; it may leave the mailbox when the peer's TCP has acknowledged
/// the connection's bytes up to `position`. Zero until the bytes are sealed.
struct AwaitedByTcp {
  std::uint64_t position = 0;
  StanzaRef stanza;
};

/// Stored messages that are being fetched, or whose sending is being noted on disk, for one
/// session.
struct Page {
  std::vector<std::uint64_t> sequences;  ///< In the mailbox.
  std::uint32_t reads_open = 0;
  std::uint32_t first_number = 0;  ///< Of the note; 0: none made.
  bool noted = false;              ///< The note is on disk.
  /// Other stanzas that came meanwhile. They must not take the numbers that the note gives away: a
  /// client's count would then settle messages that it never got.
  std::vector<StanzaRef> held;
};

/// Presence that waits until the client is active again (XEP-0352).
struct InactivePresence {
  std::vector<StanzaRef> stanzas;
  std::size_t bytes = 0;
};

/// Addresses that were sent directed presence (RFC 6121 section 4.6).
using DirectedPresence = std::vector<std::string>;

struct Session {
  Handle handle;
  User* user = nullptr;
  Connection* connection = nullptr;  ///< Null while it waits to be resumed.
  std::unique_ptr<StreamManagement> management;
  std::unique_ptr<DirectedPresence> directed;
  /// The last available presence, null when it is the plain one; while unavailable, the <status/>
  /// with which it became so, null when there was none.
  StanzaRef presence;
  RingBuffer<AwaitedByTcp> awaited;
  std::unique_ptr<Page> page;
  std::unique_ptr<InactivePresence> inactive;  ///< Held back while inactive (XEP-0352).
  std::string resource;
  std::uint32_t resume_timer = 0;
  std::uint32_t activity = 0;  ///< Of the shard's activity count; greater is more recent.
  std::uint32_t bound_s = 0;   ///< When it was bound.
  std::int8_t priority = 0;
  bool available = false;
  bool interested = false;  ///< Asked for its roster.
  bool carbons = false;
  bool client_inactive = false;
  bool in_awaited_list = false;  ///< In the shard's list of sessions to ask TCP about.
  bool in_turn_list =
      false;  ///< In the list of sessions that get an <r/> or <a/> at the turn's end.
  bool may_retransmit = false;  ///< Follows a session that ended without a close.
  bool ending = false;

  /// May be sent messages addressed to the bare address.
  [[nodiscard]] bool takes_messages() const { return available && priority >= 0; }
};

}  // namespace rookery
