// NoiseCrypto on OpenSSL's EVP interface.
#include "transport/noise_crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <memory>
#include <new>

#include "base/random.h"
#include "transport/openssl_init.h"

namespace rookery {
namespace {

struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct KeyContextFree {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, KeyFree>;
using KeyContextPointer = std::unique_ptr<EVP_PKEY_CTX, KeyContextFree>;

EVP_MD_CTX* make_digest() {
  EVP_MD* const digest = EVP_MD_fetch(nullptr, "BLAKE2B-512", nullptr);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  const bool made =
      digest != nullptr && context != nullptr && EVP_DigestInit_ex(context, digest, nullptr) == 1;
  EVP_MD_free(digest);
  if (made) return context;
  EVP_MD_CTX_free(context);
  return nullptr;
}

EVP_MAC_CTX* make_hmac() {
  EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  char name[] = "BLAKE2B-512";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                               OSSL_PARAM_construct_end()};
  if (context != nullptr && EVP_MAC_CTX_set_params(context, params) == 1) return context;
  EVP_MAC_CTX_free(context);
  return nullptr;
}

EVP_PKEY_CTX* make_importer() {
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_name(nullptr, "X25519", nullptr);
  if (context != nullptr && EVP_PKEY_fromdata_init(context) == 1) return context;
  EVP_PKEY_CTX_free(context);
  return nullptr;
}

}  // namespace

NoiseKeyPair::~NoiseKeyPair() { OPENSSL_cleanse(secret.data(), secret.size()); }

NoiseCrypto::NoiseCrypto(Random* random) : random_(random) {
  init_openssl();
  blake2b_ = make_digest();
  hmac_ = make_hmac();
  importer_ = make_importer();
  if (importer_ != nullptr) peer_ = import_key(NoiseKey{9}, nullptr);
  // These algorithms are compiled in, so this can only be a lack of memory at start.
  if (blake2b_ == nullptr || hmac_ == nullptr || peer_ == nullptr) throw std::bad_alloc();
}

NoiseCrypto::~NoiseCrypto() {
  EVP_MD_CTX_free(blake2b_);
  EVP_MAC_CTX_free(hmac_);
  EVP_PKEY_CTX_free(importer_);
  forget(static_);
  forget(ephemeral_);
  EVP_PKEY_free(peer_);
}

bool NoiseCrypto::hash(std::span<const std::uint8_t> first, std::span<const std::uint8_t> second,
                       NoiseHash& out) {
  return EVP_DigestInit_ex(blake2b_, nullptr, nullptr) == 1 &&
         EVP_DigestUpdate(blake2b_, first.data(), first.size()) == 1 &&
         EVP_DigestUpdate(blake2b_, second.data(), second.size()) == 1 &&
         EVP_DigestFinal_ex(blake2b_, out.data(), nullptr) == 1;
}

/// With an empty `key`, the key of the call before.
bool NoiseCrypto::hmac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> first,
                       std::span<const std::uint8_t> second, NoiseHash& out) {
  std::size_t length = 0;
  const std::uint8_t* const bytes = key.empty() ? nullptr : key.data();
  return EVP_MAC_init(hmac_, bytes, key.size(), nullptr) == 1 &&
         EVP_MAC_update(hmac_, first.data(), first.size()) == 1 &&
         EVP_MAC_update(hmac_, second.data(), second.size()) == 1 &&
         EVP_MAC_final(hmac_, out.data(), &length, out.size()) == 1 && length == out.size();
}

bool NoiseCrypto::hkdf(const NoiseHash& chaining_key, std::span<const std::uint8_t> input,
                       NoiseHash& first, NoiseHash& second) {
  constexpr std::array<std::uint8_t, 1> kOne = {1};
  constexpr std::array<std::uint8_t, 1> kTwo = {2};
  NoiseHash temporary{};
  const bool done = hmac(chaining_key, input, {}, temporary) && hmac(temporary, kOne, {}, first) &&
                    hmac({}, first, kTwo, second);
  OPENSSL_cleanse(temporary.data(), temporary.size());
  return done;
}

bool NoiseCrypto::make_key_pair(NoiseKeyPair& pair) {
  if (random_ != nullptr) {
    random_->fill(pair.secret);
  } else if (RAND_priv_bytes(pair.secret.data(), static_cast<int>(pair.secret.size())) != 1) {
    return false;
  }
  return complete(pair);
}

/// The public key is what the base point, 9, gives: OpenSSL's own way to it, through the tables of
/// Ed25519, takes longer than its assembler for X25519.
bool NoiseCrypto::complete(NoiseKeyPair& pair) {
  constexpr NoiseKey kBase = {9};
  NoiseKey open{};
  if (!x25519(Own::ephemeral_pair, pair, kBase, open)) return false;
  pair.open = open;
  return true;
}

/// With `secret`, a pair: both are handed over, for OpenSSL would compute the public key again.
evp_pkey_st* NoiseCrypto::import_key(const NoiseKey& open, const NoiseKey* secret) {
  std::array<OSSL_PARAM, 3> params{};
  std::size_t count = 0;
  const auto add = [&](const char* name, const NoiseKey& key) {
    params[count++] =
        OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(key.data()), key.size());
  };
  add(OSSL_PKEY_PARAM_PUB_KEY, open);
  if (secret != nullptr) add(OSSL_PKEY_PARAM_PRIV_KEY, *secret);
  params[count] = OSSL_PARAM_construct_end();
  EVP_PKEY* key = nullptr;
  const int selection = secret != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  if (EVP_PKEY_fromdata(importer_, &key, selection, params.data()) == 1) return key;
  EVP_PKEY_free(key);
  return nullptr;
}

evp_pkey_ctx_st* NoiseCrypto::make_deriver(const NoiseKeyPair& own) {
  const KeyPointer key(import_key(own.open, &own.secret));
  if (key == nullptr) return nullptr;
  KeyContextPointer deriver(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (deriver == nullptr || EVP_PKEY_derive_init(deriver.get()) != 1 ||
      EVP_PKEY_derive_set_peer_ex(deriver.get(), peer_, 0) != 1) {
    return nullptr;
  }
  return deriver.release();
}

void NoiseCrypto::forget(Deriver& deriver) {
  EVP_PKEY_CTX_free(deriver.context);  // with the key, which is wiped
  deriver.context = nullptr;
  OPENSSL_cleanse(deriver.own.secret.data(), deriver.own.secret.size());
}

void NoiseCrypto::forget_ephemeral() {
  if (ephemeral_.context != nullptr) forget(ephemeral_);
}

bool NoiseCrypto::derive(Deriver& deriver, const NoiseKeyPair& own, const NoiseKey& peer,
                         NoiseKey& shared) {
  if (deriver.context == nullptr || deriver.own.secret != own.secret) {
    forget(deriver);
    deriver.context = make_deriver(own);
    if (deriver.context == nullptr) return false;
    deriver.own.secret = own.secret;
  }
  std::size_t size = shared.size();
  return EVP_PKEY_set1_encoded_public_key(peer_, peer.data(), peer.size()) == 1 &&
         EVP_PKEY_derive(deriver.context, shared.data(), &size) == 1 && size == shared.size();
}

bool NoiseCrypto::x25519(Own whose, const NoiseKeyPair& own, const NoiseKey& peer,
                         NoiseKey& shared) {
  const bool done = derive(whose == Own::static_pair ? static_ : ephemeral_, own, peer, shared);
  // What OpenSSL says of a bad key must not be there when the next TLS connection asks for errors.
  if (!done) ERR_clear_error();
  return done;
}

}  // namespace rookery
