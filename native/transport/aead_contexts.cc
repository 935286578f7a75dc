// AeadContexts on OpenSSL's EVP interface.
#include "transport/aead_contexts.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstring>
#include <new>

#include "transport/openssl_init.h"

namespace rookery {
namespace {

const char* cipher_name(AeadSuite suite) {
  switch (suite) {
    case AeadSuite::aes_128_gcm_sha256: return "AES-128-GCM";
    case AeadSuite::aes_256_gcm_sha384: return "AES-256-GCM";
    case AeadSuite::chacha20_sha256: return "ChaCha20-Poly1305";
  }
  return "";
}

EVP_MAC_CTX* make_hmac(const char* digest) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest), 0),
      OSSL_PARAM_construct_end()};
  if (context != nullptr && EVP_MAC_CTX_set_params(context, params) == 1) return context;
  EVP_MAC_CTX_free(context);
  return nullptr;
}

}  // namespace

AeadContexts::AeadContexts() {
  init_openssl();
  bool made = true;
  for (std::size_t index = 0; index < kAeadSuites; ++index) {
    const auto suite = static_cast<AeadSuite>(index);
    made = make_cipher(sealers_[index], suite, true) &&
           make_cipher(openers_[index], suite, false) && made;
  }
  hmac_sha256_ = make_hmac("SHA2-256");
  hmac_sha384_ = make_hmac("SHA2-384");
  // These algorithms are compiled in, so this can only be a lack of memory at start.
  if (!made || hmac_sha256_ == nullptr || hmac_sha384_ == nullptr) throw std::bad_alloc();
}

AeadContexts::~AeadContexts() {
  for (std::size_t index = 0; index < kAeadSuites; ++index) {
    EVP_CIPHER_CTX_free(sealers_[index].context);
    EVP_CIPHER_CTX_free(openers_[index].context);
    OPENSSL_cleanse(sealers_[index].key.data(), kMaxKeyBytes);
    OPENSSL_cleanse(openers_[index].key.data(), kMaxKeyBytes);
  }
  EVP_MAC_CTX_free(hmac_sha256_);
  EVP_MAC_CTX_free(hmac_sha384_);
}

bool AeadContexts::make_cipher(Cipher& cipher, AeadSuite suite, bool encrypts) {
  EVP_CIPHER* method = EVP_CIPHER_fetch(nullptr, cipher_name(suite), nullptr);
  cipher.context = EVP_CIPHER_CTX_new();
  const bool made =
      method != nullptr && cipher.context != nullptr &&
      EVP_CipherInit_ex(cipher.context, method, nullptr, nullptr, nullptr, encrypts ? 1 : 0) == 1;
  EVP_CIPHER_free(method);
  return made;
}

bool AeadContexts::load(Cipher& cipher, AeadSuite suite, const std::uint8_t* key,
                        const AeadNonce& nonce) {
  const std::size_t key_bytes = aead_key_bytes(suite);
  // Records of one connection often come in a row; its key is then still there.
  const bool same = cipher.loaded && std::memcmp(cipher.key.data(), key, key_bytes) == 0;
  cipher.loaded = EVP_CipherInit_ex(cipher.context, nullptr, nullptr, same ? nullptr : key,
                                    nonce.data(), -1) == 1;
  if (cipher.loaded && !same) std::memcpy(cipher.key.data(), key, key_bytes);
  return cipher.loaded;
}

bool AeadContexts::seal(AeadSuite suite, const std::uint8_t* key, const AeadNonce& nonce,
                        std::span<const std::uint8_t> associated, std::span<std::uint8_t> text) {
  Cipher& cipher = sealers_[static_cast<std::size_t>(suite)];
  int length = 0;
  std::uint8_t* const tag = text.data() + text.size();
  return load(cipher, suite, key, nonce) &&
         EVP_EncryptUpdate(cipher.context, nullptr, &length, associated.data(),
                           static_cast<int>(associated.size())) == 1 &&
         EVP_EncryptUpdate(cipher.context, text.data(), &length, text.data(),
                           static_cast<int>(text.size())) == 1 &&
         EVP_EncryptFinal_ex(cipher.context, tag, &length) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher.context, EVP_CTRL_AEAD_GET_TAG, kAeadTagBytes, tag) == 1;
}

bool AeadContexts::open(AeadSuite suite, const std::uint8_t* key, const AeadNonce& nonce,
                        std::span<const std::uint8_t> associated, std::span<std::uint8_t> text) {
  Cipher& cipher = openers_[static_cast<std::size_t>(suite)];
  int length = 0;
  std::uint8_t* const tag = text.data() + text.size();
  return load(cipher, suite, key, nonce) &&
         EVP_CIPHER_CTX_ctrl(cipher.context, EVP_CTRL_AEAD_SET_TAG, kAeadTagBytes, tag) == 1 &&
         EVP_DecryptUpdate(cipher.context, nullptr, &length, associated.data(),
                           static_cast<int>(associated.size())) == 1 &&
         EVP_DecryptUpdate(cipher.context, text.data(), &length, text.data(),
                           static_cast<int>(text.size())) == 1 &&
         EVP_DecryptFinal_ex(cipher.context, tag, &length) == 1;
}

bool AeadContexts::expand_label(AeadSuite suite, std::span<const std::uint8_t> secret,
                                std::string_view label, std::span<std::uint8_t> out) {
  // struct HkdfLabel { uint16 length; opaque label<7..255> = "tls13 " + label; opaque context<>; },
  // and the 1 with which HKDF-Expand numbers its first, here only, block.
  constexpr std::string_view kPrefix = "tls13 ";
  std::array<std::uint8_t, 64> info{};
  std::size_t size = 0;
  info[size++] = static_cast<std::uint8_t>(out.size() >> 8);
  info[size++] = static_cast<std::uint8_t>(out.size());
  info[size++] = static_cast<std::uint8_t>(kPrefix.size() + label.size());
  std::memcpy(&info[size], kPrefix.data(), kPrefix.size());
  size += kPrefix.size();
  std::memcpy(&info[size], label.data(), label.size());
  size += label.size();
  info[size++] = 0;
  info[size++] = 1;

  EVP_MAC_CTX* const mac = aead_secret_bytes(suite) == 48 ? hmac_sha384_ : hmac_sha256_;
  std::array<std::uint8_t, kMaxSecretBytes> block{};
  std::size_t length = 0;
  const bool done = EVP_MAC_init(mac, secret.data(), secret.size(), nullptr) == 1 &&
                    EVP_MAC_update(mac, info.data(), size) == 1 &&
                    EVP_MAC_final(mac, block.data(), &length, block.size()) == 1 &&
                    out.size() <= length;
  if (done) std::memcpy(out.data(), block.data(), out.size());
  OPENSSL_cleanse(block.data(), block.size());
  return done;
}

}  // namespace rookery
