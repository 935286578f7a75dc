// The source of random bytes that the shards are given: the operating system's in production, a
// seeded generator in simulation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rookery {

class Random {
 public:
  virtual ~Random() = default;
  /// Fills `out` with bytes that a peer cannot guess (in production).
  virtual void fill(std::span<std::uint8_t> out) = 0;
  [[nodiscard]] std::uint64_t next64() {
    std::uint8_t raw[8];
    fill(raw);
    std::uint64_t value = 0;
    for (const std::uint8_t byte : raw) value = (value << 8) | byte;
    return value;
  }
};

}  // namespace rookery
