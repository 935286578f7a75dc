// Who may come in, and how fast: rates per shard and counts per address, decided before anything is
// allocated for the peer.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/types.h"

namespace rookery {

/// A token bucket without a timer: filled from the clock when it is asked.
class RateLimit {
 public:
  /// `per_second` 0: no limit. The bucket holds the share of a second's worth, at least one.
  explicit RateLimit(std::uint32_t per_second, std::uint32_t burst_share = 1)
      : per_second_(per_second),
        burst_(std::max(1.0, static_cast<double>(per_second) / burst_share)),
        tokens_(burst_) {}
  bool take(MonoUs now);
  /// Whether take() would succeed.
  bool ready(MonoUs now);
  /// When the next token will be there (now, when it already is).
  [[nodiscard]] MonoUs next(MonoUs now) const;

 private:
  void fill(MonoUs now);

  std::uint32_t per_second_;
  double burst_;
  double tokens_;
  MonoUs last_ = 0;
};

/// Counts of connections and failed logins by address, shared by all shards without a lock. A
/// fixed table under a keyed hash: two rows, so that an address is only mistaken for a busy one
/// when it collides in both. IPv6 counts by /64.
class AddressTable {
 public:
  explicit AddressTable(std::uint64_t key) : key_(key), cells_(std::make_unique<Cells>()) {}

  /// The address's place, to be kept with the connection.
  [[nodiscard]] std::uint32_t place(const std::uint8_t (&ip)[16]) const;

  [[nodiscard]] std::uint32_t connections(std::uint32_t place) const;
  void connected(std::uint32_t place);
  void disconnected(std::uint32_t place);

  /// Failed logins in the current minute.
  [[nodiscard]] std::uint32_t failures(std::uint32_t place, MonoUs now) const;
  void failed(std::uint32_t place, MonoUs now);

 private:
  static constexpr std::uint32_t row_bits = 16;
  static constexpr std::uint32_t row_size = 1u << row_bits;
  struct Cells {
    std::array<std::array<std::atomic<std::uint32_t>, row_size>, 2> connections{};
    std::array<std::array<std::atomic<std::uint32_t>, row_size>, 2> failures{};  // minute, count
  };
  [[nodiscard]] static std::uint32_t column(std::uint32_t place, unsigned row) {
    return row == 0 ? place & (row_size - 1) : place >> row_bits;
  }

  std::uint64_t key_;
  std::unique_ptr<Cells> cells_;
};

}  // namespace rookery
