// The Noise handshakes of the compact protocol (docs/PROTOCOL.md section 2.3): XX and IK with
// 25519, ChaChaPoly and BLAKE2b, as the Noise Protocol Framework, revision 34, has them. Either
// role: the server is the responder, clients of tests and load programs are initiators. No I/O;
// points at nothing of a thread, so it may move between shards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "transport/noise_crypto.h"
#include "transport/noise_shared_secrets.h"

namespace rookery {

class TransportScratch;  // transport/transport_scratch.h

enum class NoisePattern : std::uint8_t { xx = 0, ik = 1 };
enum class NoiseRole : std::uint8_t { initiator, responder };

class NoiseHandshake {
 public:
  /// `own` is the static key pair of this side and must outlive the handshake.
  /// `secrets`: what a responder of IK knows of its key and initiators' keys; null: nothing.
  NoiseHandshake(NoisePattern pattern, NoiseRole role, const NoiseKeyPair& own,
                 NoiseSharedSecrets* secrets = nullptr);
  ~NoiseHandshake();
  NoiseHandshake(const NoiseHandshake&) = delete;
  NoiseHandshake& operator=(const NoiseHandshake&) = delete;

  /// To be called once, first. `remote` is the responder's static key, for an initiator of IK.
  bool begin(TransportScratch& scratch, std::string_view prologue,
             const NoiseKey* remote = nullptr);

  /// Appends the next message, which is this side's, to `out`. False when OpenSSL fails or it is
  /// not this side's turn; the handshake is then over.
  bool write(TransportScratch& scratch, std::string_view payload, std::string& out);

  /// Reads the peer's next message and appends its payload. False when it is not one; the handshake
  /// is then over, and `payload` is as it was.
  bool read(TransportScratch& scratch, std::string_view message, std::string& payload);

  /// All messages have passed: split() may be called.
  [[nodiscard]] bool finished() const;

  /// The keys for what follows.
  bool split(TransportScratch& scratch, NoiseKey& sending, NoiseKey& receiving);

  /// The peer's static key, once a message has brought it.
  [[nodiscard]] const NoiseKey& remote() const { return remote_static_; }

  /// The peer is somebody: what was computed of its static key and ours serves its next handshake.
  void remember_peer();

  /// The handshake hash, once finished (section 11.2).
  [[nodiscard]] const NoiseHash& hash() const { return hash_; }

 private:
  enum class Token : std::uint8_t { e, s, ee, es, se, ss };

  static std::span<const Token> tokens(NoisePattern pattern, std::size_t message);
  bool may(bool writing) const;
  bool write_token(TransportScratch& scratch, Token token, std::string& out);
  bool read_token(TransportScratch& scratch, Token token, std::string_view& message);
  bool mix_dh(TransportScratch& scratch, Token token);
  bool diffie_hellman(TransportScratch& scratch, Token token, NoiseKey& shared);
  bool mix_key(TransportScratch& scratch, const NoiseKey& input);
  bool mix_hash(TransportScratch& scratch, std::string_view data);
  bool encrypt_and_hash(TransportScratch& scratch, std::string_view text, std::string& out);
  bool decrypt_and_hash(TransportScratch& scratch, std::string_view text, std::string& out);

  const NoiseKeyPair* own_;
  NoiseHash chaining_key_{};
  NoiseHash hash_{};
  NoiseKey key_{};
  NoiseKeyPair ephemeral_;
  NoiseSharedSecrets* secrets_;
  std::unique_ptr<NoiseKey> static_shared_;  ///< Of the token "ss", when it had to be computed.
  NoiseKey remote_static_{};
  NoiseKey remote_ephemeral_{};
  NoisePattern pattern_;
  NoiseRole role_;
  std::uint8_t message_ = 0;  ///< The next one.
  std::uint8_t nonce_ = 0;    ///< Two at most are used of each key.
  bool has_key_ = false;
};

}  // namespace rookery
