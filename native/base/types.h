// The identifiers that cross threads: shards, handles, session tags, and the hash that decides
// which shard a user lives on. Handles are numbers, never pointers; a stale one is an ordinary
// error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rookery {

using ShardId = std::uint16_t;

/// Milliseconds since the Unix epoch (wall clock), used in stored records and delay stamps.
using WallMs = std::uint64_t;

/// Microseconds of a monotonic clock, used for timers and intervals.
using MonoUs = std::uint64_t;

/// Names a slot of a shard's slab. The generation changes whenever the slot is reused, so a handle
/// that outlives its object is recognised. Zero is "no handle".
struct Handle {
  std::uint64_t bits = 0;

  static constexpr Handle make(ShardId shard, std::uint32_t slot, std::uint32_t generation) {
    return Handle{(std::uint64_t{generation} << 32) | (std::uint64_t{shard & 0x3FFu} << 22) |
                  (slot & 0x3FFFFFu)};
  }
  [[nodiscard]] constexpr ShardId shard() const {
    return static_cast<ShardId>((bits >> 22) & 0x3FFu);
  }
  [[nodiscard]] constexpr std::uint32_t slot() const {
    return static_cast<std::uint32_t>(bits & 0x3FFFFFu);
  }
  [[nodiscard]] constexpr std::uint32_t generation() const {
    return static_cast<std::uint32_t>(bits >> 32);
  }
  [[nodiscard]] constexpr bool valid() const { return bits != 0; }
  friend constexpr bool operator==(Handle, Handle) = default;
};

/// A random number that names an XEP-0198 session for ever, also across a restart of the server.
using SessionTag = std::uint64_t;

/// The hash that places a user on a shard: FNV-1a, finished with a mixer so that the low bits are
/// good. It is part of the stored format's contract only in that it must be the same everywhere in
/// one process; a data directory may be opened with another number of shards.
constexpr std::uint64_t hash_name(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char character : name) {
    hash ^= static_cast<unsigned char>(character);
    hash *= 0x100000001b3ull;
  }
  hash ^= hash >> 32;
  hash *= 0xd6e8feb86659fd93ull;
  hash ^= hash >> 32;
  return hash;
}

/// The shard on which a user (normalised localpart) lives.
constexpr ShardId home_shard(std::string_view user, std::uint32_t shards) {
  return static_cast<ShardId>(shards == 0 ? 0 : hash_name(user) % shards);
}

}  // namespace rookery
