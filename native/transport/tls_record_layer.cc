// The TLS 1.3 record layer: splitting into records, protection, alerts, key updates.
#include "transport/tls_record_layer.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

#include "transport/transport_scratch.h"

namespace rookery {
namespace {

constexpr std::size_t kHeaderBytes = 5;
constexpr std::size_t kMaxContentBytes = 16384;
constexpr std::size_t kMaxCiphertextBytes = kMaxContentBytes + 256;
constexpr std::size_t kRecordOverheadBytes = kHeaderBytes + 1 + kAeadTagBytes;

constexpr std::uint8_t kTypeAlert = 21;
constexpr std::uint8_t kTypeHandshake = 22;
constexpr std::uint8_t kTypeApplicationData = 23;

constexpr std::uint8_t kAlertWarning = 1;
constexpr std::uint8_t kAlertFatal = 2;

/// HandshakeType key_update, a 24-bit length of 1; KeyUpdateRequest follows.
constexpr std::array<std::uint8_t, 4> kKeyUpdateHeader = {24, 0, 0, 1};
constexpr std::uint8_t kUpdateNotRequested = 0;
constexpr std::uint8_t kUpdateRequested = 1;

// What a peer may do in a row without sending data: each costs CPU and brings nothing.
constexpr std::uint8_t kMaxEmptyRecords = 32;
constexpr std::uint8_t kMaxKeyUpdates = 128;
constexpr std::uint8_t kMaxWarnings = 4;

std::uint8_t* bytes(char* text) { return reinterpret_cast<std::uint8_t*>(text); }
const std::uint8_t* bytes(const char* text) { return reinterpret_cast<const std::uint8_t*>(text); }

std::size_t record_bytes(std::string_view header) {
  return kHeaderBytes + (std::size_t{bytes(header.data())[3]} << 8 | bytes(header.data())[4]);
}

/// A header is judged as soon as it is there, before the record's bytes are waited for.
TlsAlert check_header(std::string_view header) {
  // The version is "ignored for all purposes" (RFC 8446 section 5.1). After the handshake every
  // record is protected, so every outer type is application_data.
  if (bytes(header.data())[0] != kTypeApplicationData) return TlsAlert::unexpected_message;
  if (record_bytes(header) > kHeaderBytes + kMaxCiphertextBytes) return TlsAlert::record_overflow;
  if (record_bytes(header) < kRecordOverheadBytes) return TlsAlert::bad_record_mac;
  return TlsAlert::none;
}

/// The keys of both directions, as large as the suite needs and no larger.
template <std::size_t key_bytes, std::size_t secret_bytes>
class SizedRecordLayer final : public TlsRecordLayer {
 public:
  explicit SizedRecordLayer(AeadSuite suite) : TlsRecordLayer(suite) {}
  ~SizedRecordLayer() override { OPENSSL_cleanse(ways_.data(), sizeof ways_); }

 protected:
  Keys keys(Way way) override {
    WayKeys& kept = ways_[static_cast<std::size_t>(way)];
    return Keys{kept.secret, kept.key, kept.iv};
  }
  [[nodiscard]] std::size_t object_bytes() const override { return sizeof *this; }

