// The server's side of a connection of the compact protocol (docs/PROTOCOL.md section 2): prologue,
// handshake, frames. Before the login is over it holds a handshake; at rest two keys and two
// counters, less than 100 bytes.
//
// The login is part of the handshake, and what it says must be looked up, perhaps on another shard.
// So the transport waits at that point: after a receive() that makes login_ready() true the caller
// reads no more from the peer until it has decided. Then, with IK, it calls answer() or closes;
// with XX the transport is established already and the answer is the first thing that it sends.
// When the login is over it calls forget_channel_binding(). Between these calls the transport may
// move.
//
// Noise has no close_notify: receive() never says `closed`, and close() writes nothing. Ending in
// order is an element of the protocol above.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "transport/noise_handshake.h"
#include "transport/noise_identity.h"
#include "transport/transport.h"

namespace rookery {

/// Version of the protocol, and of the dictionary that the client must name.
inline constexpr std::uint8_t kNoiseProtocolVersion = 1;
inline constexpr std::uint8_t kNoiseDictionaryVersion = 1;

/// A frame until the handshake is complete, and after; without its length.
inline constexpr std::size_t kMaxNoiseHandshakeBytes = 1024;
inline constexpr std::size_t kMaxNoiseMessageBytes = 65535;
inline constexpr std::size_t kNoiseFrameHeaderBytes = 2;
inline constexpr std::size_t kNoisePrologueBytes = 6;

/// Why a client was refused; the codes of the protocol (section 2.2).
enum class NoiseRefusal : std::uint8_t {
  none = 0,
  version = 1,
  dictionary = 2,
  pattern = 3,
  handshake = 4,
  busy = 5,
  too_slow = 6,
};

class NoiseTransport final : public Transport {
 public:
  explicit NoiseTransport(std::shared_ptr<const NoiseIdentity> identity);
  ~NoiseTransport() override;
  NoiseTransport(const NoiseTransport&) = delete;
  NoiseTransport& operator=(const NoiseTransport&) = delete;

  TransportStatus receive(TransportScratch& scratch, std::string_view wire, std::string& plain,
                          std::string& wire_out) override;
  TransportStatus send(TransportScratch& scratch, std::string_view plain,
                       std::string& wire_out) override;
  void close(TransportScratch& scratch, std::string& wire_out) override;
  [[nodiscard]] bool established() const override { return stage_ == Stage::transport; }
  std::unique_ptr<Transport> take_over(TransportScratch&) override { return nullptr; }
  [[nodiscard]] std::string_view version() const override;
  [[nodiscard]] std::string channel_binding(std::string_view type) const override;
  void forget_channel_binding() override;
  [[nodiscard]] std::size_t heap_bytes() const override;

  /// The client has said who it is, and the next two are there, until forget_channel_binding().
  [[nodiscard]] bool login_ready() const { return login_ready_; }
  [[nodiscard]] std::string_view login_payload() const;
  /// The client's static key: the handshake proves that it has the secret of it, in IK only with
  /// the first bytes that receive() gives out after answer().
  [[nodiscard]] std::span<const std::uint8_t, kNoiseKeyBytes> client_key() const;

  /// The client's key is that of a device of ours: its next handshake is to be cheaper.
  void remember_client();

  /// The answer to the login is part of the handshake (IK), for answer(), and nothing may be sent
  /// before it.
  [[nodiscard]] bool answers_in_handshake() const { return pattern_ == NoisePattern::ik; }

  /// Writes the second message of IK; established from then on. Fails when it is not the time for
  /// it, or the payload is longer than 976 bytes.
  TransportStatus answer(TransportScratch& scratch, std::string_view payload,
                         std::string& wire_out);

  /// Before established(): appends a refusal, for causes that the caller sees. The transport fails
  /// from then on.
  void refuse(NoiseRefusal cause, std::string& wire_out);

  /// Why the client was refused, if it was.
  [[nodiscard]] NoiseRefusal refusal() const { return refusal_; }

 private:
  enum class Stage : std::uint8_t { prologue, handshake, answer, transport };

  /// What a connection at rest does not have.
  struct Rare {
    std::string partial;  ///< A prologue or frame that has not arrived completely.
    std::string login;
    NoiseKey client_key{};
    std::shared_ptr<const NoiseIdentity> identity;
    std::unique_ptr<NoiseHandshake> handshake;
  };

  Rare& rare();
  void tidy();
  bool read_prologue(TransportScratch& scratch, std::string_view& wire, NoiseRefusal& cause);
  bool next_frame(std::string_view& wire, std::string_view& message);
  bool check_length(std::string_view frame) const;
  bool read_message(TransportScratch& scratch, std::string_view message, std::string& plain,
                    std::string& wire_out);
  bool read_handshake(TransportScratch& scratch, std::string_view message, std::string& wire_out);
  bool write_handshake(TransportScratch& scratch, std::string_view payload, std::string& wire_out);
  bool open(TransportScratch& scratch, std::string_view message, std::string& plain);
  bool seal(TransportScratch& scratch, std::string_view plain, std::string& wire_out);
  bool establish(TransportScratch& scratch);
  TransportStatus fail(NoiseRefusal cause, std::string& wire_out);

  std::unique_ptr<Rare> rare_;
  NoiseKey receiving_{};
  NoiseKey sending_{};
  std::uint32_t received_ = 0;  ///< Frames, and so the next nonce.
  std::uint32_t sent_ = 0;
  Stage stage_ = Stage::prologue;
  NoisePattern pattern_ = NoisePattern::xx;
  NoiseRefusal refusal_ = NoiseRefusal::none;
  bool login_ready_ : 1 = false;
  bool partial_used_ : 1 = false;  ///< The message at hand lies in `partial`.
  bool failed_ : 1 = false;
  bool self_closed_ : 1 = false;
};

}  // namespace rookery
