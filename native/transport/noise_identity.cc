// Certificates of the compact protocol: layout, signature.
#include "transport/noise_identity.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>

#include "transport/openssl_init.h"

namespace rookery {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxDomainBytes = 255;
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kIdentityKeyBytes = 32;
/// Version, end of validity, length of the domain.
constexpr std::size_t kHeadBytes = 1 + 8 + 1;
constexpr std::string_view kContext{"rookery certificate 1\0", 22};

const std::uint8_t* bytes(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct DigestFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, KeyFree>;
using DigestPointer = std::unique_ptr<EVP_MD_CTX, DigestFree>;

/// What is signed: the certificate up to the signature between a context and the key that it is
/// for.
std::string signed_text(std::string_view body, const NoiseKey& static_key) {
  std::string text(kContext);
  text += body;
  text.append(static_key.begin(), static_key.end());
  return text;
}

bool verify(std::string_view text, std::string_view signature, std::string_view key_bytes) {
  const KeyPointer key(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes(key_bytes),
                                                      key_bytes.size()));
  const DigestPointer context(EVP_MD_CTX_new());
  const bool good = key != nullptr && context != nullptr &&
                    EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr,
                                            key.get(), nullptr) == 1 &&
                    EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(text),
                                     text.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace

std::string make_noise_certificate(std::string_view domain, std::uint64_t expires_s,
                                   std::span<const std::uint8_t, 32> identity_seed,
                                   const NoiseKey& static_key) {
  init_openssl();
  const KeyPointer key(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr,
                                                       identity_seed.data(), identity_seed.size()));
  std::array<std::uint8_t, kIdentityKeyBytes> identity_key{};
  std::size_t key_size = identity_key.size();
  if (domain.empty() || domain.size() > kMaxDomainBytes || key == nullptr ||
      EVP_PKEY_get_raw_public_key(key.get(), identity_key.data(), &key_size) != 1) {
    return {};
  }
  std::string body(1, static_cast<char>(kVersion));
  for (int shift = 56; shift >= 0; shift -= 8) body += static_cast<char>(expires_s >> shift);
  body += static_cast<char>(domain.size());
  body += domain;
  body.append(identity_key.begin(), identity_key.end());

  const std::string text = signed_text(body, static_key);
  std::array<std::uint8_t, kSignatureBytes> signature{};
  std::size_t size = signature.size();
  const DigestPointer context(EVP_MD_CTX_new());
  if (context == nullptr ||
      EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key.get(),
                            nullptr) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, bytes(text), text.size()) != 1) {
    return {};
  }
  return body.append(signature.begin(), signature.end());
}

std::optional<NoiseCertificate> read_noise_certificate(std::string_view text,
                                                       const NoiseKey& static_key) {
  init_openssl();
  if (text.size() < kHeadBytes || bytes(text)[0] != kVersion) return std::nullopt;
  const std::size_t domain_bytes = bytes(text)[kHeadBytes - 1];
  const std::size_t body_bytes = kHeadBytes + domain_bytes + kIdentityKeyBytes;
  if (domain_bytes == 0 || text.size() != body_bytes + kSignatureBytes) return std::nullopt;
  NoiseCertificate certificate;
  for (int index = 1; index <= 8; ++index) {
    certificate.expires_s = certificate.expires_s << 8 | bytes(text)[index];
  }
  certificate.domain = text.substr(kHeadBytes, domain_bytes);
  const std::string_view key = text.substr(kHeadBytes + domain_bytes, kIdentityKeyBytes);
  std::copy(key.begin(), key.end(), certificate.identity_key.begin());
  if (!verify(signed_text(text.substr(0, body_bytes), static_key), text.substr(body_bytes), key)) {
    return std::nullopt;
  }
  return certificate;
}

std::shared_ptr<const NoiseIdentity> NoiseIdentity::create(std::string_view static_secret,
                                                           std::string_view certificate,
                                                           std::string& error) {
  std::shared_ptr<NoiseIdentity> identity(new NoiseIdentity);
  if (static_secret.size() != kNoiseKeyBytes) {
    error = "the static key of the compact protocol has not 32 bytes";
    return nullptr;
  }
  std::copy(static_secret.begin(), static_secret.end(), identity->keys_.secret.begin());
  NoiseCrypto crypto(nullptr);
  if (!crypto.complete(identity->keys_)) {
    error = "the static key of the compact protocol: OpenSSL is out of memory";
    return nullptr;
  }
  if (!read_noise_certificate(certificate, identity->keys_.open)) {
    error = "the certificate of the compact protocol is not one of the static key";
    return nullptr;
  }
  identity->certificate_ = certificate;
  return identity;
}

}  // namespace rookery
