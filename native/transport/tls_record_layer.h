// The TLS 1.3 record layer (RFC 8446 section 5) of a connection whose handshake OpenSSL made: keys,
// sequence numbers, alerts and key updates in 160 bytes instead of 13,700. The peer cannot tell the
// difference.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "transport/aead_contexts.h"
#include "transport/transport.h"

namespace rookery {

/// What the handshake leaves behind.
struct TlsTakeover {
  AeadSuite suite = AeadSuite::aes_128_gcm_sha256;
  std::span<const std::uint8_t> client_secret;  ///< client_application_traffic_secret_0
  std::span<const std::uint8_t> server_secret;  ///< server_application_traffic_secret_0
  /// Records that the server has already sent under its secret: the session tickets.
  std::uint64_t records_sent = 0;
  /// What was agreed with the max_fragment_length extension (RFC 6066 section 4): 0 for nothing,
  /// 1 to 4 for 512 to 4096 bytes.
  std::uint8_t max_fragment_code = 0;
  std::string exporter;  ///< "tls-exporter" channel binding.
  std::string unique;    ///< "tls-unique", for those who ask for it in TLS 1.3.
  std::shared_ptr<const std::string> server_end_point;
};

/// AlertDescription, RFC 8446 section 6; `none` stands for "no alert".
enum class TlsAlert : std::uint8_t {
  close_notify = 0,
  unexpected_message = 10,
  bad_record_mac = 20,
  record_overflow = 22,
  illegal_parameter = 47,
  decode_error = 50,
  internal_error = 80,
  user_canceled = 90,
  none = 255,
};

class TlsRecordLayer : public Transport {
 public:
  /// Null when the keys cannot be derived (OpenSSL is out of memory).
  static std::unique_ptr<TlsRecordLayer> create(TransportScratch& scratch,
                                                const TlsTakeover& takeover);
  ~TlsRecordLayer() override = default;

  TransportStatus receive(TransportScratch& scratch, std::string_view wire, std::string& plain,
                          std::string& wire_out) final;
  TransportStatus send(TransportScratch& scratch, std::string_view plain,
                       std::string& wire_out) final;
  void close(TransportScratch& scratch, std::string& wire_out) final;
  [[nodiscard]] bool established() const final { return true; }
  std::unique_ptr<Transport> take_over(TransportScratch&) final { return nullptr; }
  [[nodiscard]] bool own_record_layer() const final { return true; }
  [[nodiscard]] std::string_view version() const final { return "TLSv1.3"; }
  [[nodiscard]] std::string channel_binding(std::string_view type) const final;
  void forget_channel_binding() final;
  [[nodiscard]] std::size_t heap_bytes() const final;

 protected:
  enum class Way : std::uint8_t { read, write };

  /// The keys of one direction, wherever the suite's class keeps them.
  struct Keys {
    std::span<std::uint8_t> secret;
    std::span<std::uint8_t> key;
    std::span<std::uint8_t, kAeadNonceBytes> iv;
  };

  explicit TlsRecordLayer(AeadSuite suite) : suite_(suite) {}
  virtual Keys keys(Way way) = 0;
  [[nodiscard]] virtual std::size_t object_bytes() const = 0;

 private:
  /// What a connection at rest does not have.
  struct Rare {
    std::string partial;  ///< A record that has not arrived completely.
    std::string exporter;
    std::string unique;
    std::shared_ptr<const std::string> server_end_point;
  };

  std::string_view next_record(std::string_view& wire, TlsAlert& alert);
  std::string_view complete_partial(std::string_view& wire, TlsAlert& alert);
  void drop_partial();
  Rare& rare();
  TlsAlert process(TransportScratch& scratch, std::string_view record, std::string& plain);
  TlsAlert process_alert(std::string_view content);
  TlsAlert process_handshake(TransportScratch& scratch, std::string_view content);
  bool derive(TransportScratch& scratch, Way way, std::span<const std::uint8_t> secret);
  bool update_keys(TransportScratch& scratch, Way way);
  bool seal(TransportScratch& scratch, std::uint8_t type, std::string_view content,
            std::string& wire_out);
  bool send_key_update(TransportScratch& scratch, std::string& wire_out);
  TransportStatus fail(TransportScratch& scratch, TlsAlert alert, std::string& wire_out);
  [[nodiscard]] AeadNonce nonce(Way way);
  [[nodiscard]] std::size_t max_content_bytes() const;

  std::unique_ptr<Rare> rare_;
  std::array<std::uint64_t, 2> sequence_{};  ///< By Way.
  AeadSuite suite_;
  bool failed_ : 1 = false;
  bool peer_closed_ : 1 = false;
  bool self_closed_ : 1 = false;
  bool must_answer_update_ : 1 = false;
  std::uint8_t fragment_code_ : 4 = 0;
  std::uint8_t update_matched_ : 3 = 0;  ///< Bytes of a KeyUpdate that is split over records.
  std::uint8_t idle_records_ = 0;        ///< In a row: empty records.
  std::uint8_t key_updates_ = 0;         ///< In a row: without data between them.
  std::uint8_t warnings_ = 0;            ///< user_canceled alerts.
};

}  // namespace rookery
