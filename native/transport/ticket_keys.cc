// TicketKeys: two generations of random keys under a mutex.
#include "transport/ticket_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <mutex>

#include "transport/openssl_init.h"

namespace rookery {

std::shared_ptr<TicketKeys> TicketKeys::create() {
  init_openssl();
  std::shared_ptr<TicketKeys> keys(new TicketKeys());
  return keys->rotate() ? keys : nullptr;
}

TicketKeys::~TicketKeys() { OPENSSL_cleanse(&keys_, sizeof keys_); }

bool TicketKeys::rotate() {
  TicketKey fresh;
  if (RAND_bytes(fresh.name.data(), static_cast<int>(fresh.name.size())) != 1 ||
      RAND_priv_bytes(fresh.cipher_key.data(), static_cast<int>(fresh.cipher_key.size())) != 1 ||
      RAND_priv_bytes(fresh.mac_key.data(), static_cast<int>(fresh.mac_key.size())) != 1) {
    return false;
  }
  const std::lock_guard lock(mutex_);
  keys_.has_previous = made_;
  keys_.previous = keys_.current;
  keys_.current = fresh;
  made_ = true;
  return true;
}

TicketKeySet TicketKeys::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

}  // namespace rookery
