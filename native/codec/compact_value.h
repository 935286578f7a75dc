// The values of the compact encoding (docs/PROTOCOL.md, section 5.1): every attribute, every text
// and every name that is not in the dictionary is one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codec/byte_writer.h"
#include "codec/compact_error.h"

namespace rookery::codec {

/// The first bytes of a value. Below `short_text` it is an index of a word, 0 the empty text.
enum ValueForm : std::uint8_t {
  form_short_text = 0xA0,  ///< Up to 0xBF: 1 to 32 bytes.
  form_long_word = 0xC0,   ///< Up to 0xCF.
  form_text = 0xD0,
  form_number = 0xD1,
  form_lower_hex = 0xD2,
  form_upper_hex = 0xD3,
  form_uuid = 0xD4,
  form_base64 = 0xD5,
  form_address = 0xD6,
  form_full_address = 0xD7,
  form_own_domain = 0xD8,
  form_own_address = 0xD9,
  form_own_full_address = 0xDA,
  form_decimal = 0xDB,
};

/// The four bits 0 to 15 of the packed forms, as characters.
inline constexpr std::string_view number_digits = "0123456789-.+:TZ";
inline constexpr std::string_view lower_hex_digits = "0123456789abcdef";
inline constexpr std::string_view upper_hex_digits = "0123456789ABCDEF";
inline constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::size_t longest_short_text = 32;

/// Appends the one form of the text that an encoder may choose. An empty `own_domain` means that
/// the forms with the server's domain are not allowed. False when the writer's limit is reached.
[[nodiscard]] bool put_value(ByteWriter& out, std::string_view text, std::string_view own_domain);

/// Where a value that is being decoded goes, and so what is escaped and checked in it.
enum class ValuePlace : std::uint8_t {
  text,       ///< Between tags.
  attribute,  ///< Within single quotes.
  uri,        ///< Within single quotes, a namespace.
  unchecked,  ///< As it is; the caller checks it.
};

/// What is left of a packet.
struct PacketCursor {
  const char* at;
  const char* end;

  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end - at); }
  [[nodiscard]] CompactError byte(std::uint8_t& out) {
    if (at == end) return CompactError::truncated;
    out = static_cast<std::uint8_t>(*at++);
    return CompactError::none;
  }
  [[nodiscard]] CompactError varint(std::uint32_t& out);
  [[nodiscard]] CompactError bytes(std::size_t count, std::string_view& out) {
    if (count > left()) return CompactError::truncated;
    out = {at, count};
    at += count;
    return CompactError::none;
  }
};

/// Reads one value and appends the XML for it.
[[nodiscard]] CompactError read_value(PacketCursor& in, std::string_view own_domain,
                                      ValuePlace place, ByteWriter& out);

}  // namespace rookery::codec
