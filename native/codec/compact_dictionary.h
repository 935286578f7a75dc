// Finds words and names in the dictionary of the compact protocol: what encoder and decoder know
// of it at compile time, and the searches by text.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>
#include <type_traits>

#include "codec/compact_dictionary.gen.h"
#include "codec/xml_tag.h"

namespace rookery::codec {

inline constexpr std::size_t word_count = std::size(dictionary_words);
inline constexpr std::size_t name_count = std::size(dictionary_names);
inline constexpr std::size_t attribute_count = std::size(dictionary_attributes);

/// Indexes below this are written in one byte.
inline constexpr std::size_t short_words = 160;
inline constexpr std::size_t short_names = 240;
inline constexpr std::size_t first_name = 2;  ///< Of names and attributes.

/// The namespaces that the encoding itself has to know, as indexes among the words.
consteval std::uint16_t word_index(std::string_view word) {
  for (std::size_t index = 0; index < word_count; ++index) {
    if (dictionary_words[index] == word) return static_cast<std::uint16_t>(index);
  }
  throw "the word is not in the dictionary";
}

/// Whether every attribute with a namespace is one of XML itself.
consteval bool attributes_are_plain_or_xml() {
  for (const DictionaryName& name : dictionary_attributes) {
    const std::string_view xmlns = dictionary_words[name.xmlns];
    if (!xmlns.empty() && xmlns != "http://www.w3.org/XML/1998/namespace") return false;
  }
  return true;
}

/// The first eight bytes of a text, as name_key() has them, in few loads and none outside of it.
constexpr NameKey text_key(std::string_view text) noexcept {
  if (std::is_constant_evaluated() || std::endian::native != std::endian::little) {
    return name_key(text);
  }
  const char* const at = text.data();
  const std::size_t size = text.size();
  const auto byte = [at](std::size_t index) {
    return NameKey{static_cast<unsigned char>(at[index])} << (8 * index);
  };
  if (size >= 8) {
    NameKey key = 0;
    std::memcpy(&key, at, 8);
    return key;
  }
  if (size >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, at, 4);
    std::memcpy(&last, at + size - 4, 4);
    return first | NameKey{last} << (8 * (size - 4));
  }
  return size == 0 ? 0 : byte(0) | byte(size / 2) | byte(size - 1);
}

/// Index of the word, or 0 when it is empty or not in the dictionary.
std::uint16_t find_word(std::string_view word) noexcept;

/// Index of the element with that local name, whose namespace has that index among the words; or 0.
/// `key` is the local name's.
std::uint16_t find_name(std::uint16_t xmlns, std::string_view local, NameKey key) noexcept;

/// Index of the attribute, or 0; namespace 0: none.
std::uint16_t find_attribute(std::uint16_t xmlns, std::string_view local, NameKey key) noexcept;

}  // namespace rookery::codec
