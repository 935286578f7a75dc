// RFC 6455 framing as a server sees it, without I/O: masked frames in, unmasked frames out. No
// extension is ever negotiated, so no reserved bit has a meaning.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace rookery {

enum class WebSocketOpcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

/// Why a connection is closed (RFC 6455 section 7.4.1), as far as the server says or needs it.
enum class WebSocketClose : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unacceptable = 1003,  ///< The wrong kind of data: binary for text, or text for binary.
  absent = 1005,        ///< Stands for a close frame without a code; never sent.
  invalid_text = 1007,
  policy = 1008,
  too_big = 1009,
};

/// Appends the header of an unfragmented, unmasked frame; `payload_bytes` bytes must follow it.
void append_websocket_header(std::string& out, WebSocketOpcode opcode, std::size_t payload_bytes);
/// Appends a control frame; `payload` is at most 125 bytes.
void append_websocket_control(std::string& out, WebSocketOpcode opcode, std::string_view payload);
/// Appends a close frame with a code, or without one for `absent`.
void append_websocket_close(std::string& out, WebSocketClose code);

/// Checks UTF-8 that comes in pieces, strictly (no surrogates, no overlong forms).
class Utf8Check {
 public:
  /// False as soon as no continuation could make it valid.
  bool feed(std::string_view piece) noexcept;
  /// No character is left unfinished.
  [[nodiscard]] bool complete() const { return missing_ == 0; }
  void reset() { *this = {}; }

 private:
  std::uint8_t missing_ = 0;  ///< Bytes of the current character still to come.
  std::uint8_t low_ = 0x80;   ///< Bounds of the next of them.
  std::uint8_t high_ = 0xBF;
};

enum class WebSocketEvent : std::uint8_t {
  need_more,  ///< The chunk is used up; what it held of a message is in `payload`.
  message,    ///< A message ended; its last bytes are in `payload`.
  ping,       ///< To be answered with take_control() in a pong.
  pong,
  close,   ///< The peer closes; `code` is what it said, `absent` when it said nothing.
  failed,  ///< To be closed with `code`. Nothing more may be fed.
};

struct WebSocketResult {
  WebSocketEvent event = WebSocketEvent::need_more;
  std::size_t consumed = 0;  ///< Bytes of the chunk.
  WebSocketClose code = WebSocketClose::absent;
};

/// The state of one connection's input: some dozens of bytes, no buffer at rest; moves with it.
class WebSocketDecoder {
 public:
  /// `data`: text or binary, the one kind of message that is taken.
  explicit WebSocketDecoder(WebSocketOpcode data) : data_(data) {}

  /// Looks at the next chunk up to the first event. Appends the unmasked bytes of messages to
  /// `payload`; text is UTF-8 up to the byte, except that the last character may be unfinished.
  WebSocketResult feed(std::string_view chunk, std::uint32_t max_message_bytes,
                       std::string& payload);
  /// Hands out the payload of the ping, pong or close (code and reason) just reported.
  [[nodiscard]] std::string take_control();
  /// Neither a frame nor a message has begun.
  [[nodiscard]] bool at_rest() const { return header_bytes_ == 0 && !in_message_; }
  [[nodiscard]] std::size_t heap_bytes() const;

 private:
  static constexpr std::size_t largest_header = 14;

  [[nodiscard]] WebSocketOpcode opcode() const {
    return static_cast<WebSocketOpcode>(header_[0] & 0x0F);
  }
  [[nodiscard]] bool final() const { return (header_[0] & 0x80) != 0; }
  [[nodiscard]] bool is_control() const { return (header_[0] & 0x08) != 0; }
  [[nodiscard]] std::size_t header_size() const;
  bool read_header(std::string_view chunk, std::size_t& at);
  WebSocketClose begin_frame(std::uint32_t max_message_bytes);
  WebSocketClose begin_data_frame(std::uint64_t length, std::uint32_t max_message_bytes);
  WebSocketClose take(std::string_view masked, std::string& payload);
  WebSocketResult end_frame(std::size_t consumed);
  WebSocketResult end_close_frame(std::size_t consumed) const;

  std::unique_ptr<std::string> control_;  ///< Of the control frame under way or just reported.
  std::uint32_t remaining_ = 0;           ///< Payload bytes of this frame still to come.
  std::uint32_t message_bytes_ = 0;       ///< Announced by the frames of this message so far.
  std::array<std::uint8_t, 4> mask_{};    ///< For the next byte onward.
  std::array<std::uint8_t, largest_header> header_{};
  std::uint8_t header_bytes_ = 0;  ///< Of the frame's header so far; 0: between frames.
  bool in_payload_ = false;        ///< The header is complete.
  bool in_message_ = false;        ///< A fragmented message goes on.
  WebSocketOpcode data_;
  Utf8Check text_;
};
static_assert(sizeof(WebSocketDecoder) <= 48);

}  // namespace rookery
