// The ciphers of the TLS 1.3 record layer and the key schedule that feeds them. One set of OpenSSL
// contexts serves all connections of a shard: the key is loaded for each record, which costs less
// than keeping 1,200 bytes of expanded key for each connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace rookery {

enum class AeadSuite : std::uint8_t { aes_128_gcm_sha256, aes_256_gcm_sha384, chacha20_sha256 };

inline constexpr std::size_t kAeadSuites = 3;
inline constexpr std::size_t kAeadTagBytes = 16;
inline constexpr std::size_t kAeadNonceBytes = 12;
inline constexpr std::size_t kMaxKeyBytes = 32;
inline constexpr std::size_t kMaxSecretBytes = 48;

constexpr std::size_t aead_key_bytes(AeadSuite suite) {
  return suite == AeadSuite::aes_128_gcm_sha256 ? 16 : 32;
}
constexpr std::size_t aead_secret_bytes(AeadSuite suite) {
  return suite == AeadSuite::aes_256_gcm_sha384 ? 48 : 32;
}

using AeadNonce = std::array<std::uint8_t, kAeadNonceBytes>;

/// Used by one thread at a time.
class AeadContexts {
 public:
  AeadContexts();
  ~AeadContexts();
  AeadContexts(const AeadContexts&) = delete;
  AeadContexts& operator=(const AeadContexts&) = delete;

  /// Encrypts `text` in place and writes the tag behind it, where there must be room. False only
  /// when OpenSSL fails (out of memory).
  bool seal(AeadSuite suite, const std::uint8_t* key, const AeadNonce& nonce,
            std::span<const std::uint8_t> associated, std::span<std::uint8_t> text);

  /// Decrypts `text` in place; the tag stands behind it. False when it does not authenticate:
  /// `text` is then garbage that must not be used.
  bool open(AeadSuite suite, const std::uint8_t* key, const AeadNonce& nonce,
            std::span<const std::uint8_t> associated, std::span<std::uint8_t> text);

  /// HKDF-Expand-Label with an empty context (RFC 8446 section 7.1); `out` is at most one hash
  /// long.
  bool expand_label(AeadSuite suite, std::span<const std::uint8_t> secret, std::string_view label,
                    std::span<std::uint8_t> out);

 private:
  struct Cipher {
    evp_cipher_ctx_st* context = nullptr;
    std::array<std::uint8_t, kMaxKeyBytes> key{};  ///< The one that is loaded.
    bool loaded = false;
  };

  bool make_cipher(Cipher& cipher, AeadSuite suite, bool encrypts);
  bool load(Cipher& cipher, AeadSuite suite, const std::uint8_t* key, const AeadNonce& nonce);

  std::array<Cipher, kAeadSuites> sealers_;
  std::array<Cipher, kAeadSuites> openers_;
  evp_mac_ctx_st* hmac_sha256_ = nullptr;
  evp_mac_ctx_st* hmac_sha384_ = nullptr;
};

}  // namespace rookery
