// Finds where one packet of the compact protocol ends and the next begins (docs/PROTOCOL.md,
// section 3), in a few bytes of state, so that a connection at rest costs nothing. What is inside a
// packet is judged by compact_decoder.h once it is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/stream_error.h"

namespace rookery {

enum class PacketOutcome : std::uint8_t {
  need_more,   ///< All bytes were consumed; the packet continues in the next chunk.
  keep_alive,  ///< A packet of length 0.
  packet,      ///< A packet ended.
  error,       ///< Too long (policy-violation), or no length (bad-format).
};

struct PacketResult {
  PacketOutcome outcome = PacketOutcome::need_more;
  std::size_t consumed = 0;  ///< Bytes of this chunk that belong to the packet.
  /// How many of the packet's bytes, from its first on, are its length: the element stands behind
  /// them. Only for a packet that has ended.
  std::uint8_t length_bytes = 0;
  StreamError error = StreamError::none;
};

/// The state of one stream; trivially copyable, moves with the connection.
class PacketSplitter {
 public:
  /// Looks at the next chunk, and stops at the end of the first packet that it completes.
  /// `max_bytes` is that of an element; a longer one is refused when its length is known, before
  /// anything of it is kept.
  PacketResult feed(std::string_view chunk, std::uint32_t max_bytes) noexcept;

  /// True when no packet has begun.
  [[nodiscard]] bool at_rest() const noexcept { return length_bytes_ == 0; }

  /// How many more bytes make the packet whole, once its length is known; 0 before.
  [[nodiscard]] std::uint32_t missing_bytes() const noexcept { return in_body_ ? length_ : 0; }

 private:
  PacketResult fail(std::size_t consumed, StreamError error) noexcept;
  PacketResult read_length(std::string_view chunk, std::uint32_t max_bytes) noexcept;

  std::uint32_t length_ = 0;       ///< As far as it has come; in the body, what is missing.
  std::uint8_t length_bytes_ = 0;  ///< Seen so far.
  bool in_body_ = false;
  StreamError error_ = StreamError::none;
};
static_assert(sizeof(PacketSplitter) <= 8);

}  // namespace rookery
