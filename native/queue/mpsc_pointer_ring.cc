// The cold part of the pointer ring: construction and the check at its end.
#include "queue/mpsc_pointer_ring.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace rookery {

MpscPointerRing::MpscPointerRing(std::string name, std::size_t capacity)
    : mask_(std::bit_ceil(std::max<std::size_t>(capacity, 2)) - 1) {
  cells_ = std::make_unique<Cell[]>(mask_ + 1);
  for (std::uint64_t position = 0; position <= mask_; ++position) {
    cells_[position].turn.store(position, std::memory_order_relaxed);
  }
  stats_.name = std::move(name);
  stats_.capacity = mask_ + 1;
}

MpscPointerRing::~MpscPointerRing() { assert(empty() && "drain the ring before its end"); }

}  // namespace rookery
