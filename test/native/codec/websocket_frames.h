// Frames as clients send them, right and wrong, for tests of what reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/websocket.h"

namespace rookery::testing {

constexpr std::uint8_t fin = 0x80;
inline constexpr std::string_view example_mask = "\x37\xfa\x21\x3d";

inline std::string masked(std::string_view payload, std::string_view mask) {
  std::string out(payload);
  for (std::size_t at = 0; at < out.size(); ++at) {
    out[at] = static_cast<char>(out[at] ^ mask[at % 4]);
  }
  return out;
}

/// A masked frame; `first` is its first byte. Its length is written in `length_bytes` (0: as short
/// as it may be).
inline std::string client_frame(unsigned first, std::string_view payload,
                                std::string_view mask = example_mask, int length_bytes = 0) {
  std::string out(1, static_cast<char>(first));
  if (length_bytes == 0) {
    length_bytes = payload.size() <= 125 ? 1 : payload.size() <= 0xFFFF ? 2 : 8;
  }
  if (length_bytes == 1) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    out += static_cast<char>(0x80 | (length_bytes == 2 ? 126 : 127));
    for (int shift = (length_bytes - 1) * 8; shift >= 0; shift -= 8) {
      out += static_cast<char>((static_cast<std::uint64_t>(payload.size()) >> shift) & 0xFF);
    }
  }
  out += mask;
  out += masked(payload, mask);
  return out;
}

inline std::string client_frame(WebSocketOpcode opcode, std::string_view payload,
                                bool final = true) {
  return client_frame((final ? fin : 0u) | static_cast<unsigned>(opcode), payload);
}

}  // namespace rookery::testing
