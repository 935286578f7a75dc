// The character classes of XML 1.0: which bytes and code points may stand where, and UTF-8 decoded
// strictly. Names follow the fourth edition's tables, because that is what expat, and with it many
// of our users' clients, accepts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/stream_error.h"

namespace rookery::codec {

constexpr bool is_xml_space(char character) {
  return character == ' ' || character == '\n' || character == '\t' || character == '\r';
}

/// Bits of `char_class`.
inline constexpr std::uint8_t class_name_start = 1;
inline constexpr std::uint8_t class_name = 2;
inline constexpr std::uint8_t class_space = 4;
inline constexpr std::uint8_t class_high = 8;  ///< Part of a multi-byte character.
inline constexpr std::uint8_t class_uri = 16;  ///< May stand in a URI (RFC 3986).

constexpr std::array<std::uint8_t, 256> make_char_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    const bool digit = byte >= '0' && byte <= '9';
    std::uint8_t bits = 0;
    if (letter || byte == '_') bits |= class_name_start;
    if (letter || digit || byte == '_' || byte == '-' || byte == '.') bits |= class_name;
    if (byte < 0x80 && is_xml_space(static_cast<char>(byte))) bits |= class_space;
    if (byte >= 0x80) bits |= class_high;
    const std::string_view others = "-._~:/?#[]@!$&'()*+,;=%";
    if (letter || digit || (byte < 0x80 && others.find(static_cast<char>(byte)) != others.npos)) {
      bits |= class_uri;
    }
    classes[byte] = bits;
  }
  return classes;
}

/// What one byte may be. The colon is in no name class: names are split at it.
inline constexpr std::array<std::uint8_t, 256> char_classes = make_char_classes();

constexpr bool has_class(char character, std::uint8_t bits) {
  return (char_classes[static_cast<unsigned char>(character)] & bits) != 0;
}

/// A character of XML 1.0 (production Char).
constexpr bool is_xml_char(std::uint32_t code) {
  if (code < 0x20) return code == 0x09 || code == 0x0A || code == 0x0D;
  if (code < 0xD800) return true;
  return (code >= 0xE000 && code <= 0xFFFD) || (code >= 0x10000 && code <= 0x10FFFF);
}

/// May a non-ASCII code point begin a name, or go on with one?
bool is_wide_name_start(std::uint32_t code) noexcept;
bool is_wide_name_char(std::uint32_t code) noexcept;

/// Decodes one character at `at` (at < end) and returns its length, or 0 when it is not valid UTF-8
/// (overlong, surrogate, beyond U+10FFFF, cut short).
inline std::size_t decode_utf8(const char* at, const char* end, std::uint32_t& code) noexcept {
  const auto byte = [at](std::size_t index) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(at[index]));
  };
  const auto follows = [&byte](std::size_t index) { return (byte(index) & 0xC0u) == 0x80u; };
  const std::size_t left = static_cast<std::size_t>(end - at);
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) {
    code = lead;
    return 1;
  }
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) {
    if (left < 2 || !follows(1)) return 0;
    code = ((lead & 0x1Fu) << 6) | (byte(1) & 0x3Fu);
    return 2;
  }
  if (lead < 0xF0) {
    if (left < 3 || !follows(1) || !follows(2)) return 0;
    code = ((lead & 0x0Fu) << 12) | ((byte(1) & 0x3Fu) << 6) | (byte(2) & 0x3Fu);
    return code < 0x800 || (code >= 0xD800 && code <= 0xDFFF) ? 0 : 3;
  }
  if (lead < 0xF5) {
    if (left < 4 || !follows(1) || !follows(2) || !follows(3)) return 0;
    code = ((lead & 0x07u) << 18) | ((byte(1) & 0x3Fu) << 12) | ((byte(2) & 0x3Fu) << 6) |
           (byte(3) & 0x3Fu);
    return code < 0x10000 || code > 0x10FFFF ? 0 : 4;
  }
  return 0;
}

/// Resolves the reference at `at` (which points to the `&`), one of the five predefined or a
/// numeric one. Returns its length, or 0 when it is none that XML 1.0 allows.
std::size_t decode_reference(const char* at, const char* end, std::uint32_t& code) noexcept;

/// How to answer an `&` that decode_reference() has refused: a reference to a named entity is what
/// RFC 6120 section 11.1 forbids, anything else is not well-formed.
StreamError bad_reference(const char* at, const char* end) noexcept;

/// Appends the UTF-8 form of a valid code point to any container of char.
template <typename Out>
void append_utf8(Out& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

}  // namespace rookery::codec
