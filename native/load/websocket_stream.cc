// Framing for load clients.
#include "load/websocket_stream.h"

#include <cstdint>

namespace rookery::load {
namespace {

constexpr std::size_t mask_bytes = 4;
constexpr std::uint8_t mask_bit = 0x80;

std::size_t length_bytes(std::uint8_t second) { return second == 127 ? 8 : second == 126 ? 2 : 0; }

}  // namespace

std::string WebSocketStream::request(const std::string& host) {
  return "GET /ws HTTP/1.1\r\nHost: " + host +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Protocol: xmpp\r\n\r\n";
}

std::string WebSocketStream::open(const std::string& domain) {
  return "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='" + domain + "' version='1.0'/>";
}

void WebSocketStream::append(std::string& out, std::string_view xml) {
  frame_.clear();
  append_websocket_document(frame_, xml);
  const auto second = static_cast<std::uint8_t>(frame_[1]);
  const std::size_t header = 2 + length_bytes(second);
  frame_[1] = static_cast<char>(second | mask_bit);
  out.append(frame_, 0, header);
  out.append(mask_bytes, '\0');
  out.append(frame_, header);
}

bool WebSocketStream::next(std::string_view& bytes, std::string_view& payload) {
  if (bytes.size() < 2) return false;
  const auto byte = [bytes](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); };
  const std::size_t extended = length_bytes(byte(1));
  if (bytes.size() < 2 + extended) return false;
  std::uint64_t size = extended == 0 ? byte(1) : 0;
  for (std::size_t at = 0; at < extended; ++at) size = size << 8 | byte(2 + at);
  if (bytes.size() - 2 - extended < size) return false;
  payload = bytes.substr(2 + extended, size);
  bytes.remove_prefix(2 + extended + size);
  return true;
}

}  // namespace rookery::load
