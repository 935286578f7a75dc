// The symmetric state and the two patterns. The names follow section 5 of the specification.
#include "transport/noise_handshake.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>

#include "transport/aead_contexts.h"
#include "transport/transport_scratch.h"

namespace rookery {
namespace {

/// No message has this number: the handshake is over.
constexpr std::uint8_t kBroken = 255;

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string_view text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view protocol_name(NoisePattern pattern) {
  return pattern == NoisePattern::xx ? "Noise_XX_25519_ChaChaPoly_BLAKE2b"
                                     : "Noise_IK_25519_ChaChaPoly_BLAKE2b";
}

constexpr std::size_t message_count(NoisePattern pattern) {
  return pattern == NoisePattern::xx ? 3 : 2;
}

/// ChaChaPoly's nonce: 32 zero bits and the counter, little-endian. It is a byte here.
AeadNonce nonce_of(std::uint8_t counter) { return AeadNonce{0, 0, 0, 0, counter}; }

}  // namespace

NoiseHandshake::NoiseHandshake(NoisePattern pattern, NoiseRole role, const NoiseKeyPair& own,
                               NoiseSharedSecrets* secrets)
    : own_(&own), secrets_(secrets), pattern_(pattern), role_(role) {}

NoiseHandshake::~NoiseHandshake() {
  OPENSSL_cleanse(chaining_key_.data(), chaining_key_.size());
  OPENSSL_cleanse(key_.data(), key_.size());
  if (static_shared_ != nullptr) OPENSSL_cleanse(static_shared_->data(), static_shared_->size());
}

std::span<const NoiseHandshake::Token> NoiseHandshake::tokens(NoisePattern pattern,
                                                              std::size_t message) {
  using enum Token;
  static constexpr std::array kXx1 = {e};
  static constexpr std::array kXx2 = {e, ee, s, es};
  static constexpr std::array kXx3 = {s, se};
  static constexpr std::array kIk1 = {e, es, s, ss};
  static constexpr std::array kIk2 = {e, ee, se};
  if (pattern == NoisePattern::ik) {
    if (message == 0) return kIk1;
    return kIk2;
  }
  if (message == 0) return kXx1;
  if (message == 1) return kXx2;
  return kXx3;
}

bool NoiseHandshake::begin(TransportScratch& scratch, std::string_view prologue,
                           const NoiseKey* remote) {
  // The name is shorter than a hash, so it is padded with zeros instead of hashed.
  const std::string_view name = protocol_name(pattern_);
  std::copy(name.begin(), name.end(), hash_.begin());
  chaining_key_ = hash_;
  if (remote != nullptr) remote_static_ = *remote;
  const NoiseKey& responder = role_ == NoiseRole::initiator ? remote_static_ : own_->open;
  return mix_hash(scratch, prologue) &&
         (pattern_ == NoisePattern::xx || mix_hash(scratch, text(responder)));
}

bool NoiseHandshake::finished() const { return message_ == message_count(pattern_); }

/// The initiator writes the messages 0 and 2.
bool NoiseHandshake::may(bool writing) const {
  const bool initiators = message_ % 2 == 0;
  return message_ < message_count(pattern_) &&
         writing == (initiators == (role_ == NoiseRole::initiator));
}

bool NoiseHandshake::write(TransportScratch& scratch, std::string_view payload, std::string& out) {
  const std::size_t start = out.size();
  bool fine = may(true);
  if (fine) {
    for (const Token token : tokens(pattern_, message_)) {
      fine = fine && write_token(scratch, token, out);
    }
    fine = fine && encrypt_and_hash(scratch, payload, out);
  }
  if (!fine) out.resize(start);
  message_ = fine ? message_ + 1 : kBroken;
  scratch.noise().forget_ephemeral();
  return fine;
}

bool NoiseHandshake::read(TransportScratch& scratch, std::string_view message,
                          std::string& payload) {
  const std::size_t start = payload.size();
  bool fine = may(false);
  if (fine) {
    for (const Token token : tokens(pattern_, message_)) {
      fine = fine && read_token(scratch, token, message);
    }
    fine = fine && decrypt_and_hash(scratch, message, payload);
  }
  if (!fine) payload.resize(start);
  message_ = fine ? message_ + 1 : kBroken;
  scratch.noise().forget_ephemeral();
  return fine;
}

bool NoiseHandshake::write_token(TransportScratch& scratch, Token token, std::string& out) {
  if (token == Token::e) {
    if (!scratch.noise().make_key_pair(ephemeral_)) return false;
    out.append(text(ephemeral_.open));
    return mix_hash(scratch, text(ephemeral_.open));
  }
  if (token == Token::s) return encrypt_and_hash(scratch, text(own_->open), out);
  return mix_dh(scratch, token);
}

bool NoiseHandshake::read_token(TransportScratch& scratch, Token token, std::string_view& message) {
  if (token != Token::e && token != Token::s) return mix_dh(scratch, token);
  const bool encrypted = token == Token::s && has_key_;
  const std::size_t size = kNoiseKeyBytes + (encrypted ? kAeadTagBytes : 0);
  if (message.size() < size) return false;
  const std::string_view taken = message.substr(0, size);
  message.remove_prefix(size);
  if (token == Token::e) {
    std::copy(taken.begin(), taken.end(), remote_ephemeral_.begin());
    return mix_hash(scratch, taken);
  }
  std::string key;
  if (!decrypt_and_hash(scratch, taken, key)) return false;
  std::copy(key.begin(), key.end(), remote_static_.begin());
  return true;
}

/// The letters say whose key of the initiator and whose of the responder: "es" is the initiator's
/// ephemeral and the responder's static one.
bool NoiseHandshake::diffie_hellman(TransportScratch& scratch, Token token, NoiseKey& shared) {
  const bool initiator = role_ == NoiseRole::initiator;
  const bool own_static = token == Token::ss || token == (initiator ? Token::se : Token::es);
  const bool remote_static = token == Token::ss || token == (initiator ? Token::es : Token::se);
  const bool reusable = token == Token::ss && secrets_ != nullptr;
  if (reusable && secrets_->find(remote_static_, shared)) return true;
  const bool fine = scratch.noise().x25519(
      own_static ? NoiseCrypto::Own::static_pair : NoiseCrypto::Own::ephemeral_pair,
      own_static ? *own_ : ephemeral_, remote_static ? remote_static_ : remote_ephemeral_, shared);
  if (fine && reusable) static_shared_ = std::make_unique<NoiseKey>(shared);
  return fine;
}

void NoiseHandshake::remember_peer() {
  if (static_shared_ != nullptr) secrets_->remember(remote_static_, *static_shared_);
}

bool NoiseHandshake::mix_dh(TransportScratch& scratch, Token token) {
  NoiseKey shared{};
  const bool fine = diffie_hellman(scratch, token, shared) && mix_key(scratch, shared);
  OPENSSL_cleanse(shared.data(), shared.size());
  return fine;
}

bool NoiseHandshake::mix_key(TransportScratch& scratch, const NoiseKey& input) {
  NoiseHash next{};
  NoiseHash key{};
  const bool fine = scratch.noise().hkdf(chaining_key_, input, next, key);
  chaining_key_ = next;
  std::copy_n(key.begin(), key_.size(), key_.begin());
  OPENSSL_cleanse(next.data(), next.size());
  OPENSSL_cleanse(key.data(), key.size());
  nonce_ = 0;
  has_key_ = true;
  return fine;
}

bool NoiseHandshake::mix_hash(TransportScratch& scratch, std::string_view data) {
  return scratch.noise().hash(hash_, bytes(data), hash_);
}

bool NoiseHandshake::encrypt_and_hash(TransportScratch& scratch, std::string_view plain,
                                      std::string& out) {
  const std::size_t start = out.size();
  out.append(plain);
  if (has_key_) {
    out.append(kAeadTagBytes, '\0');
    const std::span<std::uint8_t> place(reinterpret_cast<std::uint8_t*>(&out[start]), plain.size());
    if (!scratch.aead().seal(AeadSuite::chacha20_sha256, key_.data(), nonce_of(nonce_++), hash_,
                             place)) {
      out.resize(start);  // Nothing of the plaintext may leave.
      return false;
    }
  }
  return mix_hash(scratch, std::string_view(out).substr(start));
}

bool NoiseHandshake::decrypt_and_hash(TransportScratch& scratch, std::string_view cipher,
                                      std::string& out) {
  const std::size_t start = out.size();
  out.append(cipher);
  if (has_key_) {
    if (cipher.size() < kAeadTagBytes) {
      out.resize(start);
      return false;
    }
    const std::span<std::uint8_t> place(reinterpret_cast<std::uint8_t*>(&out[start]),
                                        cipher.size() - kAeadTagBytes);
    if (!scratch.aead().open(AeadSuite::chacha20_sha256, key_.data(), nonce_of(nonce_++), hash_,
                             place)) {
      out.resize(start);
      return false;
    }
    out.resize(start + place.size());
  }
  return mix_hash(scratch, cipher);
}

bool NoiseHandshake::split(TransportScratch& scratch, NoiseKey& sending, NoiseKey& receiving) {
  NoiseHash first{};
  NoiseHash second{};
  const bool fine = finished() && scratch.noise().hkdf(chaining_key_, {}, first, second);
  if (fine) {
    // The first key is the initiator's to send with.
    const bool initiator = role_ == NoiseRole::initiator;
    std::copy_n((initiator ? first : second).begin(), sending.size(), sending.begin());
    std::copy_n((initiator ? second : first).begin(), receiving.size(), receiving.begin());
  }
  OPENSSL_cleanse(first.data(), first.size());
  OPENSSL_cleanse(second.data(), second.size());
  return fine;
}

}  // namespace rookery
