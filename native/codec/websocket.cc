// Writing of frames (RFC 6455 section 5.2).
#include "codec/websocket.h"

namespace rookery {
namespace {

constexpr std::size_t largest_short_length = 125;
constexpr std::size_t largest_middle_length = 0xFFFF;
constexpr char middle_length_mark = 126;
constexpr char long_length_mark = 127;
constexpr unsigned final_bit = 0x80;

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((value >> shift) & 0xFF);
  }
}

}  // namespace

void append_websocket_header(std::string& out, WebSocketOpcode opcode, std::size_t payload_bytes) {
  out += static_cast<char>(final_bit | static_cast<unsigned>(opcode));
  if (payload_bytes <= largest_short_length) {
    out += static_cast<char>(payload_bytes);
  } else if (payload_bytes <= largest_middle_length) {
    out += middle_length_mark;
    append_big_endian(out, payload_bytes, 2);
  } else {
    out += long_length_mark;
    append_big_endian(out, payload_bytes, 8);
  }
}

}  // namespace rookery
