// The hashing that SCRAM is made of, for SHA-1 and SHA-256. OpenSSL 3 looks an algorithm up by name
// on every one-shot call, which costs more than the hash; here it is looked up once per process and
// one context per thread is used over and over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace rookery::scram {

enum class Hash : std::uint8_t { sha1, sha256 };

inline constexpr std::size_t max_digest_bytes = 32;
using Digest = std::array<std::uint8_t, max_digest_bytes>;

constexpr std::size_t digest_bytes(Hash hash) { return hash == Hash::sha1 ? 20 : 32; }

/// The first digest_bytes() of a digest.
inline std::string_view digest_view(Hash hash, const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest_bytes(hash)};
}

/// The hash of the parts put together.
Digest digest(Hash hash, std::initializer_list<std::string_view> parts);

/// HMAC (RFC 2104) of the parts put together.
Digest hmac(Hash hash, std::string_view key, std::initializer_list<std::string_view> parts);

/// Hi() of RFC 5802: PBKDF2 with one block of output.
Digest salted_password(Hash hash, std::string_view password, std::string_view salt,
                       std::uint32_t iterations);

/// StoredKey and ServerKey.
struct DerivedKeys {
  Digest stored_key{};
  Digest server_key{};
};
DerivedKeys derive_keys(Hash hash, std::string_view password, std::string_view salt,
                        std::uint32_t iterations);

}  // namespace rookery::scram
