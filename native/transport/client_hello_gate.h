// Follows the plaintext records of a TLS handshake for one purpose: OpenSSL allocates 40 KB for a
// connection at its first byte, and as much again as a ClientHello claims to be long. So a
// connection gets an SSL object only when its ClientHello is complete, and an oversized claim is
// refused when its header arrives. Everything else about the bytes is OpenSSL's to judge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rookery {

class ClientHelloGate {
 public:
  /// Four times what clients with post-quantum keys and a session ticket send. Up to here OpenSSL
  /// needs no more than the buffer that it allocates anyway.
  static constexpr std::size_t kMaxHelloBytes = 16384;

  enum class Verdict : std::uint8_t {
    incomplete,  ///< The first ClientHello is still arriving.
    pass,        ///< It is complete, or is none: OpenSSL may see it.
    oversized,
    foreign,  ///< It does not begin with a handshake record.
  };

  /// Follows the next bytes. `answered_below_tls13`: the server has answered with TLS 1.2, so that
  /// a ChangeCipherSpec is the end of what can be read here.
  Verdict feed(std::string_view wire, bool answered_below_tls13);

 private:
  void feed_header(std::uint8_t byte, bool answered_below_tls13);
  bool feed_handshake(std::string_view content);

  bool passed_ = false;
  bool foreign_ = false;
  bool blind_ = false;             ///< What follows is encrypted or no TLS at all.
  std::uint8_t type_ = 0;          ///< Of the current record.
  std::uint8_t header_bytes_ = 0;  ///< Of the record's header.
  std::uint8_t message_header_bytes_ = 0;
  std::uint8_t message_type_ = 0;
  std::uint16_t record_left_ = 0;
  std::uint32_t message_left_ = 0;
};

}  // namespace rookery
