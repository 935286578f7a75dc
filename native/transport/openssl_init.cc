// Initialisation of OpenSSL without the machine's configuration.
#include "transport/openssl_init.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace rookery {

void init_openssl() {
  // No exit handler: worker threads may still be in a call of OpenSSL while Node's process ends.
  static const int initialised =
      OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, nullptr);
  static_cast<void>(initialised);
}

std::string openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : "error " + std::to_string(code);
  ERR_clear_error();
  return text;
}

}  // namespace rookery
