// What the Diffie-Hellman function gives for the server's static key and the static keys of devices
// that have logged in: always the same, so that a known device's next handshake saves one of its
// five computations. One table of fixed size for all shards, without a lock: a reader that meets a
// writer finds nothing and computes.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "transport/noise_crypto.h"

namespace rookery {

class NoiseSharedSecrets {
 public:
  /// Devices whose secrets it has room for; each takes 72 bytes once it has logged in. A newer one
  /// takes the place of an older one that falls on the same entry.
  static constexpr std::size_t kEntries = 65'536;

  NoiseSharedSecrets();
  ~NoiseSharedSecrets();
  NoiseSharedSecrets(const NoiseSharedSecrets&) = delete;
  NoiseSharedSecrets& operator=(const NoiseSharedSecrets&) = delete;

  /// Any thread. False when the device's secret is not known.
  bool find(const NoiseKey& device, NoiseKey& shared) const;
  /// Any thread. Only for devices that are known to be somebody's: others would push these out.
  void remember(const NoiseKey& device, const NoiseKey& shared);

 private:
  static constexpr std::size_t kWords = kNoiseKeyBytes / sizeof(std::uint64_t);
  using Words = std::array<std::uint64_t, 2 * kWords>;
  /// A sequence lock (Boehm, "Can seqlocks get along with programming language memory models?",
  /// 2012): `sequence` is odd while the words are being written.
  struct Entry {
    std::atomic<std::uint64_t> sequence;
    std::array<std::atomic<std::uint64_t>, 2 * kWords> words;
  };
  struct Free {
    void operator()(Entry* entries) const;
  };
  [[nodiscard]] Entry& entry_of(const NoiseKey& device) const;

  std::unique_ptr<Entry[], Free> entries_;
};

}  // namespace rookery
