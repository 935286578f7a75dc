// The server's side of prologue, handshake and frames.
#include "transport/noise_transport.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <utility>

#include "transport/aead_contexts.h"
#include "transport/transport_scratch.h"

namespace rookery {
namespace {

constexpr std::string_view kMagic = "RKY";
constexpr std::size_t kVersionAt = 3;
constexpr std::size_t kDictionaryAt = 4;
constexpr std::size_t kPatternAt = 5;
constexpr std::size_t kMaxPlainBytes = kMaxNoiseMessageBytes - kAeadTagBytes;

static_assert(sizeof(NoiseTransport) <= 100, "the memory budget of an idle connection");

std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

std::size_t message_bytes(std::string_view frame) {
  return std::size_t{byte_at(frame, 0)} << 8 | byte_at(frame, 1);
}

void append_length(std::size_t size, std::string& out) {
  out += static_cast<char>(size >> 8);
  out += static_cast<char>(size);
}

/// ChaChaPoly's nonce: 32 zero bits and the counter, little-endian.
AeadNonce nonce_of(std::uint32_t counter) {
  AeadNonce nonce{};
  for (std::size_t index = 4; counter != 0; counter >>= 8) {
    nonce[index++] = static_cast<std::uint8_t>(counter);
  }
  return nonce;
}

/// A prologue is judged byte by byte as it arrives. False when it is wrong; `cause` is then `none`
/// when the peer does not speak this protocol at all.
bool check_prologue(std::string_view prologue, NoiseRefusal& cause) {
  const std::string_view magic = prologue.substr(0, kMagic.size());
  if (magic != kMagic.substr(0, magic.size())) return false;
  if (prologue.size() > kVersionAt && byte_at(prologue, kVersionAt) != kNoiseProtocolVersion) {
    cause = NoiseRefusal::version;
  } else if (prologue.size() > kDictionaryAt &&
             byte_at(prologue, kDictionaryAt) != kNoiseDictionaryVersion) {
    cause = NoiseRefusal::dictionary;
  } else if (prologue.size() > kPatternAt &&
             byte_at(prologue, kPatternAt) > static_cast<std::uint8_t>(NoisePattern::ik)) {
    cause = NoiseRefusal::pattern;
  }
  return cause == NoiseRefusal::none;
}

std::size_t heap_bytes_of(const std::string& text) {
  // A short string lives inside the object.
  return text.capacity() < sizeof(std::string) / 2 ? 0 : text.capacity() + 1;
}

}  // namespace

NoiseTransport::NoiseTransport(std::shared_ptr<const NoiseIdentity> identity) {
  rare().identity = std::move(identity);
}

NoiseTransport::~NoiseTransport() {
  OPENSSL_cleanse(receiving_.data(), receiving_.size());
  OPENSSL_cleanse(sending_.data(), sending_.size());
}

NoiseTransport::Rare& NoiseTransport::rare() {
  if (rare_ == nullptr) rare_ = std::make_unique<Rare>();
  return *rare_;
}

/// Lets go of what a connection at rest does not need.
void NoiseTransport::tidy() {
  if (rare_ == nullptr) return;
  if (rare_->partial.empty()) std::string().swap(rare_->partial);
  if (established() && !login_ready_ && rare_->partial.empty()) rare_.reset();
}

TransportStatus NoiseTransport::receive(TransportScratch& scratch, std::string_view wire,
                                        std::string& plain, std::string& wire_out) {
  if (failed_) return TransportStatus::failed;
  NoiseRefusal cause = NoiseRefusal::none;
  if (!read_prologue(scratch, wire, cause)) return fail(cause, wire_out);
  while (stage_ != Stage::prologue && !wire.empty()) {
    // Before the answer of IK the client has no keys to send anything with.
    if (stage_ == Stage::answer) return fail(NoiseRefusal::handshake, wire_out);
    std::string_view message;
    if (!next_frame(wire, message)) return fail(NoiseRefusal::handshake, wire_out);
    if (message.empty()) break;
    if (!read_message(scratch, message, plain, wire_out)) {
      return fail(NoiseRefusal::handshake, wire_out);
    }
    if (partial_used_) rare_->partial.clear();
    partial_used_ = false;
  }
  tidy();
  return TransportStatus::ok;
}

/// True when the prologue is complete, or good so far and all of `wire` is used.
bool NoiseTransport::read_prologue(TransportScratch& scratch, std::string_view& wire,
                                   NoiseRefusal& cause) {
  if (stage_ != Stage::prologue) return true;
  std::string& prologue = rare().partial;
  const std::size_t taken = std::min(wire.size(), kNoisePrologueBytes - prologue.size());
  prologue.append(wire.substr(0, taken));
  wire.remove_prefix(taken);
  if (!check_prologue(prologue, cause)) return false;
  if (prologue.size() < kNoisePrologueBytes) return true;
  cause = NoiseRefusal::handshake;
  pattern_ = static_cast<NoisePattern>(byte_at(prologue, kPatternAt));
  rare().handshake = std::make_unique<NoiseHandshake>(
      pattern_, NoiseRole::responder, rare().identity->keys(), &rare().identity->secrets());
  if (!rare().handshake->begin(scratch, prologue)) return false;
  prologue.clear();
  stage_ = Stage::handshake;
  return true;
}

/// Takes the next complete message from what has arrived. Empty when there is none; the rest of
/// `wire` is then kept. False when its length is not allowed.
bool NoiseTransport::next_frame(std::string_view& wire, std::string_view& message) {
  std::string_view frame = wire;
  if (rare_ != nullptr && !rare_->partial.empty()) {
    std::string& partial = rare_->partial;
    const auto take = [&](std::size_t needed) {
      const std::size_t taken = std::min(wire.size(), needed - std::min(needed, partial.size()));
      partial.append(wire.substr(0, taken));
      wire.remove_prefix(taken);
      return partial.size() >= needed;
    };
    if (!take(kNoiseFrameHeaderBytes)) return true;
    if (!check_length(partial)) return false;
    if (!take(kNoiseFrameHeaderBytes + message_bytes(partial))) return true;
    partial_used_ = true;
    frame = partial;
  } else {
    const bool headed = frame.size() >= kNoiseFrameHeaderBytes;
    if (headed && !check_length(frame)) return false;
    if (!headed || frame.size() < kNoiseFrameHeaderBytes + message_bytes(frame)) {
      rare().partial.assign(frame);
      wire = {};
      return true;
    }
    wire.remove_prefix(kNoiseFrameHeaderBytes + message_bytes(frame));
  }
  message = frame.substr(kNoiseFrameHeaderBytes, message_bytes(frame));
  return true;
}

/// A length is judged as soon as it is there, before the message's bytes are waited for.
bool NoiseTransport::check_length(std::string_view frame) const {
  const std::size_t size = message_bytes(frame);
  if (established()) return size >= kAeadTagBytes;
  return size != 0 && size <= kMaxNoiseHandshakeBytes;
}

bool NoiseTransport::read_message(TransportScratch& scratch, std::string_view message,
                                  std::string& plain, std::string& wire_out) {
  return established() ? open(scratch, message, plain) : read_handshake(scratch, message, wire_out);
}

bool NoiseTransport::read_handshake(TransportScratch& scratch, std::string_view message,
                                    std::string& wire_out) {
  NoiseHandshake& handshake = *rare().handshake;
  std::string& payload = rare().login;
  if (!handshake.read(scratch, message, payload)) return false;
  if (pattern_ == NoisePattern::xx && !handshake.finished()) {
    // The first message of XX has no payload: nobody could say who sent it.
    return payload.empty() && write_handshake(scratch, rare().identity->certificate(), wire_out);
  }
  rare().client_key = handshake.remote();
  login_ready_ = true;
  if (handshake.finished()) return establish(scratch);
  stage_ = Stage::answer;
  return true;
}

bool NoiseTransport::write_handshake(TransportScratch& scratch, std::string_view payload,
                                     std::string& wire_out) {
  std::string message;
  if (!rare().handshake->write(scratch, payload, message) ||
      message.size() > kMaxNoiseHandshakeBytes) {
    return false;
  }
  append_length(message.size(), wire_out);
  wire_out += message;
  return true;
}

bool NoiseTransport::establish(TransportScratch& scratch) {
  if (!rare().handshake->split(scratch, sending_, receiving_)) return false;
  rare().handshake.reset();
  rare().identity.reset();
  stage_ = Stage::transport;
  return true;
}

TransportStatus NoiseTransport::answer(TransportScratch& scratch, std::string_view payload,
                                       std::string& wire_out) {
  if (failed_ || self_closed_ || stage_ != Stage::answer) return TransportStatus::failed;
  const std::size_t start = wire_out.size();
  if (write_handshake(scratch, payload, wire_out) && establish(scratch)) {
    tidy();
    return TransportStatus::ok;
  }
  wire_out.resize(start);
  return fail(NoiseRefusal::handshake, wire_out);
}

/// Decrypts one message at the end of `plain`.
bool NoiseTransport::open(TransportScratch& scratch, std::string_view message, std::string& plain) {
  if (received_ >= scratch.noise_frames()) return false;
  const std::size_t start = plain.size();
  plain.append(message);
  const std::span<std::uint8_t> text(reinterpret_cast<std::uint8_t*>(&plain[start]),
                                     message.size() - kAeadTagBytes);
  const bool authentic = scratch.aead().open(AeadSuite::chacha20_sha256, receiving_.data(),
                                             nonce_of(received_), {}, text);
  plain.resize(start + (authentic ? text.size() : 0));
  if (authentic) ++received_;
  return authentic;
}

TransportStatus NoiseTransport::send(TransportScratch& scratch, std::string_view plain,
                                     std::string& wire_out) {
  if (failed_ || !established()) return TransportStatus::failed;
  if (self_closed_) return TransportStatus::closed;
  // Room for everything at once: growing in the middle of a frame copies it.
  const std::size_t frames = (plain.size() + kMaxPlainBytes - 1) / kMaxPlainBytes;
  wire_out.reserve(wire_out.size() + plain.size() +
                   frames * (kNoiseFrameHeaderBytes + kAeadTagBytes));
  while (!plain.empty()) {
    const std::string_view part = plain.substr(0, kMaxPlainBytes);
    if (!seal(scratch, part, wire_out)) return fail(NoiseRefusal::none, wire_out);
    plain.remove_prefix(part.size());
  }
  return TransportStatus::ok;
}

/// Appends one frame to `wire_out`, encrypted where it stands.
bool NoiseTransport::seal(TransportScratch& scratch, std::string_view plain,
                          std::string& wire_out) {
  if (sent_ >= scratch.noise_frames()) return false;
  const std::size_t start = wire_out.size();
  append_length(plain.size() + kAeadTagBytes, wire_out);
  wire_out += plain;
  wire_out.append(kAeadTagBytes, '\0');
  const std::span<std::uint8_t> text(
      reinterpret_cast<std::uint8_t*>(&wire_out[start + kNoiseFrameHeaderBytes]), plain.size());
  if (!scratch.aead().seal(AeadSuite::chacha20_sha256, sending_.data(), nonce_of(sent_), {},
                           text)) {
    wire_out.resize(start);  // Nothing of the plaintext may leave.
    return false;
  }
  ++sent_;
  return true;
}

void NoiseTransport::close(TransportScratch&, std::string&) { self_closed_ = true; }

void NoiseTransport::refuse(NoiseRefusal cause, std::string& wire_out) {
  if (!failed_ && !established()) fail(cause, wire_out);
}

/// After the handshake nobody is told why: whoever broke it can see it, and is not the client.
TransportStatus NoiseTransport::fail(NoiseRefusal cause, std::string& wire_out) {
  if (!established() && cause != NoiseRefusal::none) {
    refusal_ = cause;
    if (!self_closed_) {
      append_length(0, wire_out);
      wire_out += static_cast<char>(cause);
    }
  }
  failed_ = true;
  login_ready_ = false;
  rare_.reset();
  OPENSSL_cleanse(receiving_.data(), receiving_.size());
  OPENSSL_cleanse(sending_.data(), sending_.size());
  return TransportStatus::failed;
}

std::string_view NoiseTransport::version() const {
  if (stage_ == Stage::prologue) return "";
  return pattern_ == NoisePattern::xx ? "Noise_XX" : "Noise_IK";
}

std::string NoiseTransport::channel_binding(std::string_view) const { return {}; }

std::string_view NoiseTransport::login_payload() const {
  return login_ready_ ? std::string_view(rare_->login) : std::string_view();
}

void NoiseTransport::remember_client() {
  if (rare_ != nullptr && rare_->handshake != nullptr) rare_->handshake->remember_peer();
}

std::span<const std::uint8_t, kNoiseKeyBytes> NoiseTransport::client_key() const {
  static constexpr NoiseKey kNobody{};
  if (!login_ready_) return kNobody;
  return rare_->client_key;
}

void NoiseTransport::forget_channel_binding() {
  if (!established() || !login_ready_) return;
  login_ready_ = false;
  std::string().swap(rare_->login);
  tidy();
}

std::size_t NoiseTransport::heap_bytes() const {
  std::size_t total = sizeof *this;
  if (rare_ == nullptr) return total;
  total += sizeof(Rare) + heap_bytes_of(rare_->partial) + heap_bytes_of(rare_->login);
  if (rare_->handshake != nullptr) total += sizeof(NoiseHandshake);
  return total;
}

}  // namespace rookery
