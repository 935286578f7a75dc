// Reading and writing of frames (RFC 6455 section 5).
#include "codec/websocket.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace rookery {
namespace {

constexpr std::uint32_t largest_short_length = 125;
constexpr std::size_t largest_middle_length = 0xFFFF;
constexpr std::uint8_t middle_length_mark = 126;
constexpr std::uint8_t long_length_mark = 127;
constexpr std::uint8_t final_bit = 0x80;
constexpr std::uint8_t reserved_bits = 0x70;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_bits = 0x7F;
constexpr std::size_t mask_bytes = 4;
constexpr std::uint64_t high_bits = 0x8080808080808080ull;

std::uint64_t load64(const char* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((value >> shift) & 0xFF);
  }
}

std::uint64_t big_endian(const std::uint8_t* at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t index = 0; index < bytes; ++index) value = value << 8 | at[index];
  return value;
}

/// Unmasks `size` bytes; `mask` begins with the byte for the first of them.
void unmask(char* bytes, std::size_t size, const std::array<std::uint8_t, mask_bytes>& mask) {
  std::uint32_t word = 0;
  std::memcpy(&word, mask.data(), sizeof word);
  const std::uint64_t wide = std::uint64_t{word} << 32 | word;
  std::size_t at = 0;
  for (; at + 16 <= size; at += 16) {
    const std::uint64_t first = load64(bytes + at) ^ wide;
    const std::uint64_t second = load64(bytes + at + 8) ^ wide;
    std::memcpy(bytes + at, &first, sizeof first);
    std::memcpy(bytes + at + 8, &second, sizeof second);
  }
  for (; at < size; ++at) bytes[at] = static_cast<char>(bytes[at] ^ mask[at % mask_bytes]);
}

/// What may stand in a close frame: codes of the protocol and its registry, and private ones.
bool may_be_sent(std::uint64_t code) {
  if (code >= 3000) return code < 5000;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

}  // namespace

void append_websocket_header(std::string& out, WebSocketOpcode opcode, std::size_t payload_bytes) {
  out += static_cast<char>(final_bit | static_cast<std::uint8_t>(opcode));
  if (payload_bytes <= largest_short_length) {
    out += static_cast<char>(payload_bytes);
  } else if (payload_bytes <= largest_middle_length) {
    out += static_cast<char>(middle_length_mark);
    append_big_endian(out, payload_bytes, 2);
  } else {
    out += static_cast<char>(long_length_mark);
    append_big_endian(out, payload_bytes, 8);
  }
}

void append_websocket_control(std::string& out, WebSocketOpcode opcode, std::string_view payload) {
  append_websocket_header(out, opcode, payload.size());
  out += payload;
}

void append_websocket_close(std::string& out, WebSocketClose code) {
  std::string payload;
  if (code != WebSocketClose::absent) {
    append_big_endian(payload, static_cast<std::uint64_t>(code), 2);
  }
  append_websocket_control(out, WebSocketOpcode::close, payload);
}

bool Utf8Check::feed(std::string_view piece) noexcept {
  const char* at = piece.data();
  const char* const end = at + piece.size();
  while (at != end) {
    if (missing_ == 0) {
      while (end - at >= 8 && (load64(at) & high_bits) == 0) at += 8;
      while (at != end && static_cast<unsigned char>(*at) < 0x80) ++at;
      if (at == end) return true;
    }
    const auto byte = static_cast<std::uint8_t>(*at++);
    if (missing_ > 0) {
      if (byte < low_ || byte > high_) return false;
      --missing_;
      low_ = 0x80;
      high_ = 0xBF;
      continue;
    }
    if (byte < 0xC2 || byte > 0xF4) return false;
    missing_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    if (byte == 0xE0) low_ = 0xA0;   // shorter forms exist
    if (byte == 0xED) high_ = 0x9F;  // surrogates
    if (byte == 0xF0) low_ = 0x90;   // shorter forms exist
    if (byte == 0xF4) high_ = 0x8F;  // beyond U+10FFFF
  }
  return true;
}

std::size_t WebSocketDecoder::heap_bytes() const {
  return control_ ? sizeof(std::string) + control_->capacity() : 0;
}

std::string WebSocketDecoder::take_control() {
  const std::unique_ptr<std::string> taken = std::move(control_);
  return taken ? std::move(*taken) : std::string();
}

/// How long this frame's header is, as far as its first bytes tell.
std::size_t WebSocketDecoder::header_size() const {
  if (header_bytes_ < 2) return 2;
  const std::uint8_t length = header_[1] & length_bits;
  const std::size_t extended = length == long_length_mark     ? 8
                               : length == middle_length_mark ? 2
                                                              : 0;
  // Without a mask the frame is refused, wherever its header ends.
  return 2 + extended + ((header_[1] & mask_bit) != 0 ? mask_bytes : 0);
}

bool WebSocketDecoder::read_header(std::string_view chunk, std::size_t& at) {
  while (header_bytes_ < header_size()) {
    const std::size_t wanted = header_size() - header_bytes_;
    const std::size_t count = std::min(wanted, chunk.size() - at);
    if (count == 0) return false;
    std::memcpy(header_.data() + header_bytes_, chunk.data() + at, count);
    header_bytes_ = static_cast<std::uint8_t>(header_bytes_ + count);
    at += count;
  }
  return true;
}

