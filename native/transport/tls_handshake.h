// A TLS connection in OpenSSL's hands: during its handshake, and for life when it is TLS 1.2 or the
// takeover is switched off. The SSL object is lent the shard's BIO for each call and holds nothing
// of the thread between calls, so the connection may move.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "transport/client_hello_gate.h"
#include "transport/tls_record_layer.h"
#include "transport/transport.h"
#include "transport/transport_scratch.h"

struct ssl_ctx_st;
struct ssl_st;

namespace rookery {

class TlsHandshake final : public Transport {
 public:
  /// Keeps a reference to `context` until its SSL object is made, at the client's first message.
  TlsHandshake(ssl_ctx_st* context, bool takeover,
               std::shared_ptr<const std::string> server_end_point);
  ~TlsHandshake() override;
  TlsHandshake(const TlsHandshake&) = delete;
  TlsHandshake& operator=(const TlsHandshake&) = delete;

  TransportStatus receive(TransportScratch& scratch, std::string_view wire, std::string& plain,
                          std::string& wire_out) override;
  TransportStatus send(TransportScratch& scratch, std::string_view plain,
                       std::string& wire_out) override;
  void close(TransportScratch& scratch, std::string& wire_out) override;
  [[nodiscard]] bool established() const override { return established_; }
  std::unique_ptr<Transport> take_over(TransportScratch& scratch) override;
  [[nodiscard]] std::string_view version() const override;
  [[nodiscard]] std::string channel_binding(std::string_view type) const override;
  void forget_channel_binding() override;
  [[nodiscard]] std::size_t heap_bytes() const override;

  /// OpenSSL's keylog callback: the traffic secrets of TLS 1.3 pass here, in hexadecimal.
  static void on_keylog(const ssl_st* ssl, const char* line);

 private:
  struct Secret {
    std::array<std::uint8_t, kMaxSecretBytes> bytes{};
    std::size_t size = 0;
  };
  struct Secrets {
    Secret client;
    Secret server;
    ~Secrets();
  };

  TransportStatus admit(std::string_view wire, std::string& wire_out);
  TransportStatus refuse(TlsAlert alert, std::string& wire_out);
  bool make_ssl();
  TransportStatus handshake(TransportScratch& scratch, std::string& wire_out);
  TransportStatus read(TransportScratch& scratch, std::string& plain);
  TransportStatus status_of(int result);
  bool make_record_layer(TransportScratch& scratch, std::uint64_t records_sent);
  void free_ssl();

  ssl_ctx_st* context_;    ///< Until there is an SSL object.
  ssl_st* ssl_ = nullptr;  ///< From the complete ClientHello to the takeover.
  std::string hello_;      ///< A ClientHello that has not arrived completely.
  ClientHelloGate gate_;
  std::unique_ptr<Secrets> secrets_;           ///< Only while they may be needed.
  std::unique_ptr<TlsRecordLayer> successor_;  ///< Serves from the takeover on.
  std::shared_ptr<const std::string> server_end_point_;
  bool takeover_;
  bool answered_ = false;  ///< The server has sent its first flight.
  bool established_ = false;
  bool failed_ = false;
  bool self_closed_ = false;
};

}  // namespace rookery
