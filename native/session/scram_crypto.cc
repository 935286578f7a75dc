// SHA-1, SHA-256, HMAC and PBKDF2 on libcrypto's EVP interface with everything fetched beforehand.
#include "session/scram_crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <new>

namespace rookery::scram {
namespace {

constexpr std::size_t block_bytes = 64;  // Of both hashes.

struct FreeMd {
  void operator()(EVP_MD* md) const { EVP_MD_free(md); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

const EVP_MD* algorithm(Hash hash) {
  static const std::unique_ptr<EVP_MD, FreeMd> sha1{EVP_MD_fetch(nullptr, "SHA1", nullptr)};
  static const std::unique_ptr<EVP_MD, FreeMd> sha256{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  const EVP_MD* found = hash == Hash::sha1 ? sha1.get() : sha256.get();
  // Without its hashes the library is not there at all: nothing could be served.
  if (found == nullptr) throw std::bad_alloc();
  return found;
}

/// The thread's context for a hash. One for each, since a context that changes its algorithm
/// allocates anew.
EVP_MD_CTX* context(Hash hash) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> contexts[2] = {
      std::unique_ptr<EVP_MD_CTX, FreeContext>{EVP_MD_CTX_new()},
      std::unique_ptr<EVP_MD_CTX, FreeContext>{EVP_MD_CTX_new()}};
  EVP_MD_CTX* found = contexts[static_cast<std::size_t>(hash)].get();
  if (found == nullptr) throw std::bad_alloc();
  return found;
}

void check(int result) {
  // Hashing bytes in memory has no other way to fail.
  if (result != 1) throw std::bad_alloc();
}

Digest hash_parts(Hash hash, std::string_view first,
                  std::initializer_list<std::string_view> parts) {
  EVP_MD_CTX* const state = context(hash);
  check(EVP_DigestInit_ex2(state, algorithm(hash), nullptr));
  check(EVP_DigestUpdate(state, first.data(), first.size()));
  for (const std::string_view part : parts) {
    check(EVP_DigestUpdate(state, part.data(), part.size()));
  }
  Digest result{};
  check(EVP_DigestFinal_ex(state, result.data(), nullptr));
  return result;
}

}  // namespace

Digest digest(Hash hash, std::initializer_list<std::string_view> parts) {
  return hash_parts(hash, {}, parts);
}

Digest hmac(Hash hash, std::string_view key, std::initializer_list<std::string_view> parts) {
  std::array<char, block_bytes> block{};
  if (key.size() > block_bytes) {
    const Digest short_key = digest(hash, {key});
    std::copy_n(digest_view(hash, short_key).data(), digest_bytes(hash), block.data());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  for (char& byte : block) byte = static_cast<char>(byte ^ 0x36);
  const Digest inner = hash_parts(hash, {block.data(), block.size()}, parts);
  for (char& byte : block) byte = static_cast<char>(byte ^ (0x36 ^ 0x5C));
  const Digest outer = hash_parts(hash, {block.data(), block.size()}, {digest_view(hash, inner)});
  OPENSSL_cleanse(block.data(), block.size());
  return outer;
}

Digest salted_password(Hash hash, std::string_view password, std::string_view salt,
                       std::uint32_t iterations) {
  Digest result{};
  const auto* salt_bytes = reinterpret_cast<const unsigned char*>(salt.data());
  check(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt_bytes,
                          static_cast<int>(salt.size()), static_cast<int>(iterations),
                          algorithm(hash), static_cast<int>(digest_bytes(hash)), result.data()));
  return result;
}

DerivedKeys derive_keys(Hash hash, std::string_view password, std::string_view salt,
                        std::uint32_t iterations) {
  Digest salted = salted_password(hash, password, salt, iterations);
  Digest client_key = hmac(hash, digest_view(hash, salted), {"Client Key"});
  DerivedKeys keys;
  keys.stored_key = digest(hash, {digest_view(hash, client_key)});
  keys.server_key = hmac(hash, digest_view(hash, salted), {"Server Key"});
  OPENSSL_cleanse(salted.data(), salted.size());
  OPENSSL_cleanse(client_key.data(), client_key.size());
  return keys;
}

}  // namespace rookery::scram