/// Judges a complete header; `absent` when it is good.
WebSocketClose WebSocketDecoder::begin_frame(std::uint32_t max_message_bytes) {
  if ((header_[0] & reserved_bits) != 0 || (header_[1] & mask_bit) == 0) {
    return WebSocketClose::protocol_error;
  }
  const std::size_t length_size = header_size() - 2 - mask_bytes;
  std::uint64_t length = header_[1] & length_bits;
  if (length_size > 0) {
    length = big_endian(header_.data() + 2, length_size);
    const bool shorter_exists =
        length <= (length_size == 2 ? largest_short_length : largest_middle_length);
    if (shorter_exists || length >> 63 != 0) return WebSocketClose::protocol_error;
  }
  std::memcpy(mask_.data(), header_.data() + 2 + length_size, mask_bytes);
  control_.reset();
  if (is_control()) {
    if (opcode() > WebSocketOpcode::pong || !final() || length > largest_short_length) {
      return WebSocketClose::protocol_error;
    }
    if (length > 0) control_ = std::make_unique<std::string>();
  } else {
    const WebSocketClose code = begin_data_frame(length, max_message_bytes);
    if (code != WebSocketClose::absent) return code;
  }
  remaining_ = static_cast<std::uint32_t>(length);
  in_payload_ = true;
  return WebSocketClose::absent;
}

WebSocketClose WebSocketDecoder::begin_data_frame(std::uint64_t length,
                                                  std::uint32_t max_message_bytes) {
  const WebSocketOpcode kind = opcode();
  if (kind > WebSocketOpcode::binary) return WebSocketClose::protocol_error;
  if ((kind == WebSocketOpcode::continuation) != in_message_) {
    return WebSocketClose::protocol_error;
  }
  if (!in_message_) {
    if (kind != data_) return WebSocketClose::unacceptable;
    message_bytes_ = 0;
    text_.reset();
  }
  if (length > max_message_bytes || message_bytes_ > max_message_bytes - length) {
    return WebSocketClose::too_big;
  }
  message_bytes_ += static_cast<std::uint32_t>(length);
  in_message_ = true;
  return WebSocketClose::absent;
}

/// Takes payload bytes of this frame; `absent` when they are good.
WebSocketClose WebSocketDecoder::take(std::string_view masked, std::string& payload) {
  std::string& into = is_control() ? *control_ : payload;
  const std::size_t before = into.size();
  into.append(masked);
  char* const bytes = into.data() + before;
  unmask(bytes, masked.size(), mask_);
  std::rotate(mask_.begin(), mask_.begin() + masked.size() % mask_bytes, mask_.end());
  remaining_ -= static_cast<std::uint32_t>(masked.size());
  const bool text = !is_control() && data_ == WebSocketOpcode::text;
  return text && !text_.feed({bytes, masked.size()}) ? WebSocketClose::invalid_text
                                                     : WebSocketClose::absent;
}

WebSocketResult WebSocketDecoder::end_close_frame(std::size_t consumed) const {
  const std::string_view body = control_ ? std::string_view(*control_) : std::string_view();
  if (body.empty()) return {WebSocketEvent::close, consumed, WebSocketClose::absent};
  const std::uint64_t code =
      body.size() < 2 ? 0 : big_endian(reinterpret_cast<const std::uint8_t*>(body.data()), 2);
  if (!may_be_sent(code)) {
    return {WebSocketEvent::failed, consumed, WebSocketClose::protocol_error};
  }
  Utf8Check reason;
  if (!reason.feed(body.substr(2)) || !reason.complete()) {
    return {WebSocketEvent::failed, consumed, WebSocketClose::invalid_text};
  }
  return {WebSocketEvent::close, consumed, static_cast<WebSocketClose>(code)};
}

/// The frame is complete. need_more: go on, the message does.
WebSocketResult WebSocketDecoder::end_frame(std::size_t consumed) {
  header_bytes_ = 0;
  in_payload_ = false;
  switch (opcode()) {
    case WebSocketOpcode::ping: return {WebSocketEvent::ping, consumed, WebSocketClose::absent};
    case WebSocketOpcode::pong: return {WebSocketEvent::pong, consumed, WebSocketClose::absent};
    case WebSocketOpcode::close: return end_close_frame(consumed);
    default: break;
  }
  if (!final()) return {};
  in_message_ = false;
  if (data_ == WebSocketOpcode::text && !text_.complete()) {
    return {WebSocketEvent::failed, consumed, WebSocketClose::invalid_text};
  }
  return {WebSocketEvent::message, consumed, WebSocketClose::absent};
}

WebSocketResult WebSocketDecoder::feed(std::string_view chunk, std::uint32_t max_message_bytes,
                                       std::string& payload) {
  std::size_t at = 0;
  while (true) {
    if (!in_payload_) {
      if (!read_header(chunk, at)) return {WebSocketEvent::need_more, at, WebSocketClose::absent};
      const WebSocketClose code = begin_frame(max_message_bytes);
      if (code != WebSocketClose::absent) return {WebSocketEvent::failed, at, code};
    }
    const std::size_t count = std::min<std::size_t>(remaining_, chunk.size() - at);
    if (count > 0) {
      const WebSocketClose code = take(chunk.substr(at, count), payload);
      at += count;
      if (code != WebSocketClose::absent) return {WebSocketEvent::failed, at, code};
    }
    if (remaining_ > 0) return {WebSocketEvent::need_more, at, WebSocketClose::absent};
    const WebSocketResult result = end_frame(at);
    if (result.event != WebSocketEvent::need_more) return result;
  }
}

}  // namespace rookery
