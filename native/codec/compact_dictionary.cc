// The hash tables of the dictionary, made at compile time. A slot holds a part of the hash, so that
// what is not in a table costs one load; an entry holds a name's first eight bytes, so that most
// names are compared without a loop.
#include "codec/compact_dictionary.h"

#include <array>
#include <cstring>
#include <type_traits>

namespace rookery::codec {
namespace {

struct Entry {
  NameKey key;
  std::uint16_t xmlns;
  std::uint16_t size;
};

/// Of the first and the last eight bytes and the length, which tell our words apart.
constexpr std::uint32_t hash_text(std::string_view text, NameKey key, std::uint16_t xmlns) {
  std::uint64_t last = text.size() << 56;
  if (text.size() > 8) last ^= text_key(text.substr(text.size() - 8));
  last = (last ^ std::uint64_t{xmlns} << 40) * 0x9E3779B97F4A7C15u;
  return static_cast<std::uint32_t>((key ^ last) * 0xD6E8FEB86659FD93u >> 32);
}

/// The index in the low half and the hash's high bits above; 0: free.
using Slot = std::uint32_t;
constexpr Slot mark_mask = 0xFFFF0000u;

template <std::size_t slot_count, std::size_t count>
struct Table {
  static_assert(slot_count >= 2 * count);
  std::array<Slot, slot_count> slots{};
  std::array<Entry, count> entries{};
  std::array<std::string_view, count> texts{};

  constexpr void add(std::size_t index, std::uint16_t xmlns, std::string_view text) {
    const NameKey key = text_key(text);
    const std::uint32_t hash = hash_text(text, key, xmlns);
    std::size_t slot = hash % slot_count;
    while (slots[slot] != 0) slot = (slot + 1) % slot_count;
    slots[slot] = (hash & mark_mask) | static_cast<Slot>(index);
    entries[index] = {key, xmlns, static_cast<std::uint16_t>(text.size())};
    texts[index] = text;
  }

  [[nodiscard]] std::uint16_t find(std::uint16_t xmlns, std::string_view text,
                                   NameKey key) const noexcept {
    const std::uint32_t hash = hash_text(text, key, xmlns);
    for (std::size_t slot = hash % slot_count; slots[slot] != 0; slot = (slot + 1) % slot_count) {
      if (((slots[slot] ^ hash) & mark_mask) != 0) continue;
      const auto index = static_cast<std::uint16_t>(slots[slot]);
      const Entry& entry = entries[index];
      if (entry.key != key || entry.xmlns != xmlns || entry.size != text.size()) continue;
      if (text.size() <= 8) return index;
      if (std::memcmp(text.data() + 8, texts[index].data() + 8, text.size() - 8) == 0) {
        return index;
      }
    }
    return 0;
  }
};

template <std::size_t slot_count, std::size_t count>
constexpr Table<slot_count, count> make_names(const DictionaryName (&names)[count]) {
  Table<slot_count, count> table;
  for (std::size_t index = first_name; index < count; ++index) {
    table.add(index, names[index].xmlns, names[index].local);
  }
  return table;
}

constexpr Table<2048, word_count> make_words() {
  Table<2048, word_count> table;
  for (std::size_t index = 1; index < word_count; ++index) {
    table.add(index, 0, dictionary_words[index]);
  }
  return table;
}

/// For each first byte, which sizes words have that begin with it; larger ones count as the last.
/// Most texts that are no words are told by it.
constexpr std::size_t last_size = 63;

constexpr std::array<std::uint64_t, 256> make_word_sizes() {
  std::array<std::uint64_t, 256> sizes{};
  for (std::size_t index = 1; index < word_count; ++index) {
    const std::string_view word = dictionary_words[index];
    const std::size_t size = word.size() < last_size ? word.size() : last_size;
    sizes[static_cast<unsigned char>(word[0])] |= std::uint64_t{1} << size;
  }
  return sizes;
}

constexpr auto words = make_words();
constexpr auto word_sizes = make_word_sizes();
constexpr auto names = make_names<2048>(dictionary_names);
constexpr auto attributes = make_names<512>(dictionary_attributes);

}  // namespace

std::uint16_t find_word(std::string_view word) noexcept {
  if (word.empty()) return 0;
  const std::size_t size = word.size() < last_size ? word.size() : last_size;
  if ((word_sizes[static_cast<unsigned char>(word[0])] >> size & 1) == 0) return 0;
  return words.find(0, word, text_key(word));
}

std::uint16_t find_name(std::uint16_t xmlns, std::string_view local, NameKey key) noexcept {
  return names.find(xmlns, local, key);
}

std::uint16_t find_attribute(std::uint16_t xmlns, std::string_view local, NameKey key) noexcept {
  return attributes.find(xmlns, local, key);
}

}  // namespace rookery::codec
