// One tag, one attribute, one name: the syntax that the stanza scan and the stream header scan have
// in common. Everything here reads text that ends with `>`, which stops every loop over names and
// white space; so none of them asks whether the end has come.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/stream_error.h"
#include "codec/byte_scan.h"
#include "codec/xml_chars.h"

namespace rookery::codec {

inline constexpr std::string_view client_namespace = "jabber:client";
inline constexpr std::string_view stream_namespace = "http://etherx.jabber.org/streams";
inline constexpr std::string_view xml_namespace = "http://www.w3.org/XML/1998/namespace";
inline constexpr std::string_view xmlns_namespace = "http://www.w3.org/2000/xmlns/";

/// The first eight bytes of a name, or all of it with zeros behind, as one number. Two names of at
/// most eight bytes are equal when their sizes and their keys are.
using NameKey = std::uint64_t;

constexpr NameKey name_key(std::string_view name) noexcept {
  NameKey key = 0;
  for (std::size_t index = 0; index < name.size() && index < 8; ++index) {
    key |= static_cast<NameKey>(static_cast<unsigned char>(name[index])) << (8 * index);
  }
  return key;
}

/// The same of a name in a text that goes on to `end`: in one load when there are eight bytes.
inline NameKey read_key(const char* at, std::size_t size, const char* end) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    if (end - at >= 8) {
      NameKey key;
      std::memcpy(&key, at, sizeof key);
      return size >= 8 ? key : key & ((NameKey{1} << (8 * size)) - 1);
    }
  }
  return name_key({at, size});
}

/// A qualified name in the text. Left without initial values, as arrays of them stand on the stack.
struct Name {
  const char* begin;
  NameKey key;
  std::uint32_t size;
  std::uint32_t prefix_size;  ///< Without the colon; zero: no prefix.

  [[nodiscard]] std::string_view whole() const { return {begin, size}; }
  [[nodiscard]] std::string_view prefix() const { return {begin, prefix_size}; }
  [[nodiscard]] std::string_view local() const {
    return prefix_size == 0 ? whole() : whole().substr(prefix_size + 1);
  }
  /// Equal to a word of at most eight bytes?
  [[nodiscard]] bool is(std::string_view word) const {
    return size == word.size() && key == name_key(word);
  }
};

inline bool operator==(const Name& left, const Name& right) noexcept {
  return left.size == right.size && left.key == right.key &&
         (left.size <= 8 || std::memcmp(left.begin, right.begin, left.size) == 0);
}

struct Attribute {
  Name name{};
  std::string_view value;  ///< Raw.
  bool plain = true;       ///< The value has no references and no control characters.
};

inline const char* skip_space(const char* at) noexcept {
  while (has_class(*at, class_space)) ++at;
  return at;
}

/// The part of a name up to a colon or its end. Null when it is not an NCName.
const char* skip_wide_ncname(const char* begin, const char* at, const char* end) noexcept;

inline const char* skip_ncname(const char* at, const char* end) noexcept {
  const char* begin = at;
  if (!has_class(*at, class_name_start | class_high)) return nullptr;
  while (has_class(*at, class_name)) ++at;
  if (has_class(*at, class_high)) return skip_wide_ncname(begin, at, end);
  return at;
}

/// Reads a qualified name; the byte behind it, or null.
inline const char* read_name(const char* at, const char* end, Name& out) noexcept {
  out.begin = at;
  out.prefix_size = 0;
  at = skip_ncname(at, end);
  if (at != nullptr && *at == ':') {
    out.prefix_size = static_cast<std::uint32_t>(at - out.begin);
    at = skip_ncname(at + 1, end);
  }
  if (at == nullptr) return nullptr;
  out.size = static_cast<std::uint32_t>(at - out.begin);
  out.key = read_key(out.begin, out.size, end);
  return at;
}

/// A character that ended a run: valid UTF-8 that XML allows? Moves behind it.
StreamError check_character(const char*& at, const char* end) noexcept;

/// Goes on with an attribute value at a byte that is not plain, up to its closing quote.
StreamError read_rich_value(const char*& at, const char* end, char quote) noexcept;

/// Reads ` = "value"` behind an attribute's name, and leaves `at` behind the closing quote.
inline StreamError read_value(const char*& at, const char* end, Attribute& out) noexcept {
  at = skip_space(at);
  if (*at != '=') return StreamError::not_well_formed;
  at = skip_space(at + 1);
  const char quote = *at;
  if (quote != '"' && quote != '\'') return StreamError::not_well_formed;
  const char* const begin = ++at;
  at = quote == '"' ? skip_run<RunEnd::control_or_high, '"', '<', '&'>(at, end)
                    : skip_run<RunEnd::control_or_high, '\'', '<', '&'>(at, end);
  out.plain = at != end && *at == quote;
  if (!out.plain) {
    const StreamError error = read_rich_value(at, end, quote);
    if (error != StreamError::none) return error;
  }
  out.value = {begin, static_cast<std::size_t>(at - begin)};
  ++at;
  return StreamError::none;
}

/// Is this a declaration of a namespace (`xmlns`, `xmlns:p`)?
inline bool declares_namespace(const Name& name) noexcept {
  constexpr NameKey first_five = (NameKey{1} << 40) - 1;
  return (name.key & first_five) == name_key("xmlns") && (name.size == 5 || name.prefix_size == 5);
}

/// Checks the declared name against Namespaces in XML 1.0: a URI, not empty for a prefix, and
/// nobody else's reserved name or prefix. `end` is the end of the text that the value stands in.
StreamError check_declaration(const Attribute& attribute, const char* end) noexcept;

/// Checks that the text is UTF-8 and has only characters that XML allows; control characters are
/// not looked for.
StreamError check_wide(std::string_view text) noexcept;

/// Whether two raw attribute values are equal once references and white space are normalised.
bool same_value(std::string_view left, std::string_view right) noexcept;

}  // namespace rookery::codec
