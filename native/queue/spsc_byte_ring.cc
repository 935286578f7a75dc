// The cold part of the byte ring: its construction.
#include "queue/spsc_byte_ring.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace rookery {

namespace {
// Below this a quarter of the ring holds no useful record.
constexpr std::size_t kSmallestCapacity = 256;
}  // namespace

SpscByteRing::SpscByteRing(std::string name, std::size_t capacity)
    : mask_(std::bit_ceil(std::max(capacity, kSmallestCapacity)) - 1) {
  // Zeroed here, so that the pages are there before the first record needs them.
  buffer_ = std::make_unique<std::byte[]>(mask_ + 1);
  stats_.name = std::move(name);
  stats_.capacity = mask_ + 1;
  stats_.unit = "bytes";
}

}  // namespace rookery
