// The transport around an SSL object, and the moment at which the record layer takes over.
#include "transport/tls_handshake.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <optional>

namespace rookery {
namespace {

/// What an SSL object at rest costs, measured with test/bench/tls_bench.cc: OpenSSL does not tell.
constexpr std::size_t kSslObjectBytes = 13700;

constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kExporterBytes = 32;
constexpr std::size_t kMaxHeldBytes = 2 * ClientHelloGate::kMaxHelloBytes;

std::optional<AeadSuite> suite_of(const SSL* ssl) {
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl);
  if (cipher == nullptr) return std::nullopt;
  switch (SSL_CIPHER_get_id(cipher)) {
    case TLS1_3_CK_AES_128_GCM_SHA256: return AeadSuite::aes_128_gcm_sha256;
    case TLS1_3_CK_AES_256_GCM_SHA384: return AeadSuite::aes_256_gcm_sha384;
    case TLS1_3_CK_CHACHA20_POLY1305_SHA256: return AeadSuite::chacha20_sha256;
    default: return std::nullopt;
  }
}

std::uint64_t count_records(std::string_view wire) {
  std::uint64_t count = 0;
  while (wire.size() >= kRecordHeaderBytes) {
    const std::size_t length =
        kRecordHeaderBytes + (std::size_t{static_cast<unsigned char>(wire[3])} << 8 |
                              static_cast<unsigned char>(wire[4]));
    ++count;
    wire.remove_prefix(std::min(wire.size(), length));
  }
  return count;
}

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  return (digit | 0x20) - 'a' + 10;
}

std::string exporter_binding(SSL* ssl) {
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  std::string out(kExporterBytes, '\0');
  const int done =
      SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(out.data()), out.size(),
                                 kLabel.data(), kLabel.size(), nullptr, 0, 1);
  return done == 1 ? out : std::string();
}

/// The first Finished message of the handshake: the server's when a session was resumed.
std::string unique_binding(const SSL* ssl) {
  // Before TLS 1.3, without the extended master secret this value does not name one connection (RFC
  // 7627). In TLS 1.3 it does, but the type is not defined: accepted for clients that use it all
  // the same (Python's ssl module gives them no other), never offered.
  const bool tls13 = SSL_version(ssl) == TLS1_3_VERSION;
  if (!tls13 && SSL_get_extms_support(const_cast<SSL*>(ssl)) != 1) return {};
  std::array<char, EVP_MAX_MD_SIZE> finished{};
  const std::size_t size = SSL_session_reused(ssl) == 1
                               ? SSL_get_finished(ssl, finished.data(), finished.size())
                               : SSL_get_peer_finished(ssl, finished.data(), finished.size());
  return {finished.data(), std::min(size, finished.size())};
}

}  // namespace

TlsHandshake::Secrets::~Secrets() { OPENSSL_cleanse(this, sizeof *this); }

TlsHandshake::TlsHandshake(ssl_ctx_st* context, bool takeover,
                           std::shared_ptr<const std::string> server_end_point)
    : context_(context), server_end_point_(std::move(server_end_point)), takeover_(takeover) {
  SSL_CTX_up_ref(context_);
}

TlsHandshake::~TlsHandshake() {
  SSL_CTX_free(context_);
  free_ssl();
}

bool TlsHandshake::make_ssl() {
  ssl_ = SSL_new(context_);
  SSL_CTX_free(context_);  // The SSL object has its own reference.
  context_ = nullptr;
  if (ssl_ == nullptr) return false;
  SSL_set_app_data(ssl_, this);
  SSL_set_accept_state(ssl_);
  return true;
}

void TlsHandshake::free_ssl() {
  SSL_free(ssl_);
  ssl_ = nullptr;
  secrets_.reset();
}

void TlsHandshake::on_keylog(const ssl_st* ssl, const char* line) {
  auto* const self = static_cast<TlsHandshake*>(SSL_get_app_data(ssl));
  if (self == nullptr || !self->takeover_) return;
  const std::string_view text(line);
  const std::string_view label = text.substr(0, text.find(' '));
  const bool client = label == "CLIENT_TRAFFIC_SECRET_0";
  if (!client && label != "SERVER_TRAFFIC_SECRET_0") return;
  if (self->secrets_ == nullptr) self->secrets_ = std::make_unique<Secrets>();
  Secret& secret = client ? self->secrets_->client : self->secrets_->server;
  const std::string_view hex = text.substr(text.rfind(' ') + 1);
  secret.size = std::min(hex.size() / 2, secret.bytes.size());
  for (std::size_t index = 0; index < secret.size; ++index) {
    secret.bytes[index] =
        static_cast<std::uint8_t>(hex_digit(hex[2 * index]) << 4 | hex_digit(hex[2 * index + 1]));
  }
}

