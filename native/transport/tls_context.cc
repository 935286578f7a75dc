// TlsContext: an SSL_CTX set up for a messaging server.
#include "transport/tls_context.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "transport/openssl_init.h"
#include "transport/ticket_keys.h"
#include "transport/tls_handshake.h"

namespace rookery {
namespace {

constexpr unsigned kMaxTickets = 16;
constexpr long kTicketLifetimeSeconds = 86400;

// AES-128 first: what the small record layer holds for it is smallest, and its hash is SHA-256.
constexpr const char* kTls13Suites =
    "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
constexpr const char* kTls12Suites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kGroups = "X25519:P-256:P-384:P-521";

/// What the callbacks need. It belongs to the SSL_CTX, which outlives the TlsContext for as long as
/// one of its connections lives.
struct CallbackState {
  std::shared_ptr<TicketKeys> ticket_keys;
  EVP_CIPHER* ticket_cipher = nullptr;
  ~CallbackState() { EVP_CIPHER_free(ticket_cipher); }
};

void free_callback_state(void* parent, void* pointer, CRYPTO_EX_DATA* data, int index,
                         long argument, void* argument_pointer) {
  static_cast<void>(parent), static_cast<void>(data), static_cast<void>(index);
  static_cast<void>(argument), static_cast<void>(argument_pointer);
  delete static_cast<CallbackState*>(pointer);
}

int state_index() {
  static const int index =
      SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_callback_state);
  return index;
}

bool set_mac_key(EVP_MAC_CTX* mac, TicketKey& key) {
  char digest[] = "SHA2-256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac_key.data(), key.mac_key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/// OpenSSL's ticket callback: 1 is done, 2 is "good, but make a new one", 0 is an unknown key.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int encrypt) {
  const auto* const state =
      static_cast<CallbackState*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), state_index()));
  TicketKeySet keys = state->ticket_keys->keys();
  int result = 0;
  if (encrypt != 0) {
    std::memcpy(name, keys.current.name.data(), keys.current.name.size());
    const bool done = RAND_bytes(iv, EVP_CIPHER_get_iv_length(state->ticket_cipher)) == 1 &&
                      EVP_EncryptInit_ex(cipher, state->ticket_cipher, nullptr,
                                         keys.current.cipher_key.data(), iv) == 1 &&
                      set_mac_key(mac, keys.current);
    result = done ? 1 : -1;
  } else {
    const auto is = [&](const TicketKey& key) {
      return std::memcmp(name, key.name.data(), key.name.size()) == 0;
    };
    TicketKey* const key = is(keys.current)                         ? &keys.current
                           : keys.has_previous && is(keys.previous) ? &keys.previous
                                                                    : nullptr;
    if (key != nullptr) {
      const bool done = EVP_DecryptInit_ex(cipher, state->ticket_cipher, nullptr,
                                           key->cipher_key.data(), iv) == 1 &&
                        set_mac_key(mac, *key);
      result = !done ? -1 : key == &keys.current ? 1 : 2;
    }
  }
  OPENSSL_cleanse(&keys, sizeof keys);
  return result;
}

/// XEP-0368: "xmpp-client" is taken when it is offered; anything else is no reason to hang up.
int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
            const unsigned char* offered, unsigned int offered_size, void* argument) {
  static_cast<void>(ssl), static_cast<void>(argument);
  constexpr std::string_view kProtocol = "xmpp-client";
  for (unsigned int at = 0; at < offered_size; at += 1u + offered[at]) {
    const unsigned int size = std::min<unsigned int>(offered[at], offered_size - at - 1);
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), size);
    if (name != kProtocol) continue;
    *out = offered + at + 1;
    *out_size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

/// A server has nobody to ask for a passphrase; OpenSSL would ask the terminal.
int no_passphrase(char* buffer, int size, int writing, void* argument) {
  static_cast<void>(buffer), static_cast<void>(size), static_cast<void>(writing);
  static_cast<void>(argument);
  return -1;
}

bool readable(const std::string& file, std::string& error) {
  std::FILE* const opened = std::fopen(file.c_str(), "rb");
  if (opened == nullptr) {
    error = file + ": " + std::strerror(errno);
    return false;
  }
  std::fclose(opened);
  return true;
}

