// The timer wheel; see the header for how it is laid out.
#include "reactor/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>

namespace rookery {

namespace {

constexpr MonoUs kTickUs = 1000;
constexpr unsigned kIndexBits = 22;
constexpr std::uint32_t kIndexMask = (1u << kIndexBits) - 1;
constexpr std::uint16_t kGenerationMask = (1u << (32 - kIndexBits)) - 1;
// So many nodes rest before one is used again: what makes 10 bits of generation enough.
constexpr std::size_t kRestingNodes = 1024;

MonoUs tick_at_or_after(MonoUs at) { return at / kTickUs + (at % kTickUs != 0 ? 1 : 0); }

}  // namespace

TimerWheel::TimerWheel(MonoUs now) : tick_(now / kTickUs), earliest_tick_(tick_) {
  heads_.fill(kNone);
}

TimerId TimerWheel::schedule(MonoUs at, std::uint64_t cookie) {
  const std::uint32_t index = take_node();
  if (index == kNone) return 0;
  Node& node = nodes_[index];
  // Beyond the top level's reach (139 years of uptime) a timer means "never".
  constexpr MonoUs kLastTick = (MonoUs{1} << (kDigitBits * kLevels)) - 1;
  node.at = std::min(std::max(tick_at_or_after(at), earliest_tick_), kLastTick);
  node.cookie = cookie;
  place(index);
  ++size_;
  return (std::uint32_t{node.generation} << kIndexBits) | index;
}

void TimerWheel::cancel(TimerId id) {
  const std::uint32_t index = id & kIndexMask;
  if (id == 0 || index >= nodes_.size()) return;
  const Node& node = nodes_[index];
  if (node.bucket == kFree || node.generation != id >> kIndexBits) return;
  unlink(index);
  free_node(index);
  --size_;
}

void TimerWheel::advance(MonoUs now, const std::function<void(std::uint64_t)>& expired) {
  const MonoUs target = now / kTickUs;
  if (target < tick_) return;
  earliest_tick_ = target + 1;
  for (;;) {
    const unsigned level = lowest_level();
    if (level == kLevels) break;
    const auto bucket = static_cast<unsigned>(std::countr_zero(occupied_[level]));
    const MonoUs start = bucket_start(level, bucket);
    if (start > target) break;
    tick_ = start;
    const auto flat = static_cast<std::uint16_t>(level * kBucketsPerLevel + bucket);
    if (level == 0) {
      fire(flat, expired);
    } else {
      spread(flat);
    }
  }
  // One past the target is where new timers may lie, and nothing at or before it is left.
  tick_ = target;
}

MonoUs TimerWheel::next_due() const {
  const unsigned level = lowest_level();
  if (level == kLevels) return std::numeric_limits<MonoUs>::max();
  const auto bucket = static_cast<unsigned>(std::countr_zero(occupied_[level]));
  return earliest_[level * kBucketsPerLevel + bucket] * kTickUs;
}

std::uint32_t TimerWheel::take_node() {
  std::uint32_t index = first_free_;
  if (index != kNone && (free_count_ >= kRestingNodes || nodes_.size() > kIndexMask)) {
    first_free_ = nodes_[index].next;
    if (first_free_ == kNone) last_free_ = kNone;
    --free_count_;
  } else if (nodes_.size() > kIndexMask) {
    return kNone;
  } else {
    index = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  }
  Node& node = nodes_[index];
  node.generation = node.generation == kGenerationMask ? 1 : node.generation + 1;
  return index;
}

void TimerWheel::free_node(std::uint32_t index) {
  Node& node = nodes_[index];
  node.bucket = kFree;
  node.next = kNone;
  if (last_free_ == kNone) {
    first_free_ = index;
  } else {
    nodes_[last_free_].next = index;
  }
  last_free_ = index;
  ++free_count_;
}

void TimerWheel::place(std::uint32_t index) {
  const MonoUs at = nodes_[index].at;
  const MonoUs difference = (at ^ tick_) | 1;
  const unsigned level = static_cast<unsigned>(std::bit_width(difference) - 1) / kDigitBits;
  const auto bucket = static_cast<unsigned>(at >> (level * kDigitBits)) % kBucketsPerLevel;
  const auto flat = static_cast<std::uint16_t>(level * kBucketsPerLevel + bucket);
  const bool first = heads_[flat] == kNone;
  earliest_[flat] = first ? at : std::min(earliest_[flat], at);
  append(index, flat);
  occupied_[level] |= std::uint64_t{1} << bucket;
}

void TimerWheel::append(std::uint32_t index, std::uint16_t bucket) {
  Node& node = nodes_[index];
  node.bucket = bucket;
  const std::uint32_t head = heads_[bucket];
  if (head == kNone) {
    node.next = node.previous = index;
    heads_[bucket] = index;
    return;
  }
  const std::uint32_t tail = nodes_[head].previous;
  node.next = head;
  node.previous = tail;
  nodes_[tail].next = index;
  nodes_[head].previous = index;
}

void TimerWheel::unlink(std::uint32_t index) {
  const Node& node = nodes_[index];
  const std::uint16_t bucket = node.bucket;
  if (node.next == index) {
    heads_[bucket] = kNone;
    if (bucket != kFiring) {
      occupied_[bucket / kBucketsPerLevel] &= ~(std::uint64_t{1} << (bucket % kBucketsPerLevel));
    }
    return;
  }
  nodes_[node.previous].next = node.next;
  nodes_[node.next].previous = node.previous;
  if (heads_[bucket] == index) heads_[bucket] = node.next;
}

unsigned TimerWheel::lowest_level() const {
  unsigned level = 0;
  while (level < kLevels && occupied_[level] == 0) ++level;
  return level;
}

MonoUs TimerWheel::bucket_start(unsigned level, unsigned bucket) const {
  // The digits above the level are the current tick's, the level's own digit is the bucket's.
  const unsigned shift = level * kDigitBits;
  const MonoUs above = tick_ >> (shift + kDigitBits) << (shift + kDigitBits);
  return above | (MonoUs{bucket} << shift);
}

void TimerWheel::fire(std::uint16_t bucket, const std::function<void(std::uint64_t)>& expired) {
  // Moved aside as one list first: the callbacks may cancel members of it.
  assert(heads_[kFiring] == kNone);
  while (heads_[bucket] != kNone) {
    const std::uint32_t index = heads_[bucket];
    unlink(index);
    append(index, kFiring);
  }
  while (heads_[kFiring] != kNone) {
    const std::uint32_t index = heads_[kFiring];
    const std::uint64_t cookie = nodes_[index].cookie;
    unlink(index);
    free_node(index);
    --size_;
    expired(cookie);
  }
}

void TimerWheel::spread(std::uint16_t bucket) {
  while (heads_[bucket] != kNone) {
    const std::uint32_t index = heads_[bucket];
    unlink(index);
    place(index);
  }
}

}  // namespace rookery
