// A client of the compact protocol as far as docs/PROTOCOL.md section 2 goes: prologue, handshake
// as the initiator, frames. For tests, fuzz targets and load programs; bytes in, bytes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "transport/aead_contexts.h"
#include "transport/noise_handshake.h"
#include "transport/transport_scratch.h"

namespace rookery::load {

inline std::string prologue_of(NoisePattern pattern) {
  return {'R', 'K', 'Y', 1, 1, static_cast<char>(pattern)};
}

/// One frame: the length, the message.
inline std::string frame_of(std::string_view message) {
  std::string frame;
  frame += static_cast<char>(message.size() >> 8);
  frame += static_cast<char>(message.size());
  return frame.append(message);
}

class NoiseClient {
 public:
  enum class State : std::uint8_t { handshake, established, refused, broken };

  /// `keys` outlives the client. `server` is the server's static key, for IK.
  NoiseClient(TransportScratch& scratch, NoisePattern pattern, const NoiseKeyPair& keys,
              const NoiseKey* server = nullptr)
      : scratch_(scratch),
        pattern_(pattern),
        handshake_(pattern, NoiseRole::initiator, keys),
        has_server_(server != nullptr),
        server_(server != nullptr ? *server : NoiseKey{}) {}

  /// Queues the prologue and the first message. The login goes when the pattern lets it.
  void start(std::string_view login) {
    const std::string prologue = prologue_of(pattern_);
    login_ = login;
    out_ += prologue;
    if (!handshake_.begin(scratch_, prologue, has_server_ ? &server_ : nullptr) ||
        !write_handshake(pattern_ == NoisePattern::ik ? login_ : std::string())) {
      state_ = State::broken;
    }
  }

  /// Takes what the server sent; decrypted bytes are added to plain().
  void receive(std::string_view wire) {
    in_ += wire;
    std::size_t at = 0;
    while (state_ == State::handshake || state_ == State::established) {
      const std::string_view rest = std::string_view(in_).substr(at);
      if (rest.size() < 2) break;
      const std::size_t size = byte(rest, 0) << 8 | byte(rest, 1);
      if (rest.size() < 2 + size + (size == 0 ? 1 : 0)) break;
      at += 2 + size;
      if (size == 0) {
        refusal_ = static_cast<std::uint8_t>(byte(rest, 2));
        state_ = State::refused;
      } else if (!(state_ == State::established ? open(rest.substr(2, size))
                                                : read_handshake(rest.substr(2, size)))) {
        state_ = State::broken;
      }
    }
    in_.erase(0, at);
  }

  /// Queues one frame.
  void send(std::string_view plain) {
    std::string message(plain);
    message.append(kAeadTagBytes, '\0');
    const std::span<std::uint8_t> text(reinterpret_cast<std::uint8_t*>(message.data()),
                                       plain.size());
    if (!scratch_.aead().seal(AeadSuite::chacha20_sha256, sending_.data(), nonce(sent_++), {},
                              text)) {
      state_ = State::broken;
    }
    out_ += frame_of(message);
  }

  /// What is queued for the server.
  std::string take_wire() { return std::exchange(out_, {}); }
  std::string take_plain() { return std::exchange(plain_, {}); }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool established() const { return state_ == State::established; }
  [[nodiscard]] std::uint8_t refusal() const { return refusal_; }
  /// The payload of the server's handshake message: XX, the certificate; IK, the answer to login.
  [[nodiscard]] const std::string& server_payload() const { return server_payload_; }
  [[nodiscard]] const NoiseKey& server_key() const { return handshake_.remote(); }
  [[nodiscard]] const NoiseHash& hash() const { return handshake_.hash(); }

 private:
  static std::size_t byte(std::string_view text, std::size_t index) {
    return static_cast<std::uint8_t>(text[index]);
  }

  static AeadNonce nonce(std::uint32_t counter) {
    AeadNonce nonce{};
    for (std::size_t index = 0; index < 4; ++index) {
      nonce[4 + index] = static_cast<std::uint8_t>(counter >> (8 * index));
    }
    return nonce;
  }

  bool write_handshake(std::string_view payload) {
    std::string message;
    if (!handshake_.write(scratch_, payload, message)) return false;
    out_ += frame_of(message);
    return finish();
  }

  bool read_handshake(std::string_view message) {
    if (!handshake_.read(scratch_, message, server_payload_)) return false;
    return handshake_.finished() ? finish() : write_handshake(login_);
  }

  bool finish() {
    if (!handshake_.finished()) return true;
    state_ = State::established;
    return handshake_.split(scratch_, sending_, receiving_);
  }

  bool open(std::string_view message) {
    if (message.size() < kAeadTagBytes) return false;
    std::string text(message);
    const std::span<std::uint8_t> place(reinterpret_cast<std::uint8_t*>(text.data()),
                                        text.size() - kAeadTagBytes);
    if (!scratch_.aead().open(AeadSuite::chacha20_sha256, receiving_.data(), nonce(received_++), {},
                              place)) {
      return false;
    }
    plain_.append(text, 0, place.size());
    return true;
  }

  TransportScratch& scratch_;
  NoisePattern pattern_;
  NoiseHandshake handshake_;
  bool has_server_;
  NoiseKey server_;
  State state_ = State::handshake;
  std::uint8_t refusal_ = 0;
  NoiseKey sending_{};
  NoiseKey receiving_{};
  std::uint32_t sent_ = 0;
  std::uint32_t received_ = 0;
  std::string login_;
  std::string server_payload_;
  std::string in_;
  std::string out_;
  std::string plain_;
};

}  // namespace rookery::load
