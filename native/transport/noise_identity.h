// Who the server is in the compact protocol: its static Noise key, and the certificate that binds
// it to the server's identity key (docs/PROTOCOL.md section 2.4).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "transport/noise_crypto.h"
#include "transport/noise_shared_secrets.h"

namespace rookery {

struct NoiseCertificate {
  std::uint64_t expires_s = 0;  ///< Seconds since 1970; 0: it does not.
  std::string domain;
  std::array<std::uint8_t, 32> identity_key{};  ///< Ed25519.

  [[nodiscard]] bool expired(std::uint64_t now_s) const {
    return expires_s != 0 && now_s > expires_s;
  }
};

/// The bytes of a certificate for `static_key`, signed with the Ed25519 key that has this seed.
/// Empty when the domain has not 1 to 255 bytes, or OpenSSL fails.
std::string make_noise_certificate(std::string_view domain, std::uint64_t expires_s,
                                   std::span<const std::uint8_t, 32> identity_seed,
                                   const NoiseKey& static_key);

/// What the bytes say, when they are a certificate of `static_key` with a good signature. Whether
/// it has expired, and whether the identity key is the one that was expected, is for the caller.
std::optional<NoiseCertificate> read_noise_certificate(std::string_view bytes,
                                                       const NoiseKey& static_key);

/// Shared by all shards; but for what is known of devices it never changes. Outlives the transports
/// that it was given to.
class NoiseIdentity {
 public:
  /// From the 32 secret bytes of the static key, and the certificate of that key. Null when they do
  /// not fit; `error` then says why.
  static std::shared_ptr<const NoiseIdentity> create(std::string_view static_secret,
                                                     std::string_view certificate,
                                                     std::string& error);

  [[nodiscard]] const NoiseKeyPair& keys() const { return keys_; }
  [[nodiscard]] const std::string& certificate() const { return certificate_; }
  /// Of these keys and known devices' keys. Any thread.
  [[nodiscard]] NoiseSharedSecrets& secrets() const { return secrets_; }

 private:
  NoiseIdentity() = default;

  NoiseKeyPair keys_;
  std::string certificate_;
  mutable NoiseSharedSecrets secrets_;
};

}  // namespace rookery
