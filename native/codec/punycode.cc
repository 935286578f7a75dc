// The decoder of RFC 3492 section 6.2.
#include "codec/punycode.h"

#include <cstdint>
#include <vector>

#include "codec/xml_chars.h"

namespace rookery::codec {
namespace {

// The parameters of section 5.
constexpr std::uint32_t base = 36;
constexpr std::uint32_t tmin = 1;
constexpr std::uint32_t tmax = 26;
constexpr std::uint32_t skew = 38;
constexpr std::uint32_t damp = 700;
constexpr std::uint32_t initial_bias = 72;
constexpr std::uint32_t initial_code = 0x80;

// A label is at most 63 bytes long, which keeps every sum below far from the limit of 32 bits once
// each digit's weight is bounded as here.
constexpr std::uint64_t largest = 0x7FFFFFFF;

std::uint32_t adapt(std::uint32_t delta, std::uint32_t count, bool first) {
  delta = first ? delta / damp : delta / 2;
  delta += delta / count;
  std::uint32_t k = 0;
  for (; delta > (base - tmin) * tmax / 2; k += base) delta /= base - tmin;
  return k + (base - tmin + 1) * delta / (delta + skew);
}

std::uint32_t digit_of(char character) {
  if (character >= 'a' && character <= 'z') return static_cast<std::uint32_t>(character - 'a');
  if (character >= '0' && character <= '9') return static_cast<std::uint32_t>(character - '0' + 26);
  return base;
}

/// One generalised variable-length integer, added to `index`.
bool read_delta(std::string_view text, std::size_t& at, std::uint32_t bias, std::uint64_t& index) {
  std::uint64_t weight = 1;
  for (std::uint32_t k = base;; k += base) {
    if (at == text.size()) return false;
    const std::uint32_t digit = digit_of(text[at++]);
    if (digit >= base) return false;
    index += digit * weight;
    if (index > largest) return false;
    const std::uint32_t threshold = k <= bias ? tmin : k >= bias + tmax ? tmax : k - bias;
    if (digit < threshold) return true;
    weight *= base - threshold;
    if (weight > largest) return false;
  }
}

}  // namespace

bool decode_punycode(std::string_view text, std::string& out) {
  if (text.size() > 63) return false;
  std::vector<std::uint32_t> codes;
  const std::size_t delimiter = text.rfind('-');
  std::size_t at = 0;
  if (delimiter != text.npos) {
    for (const char character : text.substr(0, delimiter)) {
      codes.push_back(static_cast<unsigned char>(character));
    }
    at = delimiter + 1;
  }
  std::uint32_t code = initial_code;
  std::uint32_t bias = initial_bias;
  std::uint64_t index = 0;
  while (at < text.size()) {
    const std::uint64_t before = index;
    if (!read_delta(text, at, bias, index)) return false;
    const auto count = static_cast<std::uint32_t>(codes.size() + 1);
    bias = adapt(static_cast<std::uint32_t>(index - before), count, before == 0);
    code += static_cast<std::uint32_t>(index / count);
    index %= count;
    if (code > 0x10FFFF || !is_xml_char(code)) return false;
    codes.insert(codes.begin() + static_cast<std::ptrdiff_t>(index), code);
    ++index;
  }
  out.clear();
  for (const std::uint32_t each : codes) append_utf8(out, each);
  return true;
}

}  // namespace rookery::codec
