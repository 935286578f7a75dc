// The keys of stateless session tickets (RFC 5077, RFC 8446 section 4.6.1), shared by all shards.
// A ticket made under the previous keys is still accepted and replaced by a new one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

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
  std::uint64_t generation = 0;
};

/// Any thread may call any method. Reading costs one atomic load while the keys do not change.
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

  /// Brings `local`, a shard's own copy, up to date.
  void refresh(TicketKeySet& local) const;

 private:
  TicketKeys() = default;

  mutable std::mutex mutex_;
  TicketKeySet keys_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace rookery
