// ClientHelloGate: a byte-wise state machine over record headers and handshake message headers.
#include "transport/client_hello_gate.h"

#include <algorithm>

namespace rookery {
namespace {

constexpr std::uint8_t kHeaderBytes = 5;
constexpr std::uint8_t kMessageHeaderBytes = 4;
constexpr std::uint8_t kTypeChangeCipherSpec = 20;
constexpr std::uint8_t kTypeHandshake = 22;
constexpr std::uint8_t kClientHello = 1;

}  // namespace

ClientHelloGate::Verdict ClientHelloGate::feed(std::string_view wire, bool answered_below_tls13) {
  while (!wire.empty() && !blind_ && !foreign_) {
    if (header_bytes_ < kHeaderBytes) {
      feed_header(static_cast<std::uint8_t>(wire.front()), answered_below_tls13);
      wire.remove_prefix(1);
    } else {
      const std::string_view content = wire.substr(0, record_left_);
      if (type_ == kTypeHandshake && !feed_handshake(content)) return Verdict::oversized;
      record_left_ = static_cast<std::uint16_t>(record_left_ - content.size());
      wire.remove_prefix(content.size());
    }
    if (header_bytes_ == kHeaderBytes && record_left_ == 0) header_bytes_ = 0;
  }
  if (foreign_) return Verdict::foreign;
  return passed_ || blind_ ? Verdict::pass : Verdict::incomplete;
}

void ClientHelloGate::feed_header(std::uint8_t byte, bool answered_below_tls13) {
  switch (header_bytes_++) {
    case 0:
      type_ = byte;
      if (!passed_ && type_ != kTypeHandshake) foreign_ = true;
      if (type_ == kTypeChangeCipherSpec && answered_below_tls13) blind_ = true;
      break;
    case 3: record_left_ = static_cast<std::uint16_t>(byte << 8); break;
    case 4: record_left_ = static_cast<std::uint16_t>(record_left_ | byte); break;
    default: break;
  }
}

/// False when a ClientHello claims to be too long.
bool ClientHelloGate::feed_handshake(std::string_view content) {
  while (!content.empty()) {
    if (message_header_bytes_ < kMessageHeaderBytes) {
      const auto byte = static_cast<std::uint8_t>(content.front());
      content.remove_prefix(1);
      if (message_header_bytes_++ == 0) {
        message_type_ = byte;
        message_left_ = 0;
        if (!passed_ && message_type_ != kClientHello) blind_ = true;
        continue;
      }
      message_left_ = message_left_ << 8 | byte;
      if (message_header_bytes_ < kMessageHeaderBytes) continue;
      if (message_type_ == kClientHello && message_left_ > kMaxHelloBytes) return false;
    }
    const std::size_t taken = std::min<std::size_t>(content.size(), message_left_);
    content.remove_prefix(taken);
    message_left_ -= static_cast<std::uint32_t>(taken);
    if (message_left_ == 0) {
      message_header_bytes_ = 0;
      if (message_type_ == kClientHello) passed_ = true;
    }
  }
  return true;
}

}  // namespace rookery
