// Finds the bytes at which an XML reader has to do something, 64 bytes of text at a time: one bit
// for each byte, then the bits one after another. Compared with searching from each event to the
// next, the searches do not wait for each other, which is what makes splitter and scanner fast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rookery::codec {

/// Which bytes are events besides `<`, `>`, both quotes, and those below 0x20.
enum class EventSet : std::uint8_t {
  markup,   ///< None.
  content,  ///< `&` and `]` too; and bytes from 0x80 on are noticed, though they are no events.
};

/// What 64 bytes hold.
struct EventBlock {
  std::uint64_t events = 0;
  std::uint64_t high = 0;  ///< Bytes from 0x80 on; only for EventSet::content.
};

#if defined(__SSE2__)

template <EventSet set>
inline __m128i find_events(__m128i bytes) noexcept {
  const auto equal = [bytes](char character) {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(character));
  };
  // `<` and `>` differ in one bit only, and so do `&` and the single quote.
  const __m128i angle = _mm_cmpeq_epi8(
      _mm_and_si128(bytes, _mm_set1_epi8(static_cast<char>(~0x02))), _mm_set1_epi8('<'));
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
  __m128i hits = _mm_or_si128(_mm_or_si128(angle, low), equal('"'));
  if constexpr (set == EventSet::markup) {
    hits = _mm_or_si128(hits, equal('\''));
  } else {
    const __m128i quote_or_ampersand = _mm_cmpeq_epi8(
        _mm_and_si128(bytes, _mm_set1_epi8(static_cast<char>(~0x01))), _mm_set1_epi8('&'));
    hits = _mm_or_si128(hits, _mm_or_si128(quote_or_ampersand, equal(']')));
  }
  return hits;
}

/// Sixteen bytes, added to a block at their place. The loop over the four parts is written out,
/// since compilers do not unroll it by themselves at our level of optimisation.
template <EventSet set, int part>
inline void add_part(const char* at, EventBlock& block) noexcept {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * part));
  const auto bits = static_cast<std::uint32_t>(_mm_movemask_epi8(find_events<set>(bytes)));
  block.events |= static_cast<std::uint64_t>(bits) << (16 * part);
  if constexpr (set == EventSet::content) {
    const auto high = static_cast<std::uint32_t>(_mm_movemask_epi8(bytes));
    block.high |= static_cast<std::uint64_t>(high) << (16 * part);
  }
}

template <EventSet set>
inline EventBlock load_block(const char* at) noexcept {
  EventBlock block;
  add_part<set, 0>(at, block);
  add_part<set, 1>(at, block);
  add_part<set, 2>(at, block);
  add_part<set, 3>(at, block);
  return block;
}

#else

template <EventSet set>
inline EventBlock load_block(const char* at) noexcept {
  EventBlock block;
  for (int index = 0; index < 64; ++index) {
    const auto byte = static_cast<unsigned char>(at[index]);
    const bool common = byte < 0x20 || byte == '<' || byte == '>' || byte == '"' || byte == '\'';
    const bool further = set == EventSet::content && (byte == '&' || byte == ']');
    block.events |= std::uint64_t{common || further} << index;
    if (set == EventSet::content) block.high |= std::uint64_t{byte >= 0x80} << index;
  }
  return block;
}

#endif

/// Walks over the events of [begin, end), in order.
template <EventSet set>
class EventBits {
 public:
  /// `floor` is the first byte that may be read, at most `begin`.
  EventBits(const char* floor, const char* begin, const char* end) noexcept
      : floor_(floor), base_(begin), end_(end) {
    load();
  }

  /// The next event, or `end`.
  const char* next() noexcept {
    while (bits_ == 0) [[unlikely]] {
        if (end_ - base_ <= 64) return end_;
        base_ += 64;
        load();
      }
    const char* const found = base_ + __builtin_ctzll(bits_);
    bits_ &= bits_ - 1;
    return found;
  }

  /// Whether any byte from 0x80 on was in what has been looked at (always the whole text once
  /// next() has returned its last event).
  [[nodiscard]] bool seen_high() const noexcept { return high_ != 0; }

 private:
  void load() noexcept {
    const std::size_t left = static_cast<std::size_t>(end_ - base_);
    EventBlock block;
    if (left >= 64) {
      block = load_block<set>(base_);
    } else if (end_ - floor_ >= 64) {
      // The last 64 bytes, of which the first have been looked at already.
      block = load_block<set>(end_ - 64);
      if (left == 0) return;
      block.events >>= 64 - left;
    } else {
      // The last bytes are copied, so that nothing is read behind them; zeros are events, so those
      // of the padding are taken out again.
      char padded[64] = {};
      std::memcpy(padded, base_, left);
      block = load_block<set>(padded);
      block.events &= (std::uint64_t{1} << left) - 1;
    }
    bits_ = block.events;
    high_ |= block.high;
  }

  const char* const floor_;
  const char* base_;
  const char* const end_;
  std::uint64_t bits_ = 0;
  std::uint64_t high_ = 0;
};

}  // namespace rookery::codec
