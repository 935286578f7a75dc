// The primitives of the Noise handshake (Noise Protocol Framework, revision 34, with 25519 and
// BLAKE2b; the cipher is in aead_contexts.h) on libcrypto's contexts. One set serves all handshakes
// of a shard, so that a handshake itself holds only its keys.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

struct evp_mac_ctx_st;
struct evp_md_ctx_st;
struct evp_pkey_ctx_st;
struct evp_pkey_st;

namespace rookery {

class Random;  // base/random.h

inline constexpr std::size_t kNoiseKeyBytes = 32;   ///< DHLEN, and the cipher's keys.
inline constexpr std::size_t kNoiseHashBytes = 64;  ///< HASHLEN

using NoiseKey = std::array<std::uint8_t, kNoiseKeyBytes>;
using NoiseHash = std::array<std::uint8_t, kNoiseHashBytes>;

/// An X25519 key pair. Wipes its secret.
struct NoiseKeyPair {
  NoiseKey secret{};
  NoiseKey open{};
  ~NoiseKeyPair();
};

/// Used by one thread at a time. Every method is false when OpenSSL fails, which but for x25519()
/// is a lack of memory.
class NoiseCrypto {
 public:
  /// Takes ephemeral keys from `random`; from OpenSSL's generator when it is null.
  explicit NoiseCrypto(Random* random);
  ~NoiseCrypto();
  NoiseCrypto(const NoiseCrypto&) = delete;
  NoiseCrypto& operator=(const NoiseCrypto&) = delete;

  /// BLAKE2b of the two joined.
  bool hash(std::span<const std::uint8_t> first, std::span<const std::uint8_t> second,
            NoiseHash& out);

  /// HKDF with two outputs (section 4.3).
  bool hkdf(const NoiseHash& chaining_key, std::span<const std::uint8_t> input, NoiseHash& first,
            NoiseHash& second);

  /// A fresh ephemeral key pair.
  bool make_key_pair(NoiseKeyPair& pair);

  /// Sets `pair.open` from `pair.secret`.
  bool complete(NoiseKeyPair& pair);

  /// Whose the secret of x25519() is. Of the static pair, which all handshakes use, OpenSSL's form
  /// is kept for the next; of an ephemeral one until forget_ephemeral().
  enum class Own : std::uint8_t { ephemeral_pair, static_pair };

  /// The Diffie-Hellman function. False also when the result is all zero, which a peer brings about
  /// with a key of small order: the handshake must then fail (section 12.1 allows it, RFC 7748
  /// section 6.1 recommends it).
  bool x25519(Own whose, const NoiseKeyPair& own, const NoiseKey& peer, NoiseKey& shared);
  /// To be called when a message of a handshake is done: nothing of its ephemeral secret stays.
  void forget_ephemeral();

 private:
  bool hmac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> first,
            std::span<const std::uint8_t> second, NoiseHash& out);
  evp_pkey_st* import_key(const NoiseKey& open, const NoiseKey* secret);
  evp_pkey_ctx_st* make_deriver(const NoiseKeyPair& own);
  /// A secret in OpenSSL's form, with `peer_` as the other side.
  struct Deriver {
    evp_pkey_ctx_st* context = nullptr;
    NoiseKeyPair own;
  };
  void forget(Deriver& deriver);
  bool derive(Deriver& deriver, const NoiseKeyPair& own, const NoiseKey& peer, NoiseKey& shared);

  Random* random_;
  evp_md_ctx_st* blake2b_ = nullptr;
  evp_mac_ctx_st* hmac_ = nullptr;
  evp_pkey_ctx_st* importer_ = nullptr;  ///< Makes OpenSSL's keys of ours.
  /// The other side of every derivation: its bytes are replaced, which costs a hundredth of making
  /// a key.
  evp_pkey_st* peer_ = nullptr;
  Deriver static_;
  Deriver ephemeral_;
};

}  // namespace rookery