TransportStatus TlsHandshake::receive(TransportScratch& scratch, std::string_view wire,
                                      std::string& plain, std::string& wire_out) {
  if (successor_ != nullptr) return successor_->receive(scratch, wire, plain, wire_out);
  if (failed_) return TransportStatus::failed;
  std::string hello;  // Outlives the call to OpenSSL that reads it.
  ERR_clear_error();
  if (!established_) {
    const TransportStatus status = admit(wire, wire_out);
    if (status != TransportStatus::ok || ssl_ == nullptr) return status;
    if (!hello_.empty()) {
      hello.swap(hello_);
      wire = hello;
    }
  }
  std::string_view rest;
  {
    TransportScratch::BioLoan loan(scratch, ssl_, wire, wire_out);
    if (!established_) {
      const TransportStatus status = handshake(scratch, wire_out);
      if (status != TransportStatus::ok || !established_) return status;
    }
    if (successor_ == nullptr) return read(scratch, plain);
    // With read-ahead off, OpenSSL has read exactly up to the end of the client's Finished.
    rest = loan.unread();
  }
  free_ssl();
  return successor_->receive(scratch, rest, plain, wire_out);
}

/// Lets OpenSSL see the client's bytes only when they are worth its memory.
TransportStatus TlsHandshake::admit(std::string_view wire, std::string& wire_out) {
  const bool below_tls13 = answered_ && SSL_version(ssl_) != TLS1_3_VERSION;
  const ClientHelloGate::Verdict verdict = gate_.feed(wire, below_tls13);
  // OpenSSL's alert for an excessive length, and that of RFC 8446 section 5 for what is no
  // handshake (OpenSSL sends none when it takes the bytes for HTTP or another version).
  if (verdict == ClientHelloGate::Verdict::oversized) {
    return refuse(TlsAlert::illegal_parameter, wire_out);
  }
  if (verdict == ClientHelloGate::Verdict::foreign) {
    return refuse(TlsAlert::unexpected_message, wire_out);
  }
  if (ssl_ != nullptr) return TransportStatus::ok;
  if (verdict == ClientHelloGate::Verdict::incomplete || !hello_.empty()) hello_.append(wire);
  if (verdict == ClientHelloGate::Verdict::incomplete) {
    // Records of a byte each would make the hello longer than what it says of itself.
    return hello_.size() > kMaxHeldBytes ? refuse(TlsAlert::illegal_parameter, wire_out)
                                         : TransportStatus::ok;
  }
  if (make_ssl()) return TransportStatus::ok;
  failed_ = true;
  return TransportStatus::failed;
}

/// With a plaintext alert, which is fatal.
TransportStatus TlsHandshake::refuse(TlsAlert alert, std::string& wire_out) {
  const std::array<char, 7> record = {21, 3, 3, 0, 2, 2, static_cast<char>(alert)};
  wire_out.append(record.data(), record.size());
  std::string().swap(hello_);
  failed_ = true;
  return TransportStatus::failed;
}

TransportStatus TlsHandshake::handshake(TransportScratch& scratch, std::string& wire_out) {
  const std::size_t start = wire_out.size();
  const int result = SSL_do_handshake(ssl_);
  answered_ = answered_ || wire_out.size() != start;
  if (result != 1) return status_of(result);
  established_ = true;
  if (!takeover_ || SSL_version(ssl_) != TLS1_3_VERSION || SSL_has_pending(ssl_) == 1) {
    secrets_.reset();
    return TransportStatus::ok;
  }
  // A client's Finished answers the server's flight, so all that this call wrote came after it:
  // the session tickets, the first records under the application traffic secret.
  const std::uint64_t records_sent = count_records(std::string_view(wire_out).substr(start));
  if (!make_record_layer(scratch, records_sent)) {
    failed_ = true;
    return TransportStatus::failed;
  }
  return TransportStatus::ok;
}

