// Rates and counts of admission.
#include "session/admission.h"

#include <cstring>

namespace rookery {
namespace {

constexpr MonoUs second_us = 1'000'000;
constexpr MonoUs minute_us = 60 * second_us;

std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdull;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ull;
  return value ^ (value >> 33);
}

/// A failure cell: the minute (16 bits) above the count (16 bits), so that one store resets both.
std::uint32_t minute_of(MonoUs now) {
  return static_cast<std::uint32_t>((now / minute_us) & 0xFFFFu);
}

}  // namespace

void RateLimit::fill(MonoUs now) {
  if (last_ == 0) last_ = now;
  const double elapsed = static_cast<double>(now - last_) / second_us;
  tokens_ = std::min(burst_, tokens_ + elapsed * per_second_);
  last_ = now;
}

bool RateLimit::ready(MonoUs now) {
  if (per_second_ == 0) return true;
  fill(now);
  return tokens_ >= 1.0;
}

bool RateLimit::take(MonoUs now) {
  if (!ready(now)) return false;
  if (per_second_ != 0) tokens_ -= 1.0;
  return true;
}

MonoUs RateLimit::next(MonoUs now) const {
  if (per_second_ == 0 || tokens_ >= 1.0) return now;
  return now + static_cast<MonoUs>((1.0 - tokens_) * second_us / per_second_) + 1;
}

std::uint32_t AddressTable::place(const std::uint8_t (&ip)[16]) const {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, ip, 8);
  std::memcpy(&low, ip + 8, 8);
  // An IPv4 address has no /64 of its own: all of it counts.
  const bool mapped = high == 0;
  return static_cast<std::uint32_t>(mix(mix(high ^ key_) ^ (mapped ? low : 0)) >> 32);
}

std::uint32_t AddressTable::connections(std::uint32_t place) const {
  const auto first = cells_->connections[0][column(place, 0)].load(std::memory_order_relaxed);
  const auto second = cells_->connections[1][column(place, 1)].load(std::memory_order_relaxed);
  return std::min(first, second);
}

void AddressTable::connected(std::uint32_t place) {
  for (unsigned row = 0; row < 2; ++row) {
    cells_->connections[row][column(place, row)].fetch_add(1, std::memory_order_relaxed);
  }
}

void AddressTable::disconnected(std::uint32_t place) {
  for (unsigned row = 0; row < 2; ++row) {
    cells_->connections[row][column(place, row)].fetch_sub(1, std::memory_order_relaxed);
  }
}

std::uint32_t AddressTable::failures(std::uint32_t place, MonoUs now) const {
  std::uint32_t least = ~0u;
  for (unsigned row = 0; row < 2; ++row) {
    const auto cell = cells_->failures[row][column(place, row)].load(std::memory_order_relaxed);
    least = std::min(least, (cell >> 16) == minute_of(now) ? cell & 0xFFFFu : 0u);
  }
  return least;
}

void AddressTable::failed(std::uint32_t place, MonoUs now) {
  for (unsigned row = 0; row < 2; ++row) {
    auto& cell = cells_->failures[row][column(place, row)];
    std::uint32_t old = cell.load(std::memory_order_relaxed);
    std::uint32_t fresh = 0;
    do {
      const std::uint32_t count = (old >> 16) == minute_of(now) ? old & 0xFFFFu : 0u;
      fresh = (minute_of(now) << 16) | std::min(count + 1, 0xFFFFu);
    } while (!cell.compare_exchange_weak(old, fresh, std::memory_order_relaxed));
  }
}

}  // namespace rookery
