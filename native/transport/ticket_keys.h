// The keys of stateless session tickets (RFC 5077, RFC 8446 section 4.6.1), shared by all shards.
// A ticket made under the previous keys is still accepted and replaced by a new one.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "stats/named_mutex.h"

namespace rookery {

struct TicketKey {
  std::array<std::uint8_t, 16> name{};
  std::array<std::uint8_t, 32> cipher_key{};
  std::array<std::uint8_t, 32> mac_key{};
};

struct TicketKeySet {
  TicketKey current;
  TicketKey previous;
  bool has_previous = false;
};

/// Any thread may call any method; the lock is held for the copy of one set.
class TicketKeys {
 public:
  /// With keys from the operating system's random source; null when that fails.
  static std::shared_ptr<TicketKeys> create();
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// New keys; tickets of the previous ones stay good until the next rotation. To be called daily
  /// or so: whoever obtains these keys can read what was sent under the tickets of TLS 1.2. False
  /// when there are no random bytes; the keys then stay as they are.
  bool rotate();

  /// The keys of the moment. The caller wipes its copy.
  [[nodiscard]] TicketKeySet keys() const;
  /// For the figures: how often somebody waited for it.
  [[nodiscard]] const NamedMutex& lock() const { return mutex_; }

 private:
  TicketKeys() = default;

  mutable NamedMutex mutex_{"tls-ticket-keys"};
  TicketKeySet keys_;
  bool made_ = false;
};

}  // namespace rookery
