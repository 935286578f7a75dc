// Chooses the form of a value: each byte of the text takes away the forms whose alphabet it is not
// in, until none is left; most texts are through after a few bytes.
#include "codec/compact_value.h"

#include <array>
#include <cstring>

#include "codec/compact_dictionary.h"

namespace rookery::codec {
namespace {

// Bits of `alphabets`.
constexpr std::uint8_t decimal_bit = 1;
constexpr std::uint8_t number_bit = 2;
constexpr std::uint8_t lower_hex_bit = 4;
constexpr std::uint8_t upper_hex_bit = 8;
constexpr std::uint8_t base64_bit = 16;
constexpr std::uint8_t all_bits = 31;

constexpr std::size_t uuid_characters = 36;
constexpr std::size_t uuid_bytes = 16;

struct ByteClass {
  std::uint8_t alphabets = 0;
  std::uint8_t number = 0;  ///< Place in number_digits.
  std::uint8_t hex = 0;     ///< Place in either of the hex alphabets.
  std::uint8_t base64 = 0;
};

constexpr std::array<ByteClass, 256> make_classes() {
  std::array<ByteClass, 256> classes{};
  const auto add = [&](std::string_view digits, std::uint8_t bit, auto member) {
    for (std::size_t place = 0; place < digits.size(); ++place) {
      ByteClass& entry = classes[static_cast<unsigned char>(digits[place])];
      entry.alphabets |= bit;
      entry.*member = static_cast<std::uint8_t>(place);
    }
  };
  add(number_digits.substr(0, 10), decimal_bit, &ByteClass::number);
  add(number_digits, number_bit, &ByteClass::number);
  add(lower_hex_digits, lower_hex_bit, &ByteClass::hex);
  add(upper_hex_digits, upper_hex_bit, &ByteClass::hex);
  add(base64_digits, base64_bit, &ByteClass::base64);
  return classes;
}

constexpr std::array<ByteClass, 256> classes = make_classes();

const ByteClass& class_of(char character) { return classes[static_cast<unsigned char>(character)]; }

/// The alphabets that all characters are in.
std::uint8_t alphabets_of(std::string_view text) {
  std::uint8_t alphabets = all_bits;
  for (const char character : text) {
    alphabets &= class_of(character).alphabets;
    if (alphabets == 0) break;
  }
  return alphabets;
}

bool put_text(ByteWriter& out, std::string_view text) {
  if (!out.room(1 + max_varint_bytes + text.size())) return false;
  if (text.size() <= longest_short_text) {
    out.put_unchecked(static_cast<char>(form_short_text + text.size() - 1));
  } else {
    out.put_unchecked(static_cast<char>(form_text));
    if (!put_varint(out, static_cast<std::uint32_t>(text.size()))) return false;
    if (!out.room(text.size())) return false;
  }
  out.put_unchecked(text);
  return true;
}

template <std::uint8_t ByteClass::*digit>
bool put_packed(ByteWriter& out, std::uint8_t form, std::string_view text) {
  const std::size_t bytes = (text.size() + 1) / 2;
  if (!out.put(static_cast<char>(form))) return false;
  if (!put_varint(out, static_cast<std::uint32_t>(text.size())) || !out.room(bytes)) return false;
  char* to = out.claim(bytes);
  const char* at = text.data();
  for (std::size_t left = text.size(); left >= 2; left -= 2, at += 2) {
    *to++ = static_cast<char>(class_of(at[0]).*digit << 4 | class_of(at[1]).*digit);
  }
  if (text.size() % 2 != 0) *to = static_cast<char>(class_of(*at).*digit << 4);
  return true;
}

/// Digits without a leading zero, at most 2^32 - 1?
bool is_decimal(std::string_view text, std::uint32_t& number) {
  if (text.size() > 10 || (text.size() > 1 && text[0] == '0')) return false;
  std::uint64_t value = 0;
  for (const char character : text) value = value * 10 + class_of(character).number;
  number = static_cast<std::uint32_t>(value);
  return value <= 0xFFFFFFFFu;
}

/// Eight digits of lower-case hexadecimal at once, the first in the lowest byte, as four bytes.
bool read_hex_digits(std::uint64_t digits, std::uint32_t& bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101u;
  const std::uint64_t letters = digits >> 6 & ones;
  const std::uint64_t values = (digits & 0x0F * ones) + 9 * letters;
  // Each value is below 16, is 10 or more just when it comes from a letter, and spells its digit.
  if ((values & 0xF0 * ones) != 0 || ((values + 6 * ones) >> 4 & ones) != letters ||
      values + '0' * ones + ('a' - '0' - 10) * letters != digits) {
    return false;
  }
  std::uint64_t pairs = (values << 4 | values >> 8) & 0x00FF00FF00FF00FFu;
  pairs = (pairs | pairs >> 8) & 0x0000FFFF0000FFFFu;
  bytes = static_cast<std::uint32_t>(pairs | pairs >> 16);
  return true;
}

/// Writes a UUID in lower case; false when it is none or there is no room, `refused` says which.
bool put_uuid(ByteWriter& out, std::string_view text, bool& refused) {
  if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return false;
  char digits[2 * uuid_bytes];
  std::memcpy(digits, text.data(), 8);
  std::memcpy(digits + 8, text.data() + 9, 4);
  std::memcpy(digits + 12, text.data() + 14, 4);
  std::memcpy(digits + 16, text.data() + 19, 4);
  std::memcpy(digits + 20, text.data() + 24, 12);
  char bytes[uuid_bytes];
  for (std::size_t part = 0; part < uuid_bytes; part += 4) {
    std::uint32_t four = 0;
    if (!read_hex_digits(text_key({digits + 2 * part, 8}), four)) return false;
    for (std::size_t index = 0; index < 4; ++index) {
      bytes[part + index] = static_cast<char>(four >> (8 * index));
    }
  }
  refused = !out.room(1 + uuid_bytes);
  if (refused) return false;
  out.put_unchecked(static_cast<char>(form_uuid));
  out.put_unchecked(std::string_view(bytes, uuid_bytes));
  return true;
}

std::size_t base64_padding(std::string_view text) {
  if (text.size() < 4 || text.size() % 4 != 0 || text.back() != '=') return 0;
  return text[text.size() - 2] == '=' ? 2 : 1;
}

/// Base64 whose unused bits are zero, so that decoding and encoding it gives the same text?
bool is_base64(std::string_view text, std::size_t padding, std::uint8_t alphabets) {
  if ((alphabets & base64_bit) == 0 || text.size() % 4 != 0) return false;
  if (padding == 0) return true;
  const unsigned last = class_of(text[text.size() - padding - 1]).base64;
  return (last & (padding == 1 ? 0x03u : 0x0Fu)) == 0;
}

bool put_base64(ByteWriter& out, std::string_view text, std::size_t padding) {
  const std::size_t bytes = text.size() / 4 * 3 - padding;
  if (!out.put(static_cast<char>(form_base64))) return false;
  if (!put_varint(out, static_cast<std::uint32_t>(bytes)) || !out.room(bytes)) return false;
  char* to = out.claim(bytes);
  const auto digit = [&](std::size_t index) -> std::uint32_t {
    return class_of(text[index]).base64;  // Padding counts as zeros.
  };
  for (std::size_t at = 0, left = bytes; left > 0; at += 4) {
    const std::uint32_t group =
        digit(at) << 18 | digit(at + 1) << 12 | digit(at + 2) << 6 | digit(at + 3);
    for (int shift = 16; shift >= 0 && left > 0; shift -= 8, --left) {
      *to++ = static_cast<char>(group >> shift);
    }
  }
  return true;
}

/// Text of an alphabet that can be packed, or in the end as it is.
bool put_packed_or_text(ByteWriter& out, std::string_view text, std::size_t padding,
                        std::uint8_t alphabets) {
  if (padding == 0) {
    std::uint32_t number = 0;
    if ((alphabets & decimal_bit) != 0 && is_decimal(text, number)) {
      return out.put(static_cast<char>(form_decimal)) && put_varint(out, number);
    }
    // From two characters on, packing is never longer than text.
    if (text.size() >= 2) {
      if ((alphabets & number_bit) != 0) {
        return put_packed<&ByteClass::number>(out, form_number, text);
      }
      if ((alphabets & lower_hex_bit) != 0) {
        return put_packed<&ByteClass::hex>(out, form_lower_hex, text);
      }
      if ((alphabets & upper_hex_bit) != 0) {
        return put_packed<&ByteClass::hex>(out, form_upper_hex, text);
      }
    }
  }
  return is_base64(text, padding, alphabets) ? put_base64(out, text, padding) : put_text(out, text);
}

/// The three parts of an address; `resource` is empty when there is none.
struct AddressParts {
  std::string_view local, domain, resource;
};

bool split_address(std::string_view text, AddressParts& parts) {
  const std::size_t sign = text.find('@');
  if (sign == text.npos || sign == 0) return false;
  parts.local = text.substr(0, sign);
  parts.domain = text.substr(sign + 1);
  if (parts.local.find('/') != text.npos) return false;
  const std::size_t slash = parts.domain.find('/');
  if (slash == parts.domain.npos) return !parts.domain.empty();
  parts.resource = parts.domain.substr(slash + 1);
  parts.domain = parts.domain.substr(0, slash);
  return !parts.domain.empty() && !parts.resource.empty();
}

/// Values within an address are no addresses themselves.
enum class Place : std::uint8_t { outside, within_address };

bool put_any(ByteWriter& out, std::string_view text, std::string_view own_domain, Place place);

bool put_address(ByteWriter& out, const AddressParts& parts, std::string_view own_domain) {
  const auto put_part = [&](std::string_view part) {
    return put_any(out, part, own_domain, Place::within_address);
  };
  const bool own = parts.domain == own_domain;
  const bool full = !parts.resource.empty();
  const ValueForm form = own ? (full ? form_own_full_address : form_own_address)
                             : (full ? form_full_address : form_address);
  return out.put(static_cast<char>(form)) && put_part(parts.local) &&
         (own || put_part(parts.domain)) && (!full || put_part(parts.resource));
}

/// Text of no alphabet: an address where that is not longer.
bool put_address_or_text(ByteWriter& out, std::string_view text, std::string_view own_domain) {
  AddressParts parts;
  if (!split_address(text, parts)) return put_text(out, text);
  const std::size_t begin = out.size();
  if (!put_address(out, parts, own_domain)) return false;
  const auto size = static_cast<std::uint32_t>(text.size());
  const std::size_t head = size <= longest_short_text ? 1 : 1 + varint_size(size);
  if (out.size() - begin <= head + size) return true;
  out.cut(begin);
  return put_text(out, text);
}

bool put_any(ByteWriter& out, std::string_view text, std::string_view own_domain, Place place) {
  if (text.empty()) return out.put('\0');
  const std::uint16_t word = find_word(text);
  if (word != 0 && word < short_words) return out.put(static_cast<char>(word));
  if (text == own_domain) return out.put(static_cast<char>(form_own_domain));
  if (word != 0) {
    const unsigned index = word - static_cast<unsigned>(short_words);
    return out.put(static_cast<char>(form_long_word + (index >> 8))) &&
           out.put(static_cast<char>(index));
  }
  const std::size_t padding = base64_padding(text);
  const std::uint8_t alphabets = alphabets_of(text.substr(0, text.size() - padding));
  if (text.size() == uuid_characters) {
    bool refused = false;
    if (put_uuid(out, text, refused)) return true;
    if (refused) return false;
  }
  if (alphabets != 0) return put_packed_or_text(out, text, padding, alphabets);
  return place == Place::outside ? put_address_or_text(out, text, own_domain) : put_text(out, text);
}

}  // namespace

bool put_value(ByteWriter& out, std::string_view text, std::string_view own_domain) {
  return put_any(out, text, own_domain, Place::outside);
}

}  // namespace rookery::codec
