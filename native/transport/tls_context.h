// The server's TLS configuration: certificate, cipher suites, session tickets. Each shard has its
// own, so that handshakes of two shards share no lock; the ticket keys are the one thing that they
// share, so that a client may resume on any shard.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "transport/transport.h"

struct ssl_ctx_st;

namespace rookery {

class TicketKeys;  // transport/ticket_keys.h

struct TlsOptions {
  std::string certificate_file;  ///< PEM: the server's certificate, then its chain.
  std::string key_file;          ///< PEM, without a passphrase.
  /// After a TLS 1.3 handshake the connection leaves OpenSSL for the small record layer. Off: the
  /// SSL object serves the connection for life.
  bool takeover = true;
  /// Session tickets sent after a full TLS 1.3 handshake, 0 (no resumption at all, in TLS 1.2
  /// either) to 16. One is what a phone can use.
  unsigned tickets = 1;
  /// Shared by the contexts of all shards. Null: keys of this context's own.
  std::shared_ptr<TicketKeys> ticket_keys;
};

/// Used by the thread of its shard. Transports that it made may move to other shards, and may
/// outlive it.
class TlsContext {
 public:
  /// Null when the files cannot be used; `error` then says which file and what is wrong with it.
  static std::unique_ptr<TlsContext> create(const TlsOptions& options, std::string& error);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// A transport for a connection whose client is about to send its ClientHello. Never null.
  std::unique_ptr<Transport> accept();

  /// The "tls-server-end-point" channel binding of this certificate (RFC 5929 section 4).
  [[nodiscard]] const std::string& server_end_point() const { return *server_end_point_; }

 private:
  TlsContext() = default;
  bool load_files(const TlsOptions& options, std::string& error);
  bool configure(const TlsOptions& options, std::string& error);

  ssl_ctx_st* context_ = nullptr;
  bool takeover_ = true;
  std::shared_ptr<const std::string> server_end_point_;
};

}  // namespace rookery
