// A fast 64-bit hash of bytes for tables and fingerprints inside one server; not for secrets.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace rookery {

/// Multiply-and-fold over 8-byte words, seeded. The same on every machine of one byte order.
inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15ull;
  const auto fold = [](std::uint64_t left, std::uint64_t right) {
    const auto product = static_cast<unsigned __int128>(left) * right;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t hash = seed ^ (bytes.size() * odd);
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    hash = fold(hash ^ word, odd);
  }
  std::uint64_t tail = 0;
  if (left > 0) std::memcpy(&tail, at, left);
  hash = fold(hash ^ tail, odd + 2);
  return hash ^ (hash >> 29);
}

}  // namespace rookery
