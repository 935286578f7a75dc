// Skips runs of uninteresting bytes, sixteen at a time where the machine has SSE2. Splitter,
// scanner and escaping spend most of their bytes here, so it is all inline.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rookery::codec {

/// Which bytes end a run besides the listed ones.
enum class RunEnd : std::uint8_t {
  listed,           ///< None.
  control,          ///< Those below 0x20.
  control_or_high,  ///< Those below 0x20 and those from 0x80 on.
};

template <RunEnd kind, char... stops>
constexpr bool ends_run(char character) {
  const auto byte = static_cast<unsigned char>(character);
  const bool listed = (... || (character == stops));
  if (listed) return true;
  if constexpr (kind != RunEnd::listed) {
    if (byte < 0x20) return true;
  }
  if constexpr (kind == RunEnd::control_or_high) {
    if (byte >= 0x80) return true;
  }
  return false;
}

/// The first byte in [at, end) that ends the run, or `end`. Never reads at or behind `end`.
template <RunEnd kind, char... stops>
inline const char* skip_run(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    __m128i hits = _mm_setzero_si128();
    ((hits = _mm_or_si128(hits, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(stops)))), ...);
    if constexpr (kind == RunEnd::control) {
      const __m128i low = _mm_min_epu8(bytes, _mm_set1_epi8(0x1F));
      hits = _mm_or_si128(hits, _mm_cmpeq_epi8(low, bytes));
    }
    if constexpr (kind == RunEnd::control_or_high) {
      // Compared as signed numbers, the bytes from 0x80 on are below 0x20 too.
      hits = _mm_or_si128(hits, _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)));
    }
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(hits));
    if (mask != 0) return at + __builtin_ctz(mask);
    at += 16;
  }
#endif
  while (at != end && !ends_run<kind, stops...>(*at)) ++at;
  return at;
}

}  // namespace rookery::codec