/// RFC 5929 section 4.1: the hash of the certificate, by its signature's hash, SHA-256 at least.
std::string end_point_hash(const X509* certificate) {
  int digest = NID_undef;
  if (certificate == nullptr || X509_get_signature_info(const_cast<X509*>(certificate), &digest,
                                                        nullptr, nullptr, nullptr) != 1) {
    return {};
  }
  if (digest == NID_md5 || digest == NID_sha1) digest = NID_sha256;
  const EVP_MD* const method = EVP_get_digestbynid(digest);
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  // Signatures without a hash of their own (Ed25519) have no such binding.
  if (method == nullptr || X509_digest(certificate, method, hash, &size) != 1) return {};
  return {reinterpret_cast<char*>(hash), size};
}

}  // namespace

std::unique_ptr<TlsContext> TlsContext::create(const TlsOptions& options, std::string& error) {
  init_openssl();
  ERR_clear_error();
  std::unique_ptr<TlsContext> context(new TlsContext());
  context->context_ = SSL_CTX_new(TLS_server_method());
  if (context->context_ == nullptr) {
    error = "OpenSSL: " + openssl_error();
    return nullptr;
  }
  context->takeover_ = options.takeover;
  if (!context->load_files(options, error) || !context->configure(options, error)) return nullptr;
  context->server_end_point_ = std::make_shared<const std::string>(
      end_point_hash(SSL_CTX_get0_certificate(context->context_)));
  return context;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

bool TlsContext::load_files(const TlsOptions& options, std::string& error) {
  if (!readable(options.certificate_file, error) || !readable(options.key_file, error)) {
    return false;
  }
  SSL_CTX_set_default_passwd_cb(context_, no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(context_, options.certificate_file.c_str()) != 1) {
    error = options.certificate_file + ": not a usable PEM certificate chain: " + openssl_error();
    return false;
  }
  const X509* const certificate = SSL_CTX_get0_certificate(context_);
  const bool loaded =
      SSL_CTX_use_PrivateKey_file(context_, options.key_file.c_str(), SSL_FILETYPE_PEM) == 1;
  // A key of the certificate's type is compared at loading, one of another type is not.
  const unsigned long code = ERR_peek_last_error();
  const bool foreign =
      ERR_GET_LIB(code) == ERR_LIB_X509 && (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
                                            ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH);
  if (loaded && X509_check_private_key(certificate, SSL_CTX_get0_privatekey(context_)) == 1) {
    return true;
  }
  if (loaded || foreign) {
    error =
        options.key_file + ": does not belong to the certificate in " + options.certificate_file;
    ERR_clear_error();
  } else {
    error = options.key_file + ": not a usable PEM key without a passphrase: " + openssl_error();
  }
  return false;
}

bool TlsContext::configure(const TlsOptions& options, std::string& error) {
  SSL_CTX_set_options(context_, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // The takeover depends on it: OpenSSL must not read beyond the record that it needs.
  SSL_CTX_set_read_ahead(context_, 0);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context_, kTicketLifetimeSeconds);
  if (options.tickets == 0) SSL_CTX_set_options(context_, SSL_OP_NO_TICKET);
  static constexpr unsigned char kSessionContext[] = "rookery";
  const bool done =
      SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION) == 1 &&
      SSL_CTX_set_ciphersuites(context_, kTls13Suites) == 1 &&
      SSL_CTX_set_cipher_list(context_, kTls12Suites) == 1 &&
      SSL_CTX_set1_groups_list(context_, kGroups) == 1 &&
      SSL_CTX_set_num_tickets(context_, std::min(options.tickets, kMaxTickets)) == 1 &&
      SSL_CTX_set_session_id_context(context_, kSessionContext, sizeof kSessionContext - 1) == 1;
  SSL_CTX_set_alpn_select_cb(context_, on_alpn, nullptr);
  if (options.takeover) SSL_CTX_set_keylog_callback(context_, TlsHandshake::on_keylog);

  auto state = std::make_unique<CallbackState>();
  state->ticket_keys = options.ticket_keys != nullptr ? options.ticket_keys : TicketKeys::create();
  state->ticket_cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  if (!done || state->ticket_keys == nullptr || state->ticket_cipher == nullptr ||
      SSL_CTX_set_ex_data(context_, state_index(), state.get()) != 1) {
    error = "OpenSSL: " + openssl_error();
    return false;
  }
  static_cast<void>(state.release());  // The SSL_CTX frees it.
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context_, on_ticket);
  return true;
}

std::unique_ptr<Transport> TlsContext::accept() {
  return std::make_unique<TlsHandshake>(context_, takeover_, server_end_point_);
}

}  // namespace rookery