 private:
  struct WayKeys {
    std::array<std::uint8_t, secret_bytes> secret;
    std::array<std::uint8_t, key_bytes> key;
    std::array<std::uint8_t, kAeadNonceBytes> iv;
  };
  std::array<WayKeys, 2> ways_{};
};

using Aes128RecordLayer = SizedRecordLayer<16, 32>;
using Aes256RecordLayer = SizedRecordLayer<32, 48>;
using ChachaRecordLayer = SizedRecordLayer<32, 32>;
static_assert(sizeof(Aes128RecordLayer) <= 160, "the memory budget of an idle connection");

}  // namespace

std::unique_ptr<TlsRecordLayer> TlsRecordLayer::create(TransportScratch& scratch,
                                                       const TlsTakeover& takeover) {
  std::unique_ptr<TlsRecordLayer> layer;
  switch (takeover.suite) {
    case AeadSuite::aes_128_gcm_sha256:
      layer = std::make_unique<Aes128RecordLayer>(takeover.suite);
      break;
    case AeadSuite::aes_256_gcm_sha384:
      layer = std::make_unique<Aes256RecordLayer>(takeover.suite);
      break;
    case AeadSuite::chacha20_sha256:
      layer = std::make_unique<ChachaRecordLayer>(takeover.suite);
      break;
  }
  const std::size_t secret_bytes = aead_secret_bytes(takeover.suite);
  if (takeover.client_secret.size() != secret_bytes ||
      takeover.server_secret.size() != secret_bytes ||
      !layer->derive(scratch, Way::read, takeover.client_secret) ||
      !layer->derive(scratch, Way::write, takeover.server_secret)) {
    return nullptr;
  }
  layer->sequence_[static_cast<std::size_t>(Way::write)] = takeover.records_sent;
  layer->fragment_code_ = takeover.max_fragment_code & 7;
  if (!takeover.exporter.empty() || takeover.server_end_point != nullptr) {
    layer->rare().exporter = takeover.exporter;
    layer->rare().unique = takeover.unique;
    layer->rare().server_end_point = takeover.server_end_point;
  }
  return layer;
}

TransportStatus TlsRecordLayer::receive(TransportScratch& scratch, std::string_view wire,
                                        std::string& plain, std::string& wire_out) {
  if (failed_) return TransportStatus::failed;
  TlsAlert alert = TlsAlert::none;
  while (!peer_closed_) {
    const bool from_partial = rare_ != nullptr && !rare_->partial.empty();
    const std::string_view record = next_record(wire, alert);
    if (alert == TlsAlert::none && !record.empty()) alert = process(scratch, record, plain);
    if (alert != TlsAlert::none) return fail(scratch, alert, wire_out);
    if (failed_) return TransportStatus::failed;  // By the peer's alert: nothing is answered.
    if (record.empty()) break;
    if (from_partial) drop_partial();
  }
  // One answer for all the updates of a call, as RFC 8446 section 4.6.3 allows.
  if (must_answer_update_ && !self_closed_ && !send_key_update(scratch, wire_out)) {
    return fail(scratch, TlsAlert::internal_error, wire_out);
  }
  must_answer_update_ = false;
  return peer_closed_ ? TransportStatus::closed : TransportStatus::ok;
}

/// Takes the next complete record from what has arrived. Empty when there is none; the rest of
/// `wire` is then kept.
std::string_view TlsRecordLayer::next_record(std::string_view& wire, TlsAlert& alert) {
  if (rare_ != nullptr && !rare_->partial.empty()) return complete_partial(wire, alert);
  if (wire.size() >= kHeaderBytes) {
    alert = check_header(wire);
    if (alert != TlsAlert::none) return {};
    const std::size_t needed = record_bytes(wire);
    if (wire.size() >= needed) {
      const std::string_view record = wire.substr(0, needed);
      wire.remove_prefix(needed);
      return record;
    }
  }
  if (!wire.empty()) rare().partial.assign(wire);
  return {};
}

std::string_view TlsRecordLayer::complete_partial(std::string_view& wire, TlsAlert& alert) {
  std::string& partial = rare_->partial;
  const auto take = [&](std::size_t needed) {
    const std::size_t taken = std::min(wire.size(), needed - std::min(needed, partial.size()));
    partial.append(wire.substr(0, taken));
    wire.remove_prefix(taken);
    return partial.size() >= needed;
  };
  if (!take(kHeaderBytes)) return {};
  alert = check_header(partial);
  if (alert != TlsAlert::none || !take(record_bytes(partial))) return {};
  return partial;
}

void TlsRecordLayer::drop_partial() {
  if (rare_->exporter.empty() && rare_->server_end_point == nullptr) {
    rare_.reset();
  } else {
    std::string().swap(rare_->partial);
  }
}

TlsRecordLayer::Rare& TlsRecordLayer::rare() {
  if (rare_ == nullptr) rare_ = std::make_unique<Rare>();
  return *rare_;
}

/// Decrypts one record at the end of `plain`, and leaves it there when it is application data.
TlsAlert TlsRecordLayer::process(TransportScratch& scratch, std::string_view record,
                                 std::string& plain) {
  const std::size_t start = plain.size();
  plain.append(record.substr(kHeaderBytes));
  const std::span<std::uint8_t> text(bytes(&plain[start]), plain.size() - start - kAeadTagBytes);
  const bool authentic = scratch.aead().open(suite_, keys(Way::read).key.data(), nonce(Way::read),
                                             {bytes(record.data()), kHeaderBytes}, text);
  if (!authentic) {
    plain.resize(start);
    return TlsAlert::bad_record_mac;
  }
  ++sequence_[static_cast<std::size_t>(Way::read)];

  // TLSInnerPlaintext: content, type, any number of zeros.
  std::size_t inner = text.size();
  while (inner > 0 && text[inner - 1] == 0) --inner;
  const std::uint8_t type = inner == 0 ? 0 : text[inner - 1];
  plain.resize(start + (inner == 0 ? 0 : inner - 1));

  const bool too_long =
      text.size() > kMaxContentBytes + 1 || plain.size() - start > max_content_bytes();
  TlsAlert alert = TlsAlert::record_overflow;
  if (!too_long) {
    // A message that is split over records suffers no other record between its parts.
    if (update_matched_ != 0 && type != kTypeHandshake) {
      alert = TlsAlert::unexpected_message;
    } else if (type == kTypeApplicationData) {
      if (plain.size() == start) {
        return ++idle_records_ > kMaxEmptyRecords ? TlsAlert::unexpected_message : TlsAlert::none;
      }
      idle_records_ = 0;
      key_updates_ = 0;
      return TlsAlert::none;
    } else if (type == kTypeHandshake) {
      alert = process_handshake(scratch, std::string_view(plain).substr(start));
    } else if (type == kTypeAlert) {
      alert = process_alert(std::string_view(plain).substr(start));
    } else {
      alert = TlsAlert::unexpected_message;
    }
  }
  plain.resize(start);
  return alert;
}

TlsAlert TlsRecordLayer::process_alert(std::string_view content) {
  if (content.size() != 2) return TlsAlert::decode_error;
  // The level says nothing in TLS 1.3: the description alone decides.
  switch (static_cast<TlsAlert>(bytes(content.data())[1])) {
    case TlsAlert::close_notify: peer_closed_ = true; break;
    case TlsAlert::user_canceled:
      if (++warnings_ > kMaxWarnings) return TlsAlert::unexpected_message;
      break;
    default: failed_ = true; break;
  }
  return TlsAlert::none;
}

/// A client may send nothing but KeyUpdate after its Finished: the server asked for nothing.
TlsAlert TlsRecordLayer::process_handshake(TransportScratch& scratch, std::string_view content) {
  if (content.empty()) return TlsAlert::unexpected_message;
  for (std::size_t index = 0; index < content.size(); ++index) {
    const std::uint8_t byte = bytes(content.data())[index];
    if (update_matched_ < kKeyUpdateHeader.size()) {
      if (byte != kKeyUpdateHeader[update_matched_]) {
        return update_matched_ == 0 ? TlsAlert::unexpected_message : TlsAlert::decode_error;
      }
      ++update_matched_;
      continue;
    }
    if (byte != kUpdateNotRequested && byte != kUpdateRequested) return TlsAlert::illegal_parameter;
    // What follows in this record would be under the old key.
    if (index + 1 != content.size() || ++key_updates_ > kMaxKeyUpdates) {
      return TlsAlert::unexpected_message;
    }
    update_matched_ = 0;
    if (byte == kUpdateRequested) must_answer_update_ = true;
    if (!update_keys(scratch, Way::read)) return TlsAlert::internal_error;
  }
  return TlsAlert::none;
}

TransportStatus TlsRecordLayer::send(TransportScratch& scratch, std::string_view plain,
                                     std::string& wire_out) {
  if (failed_) return TransportStatus::failed;
  if (self_closed_) return TransportStatus::closed;
  const std::size_t limit = max_content_bytes();
  // Room for everything at once: growing in the middle of a record copies it.
  const std::size_t records = (plain.size() + limit - 1) / limit;
  wire_out.reserve(wire_out.size() + plain.size() + records * kRecordOverheadBytes);
  while (!plain.empty()) {
    if (sequence_[static_cast<std::size_t>(Way::write)] >= scratch.records_per_key() &&
        !send_key_update(scratch, wire_out)) {
      return fail(scratch, TlsAlert::internal_error, wire_out);
    }
    const std::string_view content = plain.substr(0, limit);
    if (!seal(scratch, kTypeApplicationData, content, wire_out)) {
      return fail(scratch, TlsAlert::internal_error, wire_out);
    }
    plain.remove_prefix(content.size());
  }
  return TransportStatus::ok;
}

void TlsRecordLayer::close(TransportScratch& scratch, std::string& wire_out) {
  if (failed_ || self_closed_) return;
  const std::array<char, 2> alert = {kAlertWarning, static_cast<char>(TlsAlert::close_notify)};
  seal(scratch, kTypeAlert, {alert.data(), alert.size()}, wire_out);
  self_closed_ = true;
}

TransportStatus TlsRecordLayer::fail(TransportScratch& scratch, TlsAlert alert,
                                     std::string& wire_out) {
  if (!self_closed_) {
    const std::array<char, 2> content = {kAlertFatal, static_cast<char>(alert)};
    seal(scratch, kTypeAlert, {content.data(), content.size()}, wire_out);
  }
  failed_ = true;
  rare_.reset();
  return TransportStatus::failed;
}

/// Appends one protected record to `wire_out`, encrypted where it stands.
bool TlsRecordLayer::seal(TransportScratch& scratch, std::uint8_t type, std::string_view content,
                          std::string& wire_out) {
  const std::size_t start = wire_out.size();
  const std::size_t length = content.size() + 1 + kAeadTagBytes;
  const std::array<char, kHeaderBytes> header = {
      kTypeApplicationData, 3, 3, static_cast<char>(length >> 8), static_cast<char>(length)};
  wire_out.append(header.data(), header.size());
  wire_out.append(content);
  wire_out.push_back(static_cast<char>(type));
  wire_out.append(kAeadTagBytes, '\0');
  const std::span<std::uint8_t> text(bytes(&wire_out[start + kHeaderBytes]), content.size() + 1);
  if (!scratch.aead().seal(suite_, keys(Way::write).key.data(), nonce(Way::write),
                           {bytes(header.data()), header.size()}, text)) {
    wire_out.resize(start);  // Nothing of the plaintext may leave.
    return false;
  }
  ++sequence_[static_cast<std::size_t>(Way::write)];
  return true;
}

bool TlsRecordLayer::send_key_update(TransportScratch& scratch, std::string& wire_out) {
  std::array<char, kKeyUpdateHeader.size() + 1> message{};
  std::copy(kKeyUpdateHeader.begin(), kKeyUpdateHeader.end(), message.begin());
  message.back() = kUpdateNotRequested;
  return seal(scratch, kTypeHandshake, {message.data(), message.size()}, wire_out) &&
         update_keys(scratch, Way::write);
}

std::size_t TlsRecordLayer::max_content_bytes() const {
  return fragment_code_ == 0 ? kMaxContentBytes : std::size_t{256} << fragment_code_;
}

/// The nonce of the next record: the IV with the sequence number in its last eight bytes.
AeadNonce TlsRecordLayer::nonce(Way way) {
  AeadNonce result{};
  const Keys kept = keys(way);
  std::copy(kept.iv.begin(), kept.iv.end(), result.begin());
  std::uint64_t sequence = sequence_[static_cast<std::size_t>(way)];
  for (std::size_t index = kAeadNonceBytes; sequence != 0; sequence >>= 8) {
    result[--index] ^= static_cast<std::uint8_t>(sequence);
  }
  return result;
}

/// Takes `secret` into use for one direction (RFC 8446 section 7.3).
bool TlsRecordLayer::derive(TransportScratch& scratch, Way way,
                            std::span<const std::uint8_t> secret) {
  const Keys kept = keys(way);
  std::copy(secret.begin(), secret.end(), kept.secret.begin());
  sequence_[static_cast<std::size_t>(way)] = 0;
  return scratch.aead().expand_label(suite_, kept.secret, "key", kept.key) &&
         scratch.aead().expand_label(suite_, kept.secret, "iv", kept.iv);
}

bool TlsRecordLayer::update_keys(TransportScratch& scratch, Way way) {
  std::array<std::uint8_t, kMaxSecretBytes> next{};
  const std::span<std::uint8_t> secret(next.data(), aead_secret_bytes(suite_));
  const bool done = scratch.aead().expand_label(suite_, keys(way).secret, "traffic upd", secret) &&
                    derive(scratch, way, secret);
  OPENSSL_cleanse(next.data(), next.size());
  return done;
}

std::string TlsRecordLayer::channel_binding(std::string_view type) const {
  if (rare_ == nullptr) return {};
  if (type == "tls-exporter") return rare_->exporter;
  if (type == "tls-unique") return rare_->unique;
  if (type == "tls-server-end-point" && rare_->server_end_point != nullptr) {
    return *rare_->server_end_point;
  }
  return {};
}

void TlsRecordLayer::forget_channel_binding() {
  if (rare_ == nullptr) return;
  std::string().swap(rare_->exporter);
  std::string().swap(rare_->unique);
  rare_->server_end_point.reset();
  if (rare_->partial.empty()) rare_.reset();
}

std::size_t TlsRecordLayer::heap_bytes() const {
  std::size_t total = object_bytes();
  if (rare_ == nullptr) return total;
  total += sizeof(Rare);
  // A short string lives inside the object.
  for (const std::string* text : {&rare_->partial, &rare_->exporter, &rare_->unique}) {
    if (text->capacity() > sizeof(std::string)) total += text->capacity() + 1;
  }
  return total;
}

}  // namespace rookery