bool TlsHandshake::make_record_layer(TransportScratch& scratch, std::uint64_t records_sent) {
  const std::optional<AeadSuite> suite = suite_of(ssl_);
  if (!suite.has_value() || secrets_ == nullptr) return false;
  TlsTakeover takeover;
  takeover.suite = *suite;
  takeover.client_secret = {secrets_->client.bytes.data(), secrets_->client.size};
  takeover.server_secret = {secrets_->server.bytes.data(), secrets_->server.size};
  takeover.records_sent = records_sent;
  takeover.exporter = exporter_binding(ssl_);
  takeover.unique = unique_binding(ssl_);
  takeover.server_end_point = server_end_point_;
  takeover.max_fragment_code = SSL_SESSION_get_max_fragment_length(SSL_get0_session(ssl_));
  successor_ = TlsRecordLayer::create(scratch, takeover);
  return successor_ != nullptr;
}

TransportStatus TlsHandshake::read(TransportScratch& scratch, std::string& plain) {
  const std::span<char> buffer = scratch.read_buffer();
  std::size_t got = 0;
  int result = 0;
  while ((result = SSL_read_ex(ssl_, buffer.data(), buffer.size(), &got)) == 1) {
    plain.append(buffer.data(), got);
  }
  return status_of(result);
}

/// What a result other than success means. OpenSSL has then written its alert already.
TransportStatus TlsHandshake::status_of(int result) {
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ) return TransportStatus::ok;
  if (error == SSL_ERROR_ZERO_RETURN) return TransportStatus::closed;
  ERR_clear_error();
  failed_ = true;
  return TransportStatus::failed;
}

TransportStatus TlsHandshake::send(TransportScratch& scratch, std::string_view plain,
                                   std::string& wire_out) {
  if (successor_ != nullptr) return successor_->send(scratch, plain, wire_out);
  if (failed_ || !established_) return TransportStatus::failed;
  if (self_closed_) return TransportStatus::closed;
  if (plain.empty()) return TransportStatus::ok;
  ERR_clear_error();
  const TransportScratch::BioLoan loan(scratch, ssl_, {}, wire_out);
  std::size_t written = 0;
  // The BIO takes everything, so one call writes everything.
  if (SSL_write_ex(ssl_, plain.data(), plain.size(), &written) == 1) return TransportStatus::ok;
  ERR_clear_error();
  failed_ = true;
  return TransportStatus::failed;
}

void TlsHandshake::close(TransportScratch& scratch, std::string& wire_out) {
  if (successor_ != nullptr) return successor_->close(scratch, wire_out);
  if (failed_ || !established_ || self_closed_) return;
  ERR_clear_error();
  const TransportScratch::BioLoan loan(scratch, ssl_, {}, wire_out);
  SSL_shutdown(ssl_);
  ERR_clear_error();
  self_closed_ = true;
}

std::unique_ptr<Transport> TlsHandshake::take_over(TransportScratch& scratch) {
  static_cast<void>(scratch);
  return std::move(successor_);
}

std::string_view TlsHandshake::version() const {
  if (!established_) return {};
  return ssl_ == nullptr ? "TLSv1.3" : SSL_get_version(ssl_);
}

std::string TlsHandshake::channel_binding(std::string_view type) const {
  if (successor_ != nullptr) return successor_->channel_binding(type);
  if (ssl_ == nullptr || !established_ || server_end_point_ == nullptr) return {};
  if (type == "tls-server-end-point") return *server_end_point_;
  const bool tls13 = SSL_version(ssl_) == TLS1_3_VERSION;
  if (type == "tls-exporter" && tls13) return exporter_binding(ssl_);
  if (type == "tls-unique") return unique_binding(ssl_);
  return {};
}

void TlsHandshake::forget_channel_binding() {
  if (successor_ != nullptr) successor_->forget_channel_binding();
  server_end_point_.reset();
}

std::size_t TlsHandshake::heap_bytes() const {
  std::size_t total = sizeof *this;
  if (successor_ != nullptr) total += successor_->heap_bytes();
  if (secrets_ != nullptr) total += sizeof(Secrets);
  if (ssl_ != nullptr) total += kSslObjectBytes;
  if (hello_.capacity() > sizeof(std::string)) total += hello_.capacity() + 1;
  return total;
}

}  // namespace rookery
