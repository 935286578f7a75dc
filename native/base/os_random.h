// The random source of production: the kernel's generator, asked for a few kilobytes at a time. Not
// shared between threads; each shard has its own.
#pragma once

#include <array>
#include <cstddef>

#include "base/random.h"

namespace rookery {

class OsRandom final : public Random {
 public:
  OsRandom() = default;
  /// Wipes what was not given out.
  ~OsRandom() override;
  OsRandom(const OsRandom&) = delete;
  OsRandom& operator=(const OsRandom&) = delete;

  /// Never gives a byte out twice, and wipes each from the pool as it leaves. Ends the process when
  /// the kernel has no randomness to give: a server must not go on with guessable secrets.
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::array<std::uint8_t, 4096> pool_{};
  std::size_t left_ = 0;
};

}  // namespace rookery
