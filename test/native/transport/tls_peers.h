// Both ends of a TLS connection in memory, for tests, benchmarks and fuzzing: certificates made on
// the spot, the server's transport as the session code drives it, and OpenSSL as the client.
#pragma once

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/tls_context.h"
#include "transport/transport_scratch.h"

namespace rookery::tls_test {

/// A self-signed certificate and its key, in a directory that goes away with this object.
class TestCertificate {
 public:
  enum class Kind { p256, rsa };

  explicit TestCertificate(Kind kind = Kind::p256) {
    char name[] = "/tmp/rookery-tls-XXXXXX";
    directory_ = ::mkdtemp(name);
    EVP_PKEY* const key = kind == Kind::p256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    X509* const certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME* const subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_sign(certificate, key, EVP_sha256());
    write(certificate_file(), [&](std::FILE* file) { PEM_write_X509(file, certificate); });
    write(key_file(), [&](std::FILE* file) {
      PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  ~TestCertificate() { std::filesystem::remove_all(directory_); }
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;

  [[nodiscard]] std::string directory() const { return directory_; }
  [[nodiscard]] std::string certificate_file() const { return directory_ + "/cert.pem"; }
  [[nodiscard]] std::string key_file() const { return directory_ + "/key.pem"; }

 private:
  template <class Writer>
  static void write(const std::string& path, Writer writer) {
    std::FILE* const file = std::fopen(path.c_str(), "w");
    writer(file);
    std::fclose(file);
  }

  std::string directory_;
};

/// The server's end of a connection as the session code drives it.
class Server {
 public:
  Server(TlsContext& context, TransportScratch& scratch)
      : scratch_(&scratch), transport_(context.accept()) {}
  explicit Server(std::unique_ptr<Transport> transport, TransportScratch& scratch)
      : scratch_(&scratch), transport_(std::move(transport)) {}

  /// From here on this shard's.
  void move_to(TransportScratch& scratch) { scratch_ = &scratch; }

  TransportStatus receive(std::string_view wire) {
    status_ = transport_->receive(*scratch_, wire, plain_, wire_);
    if (swaps_ && transport_->established()) {
      if (std::unique_ptr<Transport> smaller = transport_->take_over(*scratch_)) {
        transport_ = std::move(smaller);
        taken_over_ = true;
      }
    }
    return status_;
  }
  TransportStatus send(std::string_view plain) { return transport_->send(*scratch_, plain, wire_); }
  void close() { transport_->close(*scratch_, wire_); }

  [[nodiscard]] Transport& transport() { return *transport_; }
  std::unique_ptr<Transport> release() { return std::move(transport_); }
  [[nodiscard]] TransportStatus status() const { return status_; }
  [[nodiscard]] bool taken_over() const { return taken_over_; }
  /// Whether to exchange the transport as soon as it offers a smaller one.
  void set_swaps(bool swaps) { swaps_ = swaps; }
  std::string take_plain() { return std::exchange(plain_, {}); }
  std::string take_wire() { return std::exchange(wire_, {}); }
  [[nodiscard]] const std::string& plain() const { return plain_; }

 private:
  TransportScratch* scratch_;
  std::unique_ptr<Transport> transport_;
  std::string plain_;
  std::string wire_;
  TransportStatus status_ = TransportStatus::ok;
  bool taken_over_ = false;
  bool swaps_ = true;
};

/// OpenSSL as the client, over memory BIOs.
class Client {
 public:
  struct Options {
    int version = TLS1_3_VERSION;
    const char* suites = nullptr;  ///< TLS 1.3.
    const char* groups = nullptr;
    const char* alpn = nullptr;  ///< One protocol.
    SSL_SESSION* session = nullptr;
  };

  explicit Client(const Options& options) : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_min_proto_version(context_, options.version);
    SSL_CTX_set_max_proto_version(context_, options.version);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context_, on_session);
    if (options.suites != nullptr) SSL_CTX_set_ciphersuites(context_, options.suites);
    if (options.groups != nullptr) SSL_CTX_set1_groups_list(context_, options.groups);
    ssl_ = SSL_new(context_);
    SSL_set_app_data(ssl_, this);
    if (options.alpn != nullptr) {
      const std::string name(options.alpn);
      const std::string list = std::string(1, static_cast<char>(name.size())) + name;
      SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(list.data()),
                          static_cast<unsigned>(list.size()));
    }
    if (options.session != nullptr) SSL_set_session(ssl_, options.session);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_);
  }
  ~Client() {
    for (SSL_SESSION* session : sessions_) SSL_SESSION_free(session);
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] SSL* ssl() { return ssl_; }
  /// Tickets received so far.
  [[nodiscard]] const std::vector<SSL_SESSION*>& sessions() const { return sessions_; }
  [[nodiscard]] bool established() const { return SSL_is_init_finished(ssl_) == 1; }
  /// SSL_get_error() of the latest failed call.
  [[nodiscard]] int error() const { return error_; }
  /// The text of the alert or failure behind error().
  [[nodiscard]] const std::string& reason() const { return reason_; }

  void feed(std::string_view wire) {
    BIO_write(SSL_get_rbio(ssl_), wire.data(), static_cast<int>(wire.size()));
  }
  std::string take_wire() {
    std::string wire(BIO_ctrl_pending(SSL_get_wbio(ssl_)), '\0');
    if (!wire.empty()) BIO_read(SSL_get_wbio(ssl_), wire.data(), static_cast<int>(wire.size()));
    return wire;
  }
  void handshake() { note(SSL_do_handshake(ssl_)); }
  void write(std::string_view plain) {
    const int size = static_cast<int>(plain.size());
    if (SSL_write(ssl_, plain.data(), size) != size) throw std::runtime_error("SSL_write");
  }
  /// Everything that can be read now.
  std::string read() {
    std::string plain;
    std::string buffer(20000, '\0');
    int got = 0;
    ERR_clear_error();
    while ((got = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()))) > 0) {
      plain.append(buffer.data(), static_cast<std::size_t>(got));
    }
    note(got);
    return plain;
  }

 private:
  static int on_session(SSL* ssl, SSL_SESSION* session) {
    static_cast<Client*>(SSL_get_app_data(ssl))->sessions_.push_back(session);
    return 1;
  }
  void note(int result) {
    if (result > 0) return;
    error_ = SSL_get_error(ssl_, result);
    const unsigned long code = ERR_peek_last_error();
    const char* const text = code == 0 ? nullptr : ERR_reason_error_string(code);
    reason_ = text == nullptr ? "" : text;
    ERR_clear_error();
  }

  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  std::vector<SSL_SESSION*> sessions_;
  int error_ = SSL_ERROR_NONE;
  std::string reason_;
};

/// Passes what both ends have written, until both are silent.
inline void exchange(Client& client, Server& server, std::string* client_plain = nullptr) {
  for (int round = 0; round < 20; ++round) {
    if (!client.established()) client.handshake();
    const std::string to_server = client.take_wire();
    if (!to_server.empty()) server.receive(to_server);
    const std::string to_client = server.take_wire();
    if (!to_client.empty()) client.feed(to_client);
    if (client.established()) {
      const std::string plain = client.read();
      if (client_plain != nullptr) client_plain->append(plain);
    }
    if (to_server.empty() && to_client.empty()) return;
  }
}

}  // namespace rookery::tls_test
