// RFC 6455 frames as a server writes them. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace rookery {

enum class WebSocketOpcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

/// Appends the header of an unfragmented, unmasked frame; `payload_bytes` bytes must follow it.
void append_websocket_header(std::string& out, WebSocketOpcode opcode, std::size_t payload_bytes);

}  // namespace rookery
