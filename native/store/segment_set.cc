// The two forms of a segment's set and the passage between them.
#include "store/segment_set.h"

#include <algorithm>
#include <bit>

namespace rookery {
namespace {

constexpr std::uint32_t kListMax = 48;    // Beyond, a bitmap.
constexpr std::uint32_t kListAgain = 16;  // At this few, a list again; apart, so that it settles.

}  // namespace

bool SegmentSet::insert(std::uint32_t position) {
  if (bitmap_) {
    std::uint64_t& word = (*bitmap_)[position / 64];
    const std::uint64_t bit = std::uint64_t{1} << (position % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    ++count_;
    return true;
  }
  const auto value = static_cast<std::uint16_t>(position);
  const auto at = std::lower_bound(list_.begin(), list_.end(), value);
  if (at != list_.end() && *at == value) return false;
  list_.insert(at, value);
  if (++count_ > kListMax) to_bitmap();
  return true;
}

bool SegmentSet::erase(std::uint32_t position) {
  if (bitmap_) {
    std::uint64_t& word = (*bitmap_)[position / 64];
    const std::uint64_t bit = std::uint64_t{1} << (position % 64);
    if ((word & bit) == 0) return false;
    word &= ~bit;
    if (--count_ <= kListAgain) to_list();
    return true;
  }
  const auto value = static_cast<std::uint16_t>(position);
  const auto at = std::lower_bound(list_.begin(), list_.end(), value);
  if (at == list_.end() || *at != value) return false;
  list_.erase(at);
  --count_;
  return true;
}

bool SegmentSet::contains(std::uint32_t position) const {
  if (bitmap_) return (((*bitmap_)[position / 64] >> (position % 64)) & 1u) != 0;
  return std::binary_search(list_.begin(), list_.end(), static_cast<std::uint16_t>(position));
}

std::uint32_t SegmentSet::next(std::uint32_t from) const {
  if (from >= kSegmentRecords) return kSegmentRecords;
  if (!bitmap_) {
    const auto at = std::lower_bound(list_.begin(), list_.end(), static_cast<std::uint16_t>(from));
    return at == list_.end() ? kSegmentRecords : *at;
  }
  std::uint32_t index = from / 64;
  std::uint64_t word = (*bitmap_)[index] & (~std::uint64_t{0} << (from % 64));
  while (word == 0) {
    if (++index == bitmap_->size()) return kSegmentRecords;
    word = (*bitmap_)[index];
  }
  return index * 64 + static_cast<std::uint32_t>(std::countr_zero(word));
}

void SegmentSet::to_bitmap() {
  bitmap_ = std::make_unique<Bitmap>();
  for (const std::uint16_t value : list_) {
    (*bitmap_)[value / 64] |= std::uint64_t{1} << (value % 64);
  }
  list_.clear();
  list_.shrink_to_fit();
}

void SegmentSet::to_list() {
  list_.reserve(count_);
  for (std::uint32_t at = next(0); at < kSegmentRecords; at = next(at + 1)) {
    list_.push_back(static_cast<std::uint16_t>(at));
  }
  bitmap_.reset();
}

}  // namespace rookery
