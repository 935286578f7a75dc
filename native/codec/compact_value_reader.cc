// Reads values and writes what they stand for, escaped for its place. Nothing is taken from the
// packet that is not there, and nothing written beyond the writer's limit.
#include <algorithm>

#include "codec/byte_scan.h"
#include "codec/compact_dictionary.h"
#include "codec/compact_value.h"
#include "codec/xml_tag.h"

namespace rookery::codec {
namespace {

using Error = CompactError;

Error written(bool had_room) { return had_room ? Error::none : Error::too_large; }

/// The reference that stands for a character in that place, or nothing when it stands for itself.
std::string_view reference_for(char character, ValuePlace place) {
  switch (character) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '\r': return "&#13;";
    default: break;
  }
  if (place == ValuePlace::text) return {};
  switch (character) {
    case '\'': return "&apos;";
    case '\t': return "&#9;";
    case '\n': return "&#10;";
    default: return {};
  }
}

/// Copies runs of plain characters whole; `at` ends behind the text.
template <char... stops>
Error put_escaped(std::string_view text, ValuePlace place, ByteWriter& out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const char* const stop = skip_run<RunEnd::control, '&', '<', '>', stops...>(at, end);
    if (!out.put({at, static_cast<std::size_t>(stop - at)})) return Error::too_large;
    if (stop == end) return Error::none;
    if (static_cast<unsigned char>(*stop) < 0x20 && !is_xml_space(*stop)) return Error::bad_text;
    const std::string_view reference = reference_for(*stop, place);
    if (!(reference.empty() ? out.put(*stop) : out.put(reference))) return Error::too_large;
    at = stop + 1;
  }
  return Error::none;
}

/// UTF-8 of characters that XML allows, leaving aside those below 0x20?
bool is_sound(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* const high = skip_run<RunEnd::control_or_high>(text.data(), end);
  if (high == end) return true;
  const std::string_view rest(high, static_cast<std::size_t>(end - high));
  return check_wide(rest) == StreamError::none;
}

bool is_uri(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char character) { return has_class(character, class_uri); });
}

/// Text of the peer, of the dictionary, or the server's domain.
Error put_text(std::string_view text, ValuePlace place, ByteWriter& out) {
  switch (place) {
    case ValuePlace::unchecked: return written(out.put(text));
    case ValuePlace::uri:
      return is_uri(text) ? put_escaped<'\''>(text, place, out) : Error::bad_namespace;
    case ValuePlace::attribute:
      return is_sound(text) ? put_escaped<'\''>(text, place, out) : Error::bad_text;
    case ValuePlace::text: break;
  }
  return is_sound(text) ? put_escaped<>(text, place, out) : Error::bad_text;
}

/// A length, and so many bytes.
Error read_counted(PacketCursor& in, std::string_view& bytes) {
  std::uint32_t count = 0;
  const Error error = in.varint(count);
  return error == Error::none ? in.bytes(count, bytes) : error;
}

Error read_packed(PacketCursor& in, std::string_view digits, ByteWriter& out) {
  std::uint32_t count = 0;
  std::string_view bytes;
  Error error = in.varint(count);
  if (error == Error::none) error = in.bytes((std::size_t{count} + 1) / 2, bytes);
  if (error != Error::none) return error;
  if (!out.room(std::size_t{count} + 1)) return Error::too_large;
  char* to = out.claim(count);
  for (const char byte : bytes) {
    *to++ = digits[static_cast<unsigned char>(byte) >> 4];
    *to++ = digits[static_cast<unsigned char>(byte) & 0x0F];
  }
  if (count % 2 == 0) return Error::none;
  return (bytes.back() & 0x0F) == 0 ? Error::none : Error::bad_padding;
}

Error read_uuid(PacketCursor& in, ByteWriter& out) {
  std::string_view bytes;
  const Error error = in.bytes(16, bytes);
  if (error != Error::none) return error;
  if (!out.room(36)) return Error::too_large;
  char* to = out.claim(36);
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    if (index == 4 || index == 6 || index == 8 || index == 10) *to++ = '-';
    const auto byte = static_cast<unsigned char>(bytes[index]);
    *to++ = lower_hex_digits[byte >> 4];
    *to++ = lower_hex_digits[byte & 0x0F];
  }
  return Error::none;
}

Error read_base64(PacketCursor& in, ByteWriter& out) {
  std::string_view bytes;
  const Error error = read_counted(in, bytes);
  if (error != Error::none) return error;
  const std::size_t characters = (bytes.size() + 2) / 3 * 4;
  if (!out.room(characters)) return Error::too_large;
  char* to = out.claim(characters);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t left = std::min<std::size_t>(bytes.size() - at, 3);
    std::uint32_t group = 0;
    for (std::size_t index = 0; index < 3; ++index) {
      const unsigned byte = index < left ? static_cast<unsigned char>(bytes[at + index]) : 0u;
      group = group << 8 | byte;
    }
    for (unsigned index = 0; index < 4; ++index) {
      const char digit = base64_digits[group >> (18 - 6 * index) & 0x3F];
      *to++ = index <= left ? digit : '=';
    }
  }
  return Error::none;
}

Error read_decimal(PacketCursor& in, ByteWriter& out) {
  std::uint32_t number = 0;
  const Error error = in.varint(number);
  if (error != Error::none) return error;
  char digits[10];
  std::size_t at = sizeof digits;
  do {
    digits[--at] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return written(out.put({digits + at, sizeof digits - at}));
}

/// A form whose first byte, from 0xC0 on, has been read; addresses are none of them.
Error read_long_form(PacketCursor& in, std::uint8_t form, std::string_view own_domain,
                     ValuePlace place, ByteWriter& out) {
  std::string_view text;
  Error error = Error::none;
  switch (form) {
    case form_text:
      error = read_counted(in, text);
      return error == Error::none ? put_text(text, place, out) : error;
    case form_number: return read_packed(in, number_digits, out);
    case form_lower_hex: return read_packed(in, lower_hex_digits, out);
    case form_upper_hex: return read_packed(in, upper_hex_digits, out);
    case form_uuid: return read_uuid(in, out);
    case form_base64: return read_base64(in, out);
    case form_own_domain:
      return own_domain.empty() ? Error::bad_form : put_text(own_domain, place, out);
    case form_decimal: return read_decimal(in, out);
    default: break;
  }
  if (form >= form_text) return Error::bad_form;
  std::uint8_t low = 0;
  error = in.byte(low);
  if (error != Error::none) return error;
  const std::size_t word = short_words + (std::size_t{form} - form_long_word) * 256 + low;
  return word < word_count ? put_text(dictionary_words[word], place, out) : Error::bad_index;
}

/// Any value but an address.
Error read_simple(PacketCursor& in, std::string_view own_domain, ValuePlace place,
                  ByteWriter& out) {
  std::uint8_t form = 0;
  Error error = in.byte(form);
  if (error != Error::none || form == 0) return error;
  if (form < form_short_text) {
    static_assert(word_count >= short_words);
    const std::string_view word = dictionary_words[form];
    return place == ValuePlace::uri ? put_text(word, place, out) : written(out.put(word));
  }
  if (form >= form_long_word) return read_long_form(in, form, own_domain, place, out);
  std::string_view text;
  error = in.bytes(std::size_t{form} - form_short_text + 1, text);
  return error == Error::none ? put_text(text, place, out) : error;
}

bool is_address(std::uint8_t form) {
  return form == form_address || form == form_full_address || form == form_own_address ||
         form == form_own_full_address;
}

}  // namespace

CompactError PacketCursor::varint(std::uint32_t& out) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 7 * max_varint_bytes; shift += 7) {
    std::uint8_t next = 0;
    if (byte(next) != CompactError::none) return CompactError::truncated;
    number |= std::uint64_t{next & 0x7Fu} << shift;
    if ((next & 0x80) != 0) continue;
    // A last byte of zero would only make it longer.
    if ((next == 0 && shift != 0) || number > 0xFFFFFFFFu) return CompactError::bad_varint;
    out = static_cast<std::uint32_t>(number);
    return CompactError::none;
  }
  return CompactError::bad_varint;
}

CompactError read_value(PacketCursor& in, std::string_view own_domain, ValuePlace place,
                        ByteWriter& out) {
  const auto form = static_cast<std::uint8_t>(in.at == in.end ? '\0' : *in.at);
  if (!is_address(form)) return read_simple(in, own_domain, place, out);
  ++in.at;
  Error error = read_simple(in, own_domain, place, out);
  if (error == Error::none) error = written(out.put('@'));
  if (error != Error::none) return error;
  if (form == form_own_address || form == form_own_full_address) {
    error = own_domain.empty() ? Error::bad_form : put_text(own_domain, place, out);
  } else {
    error = read_simple(in, own_domain, place, out);
  }
  if (error != Error::none || form == form_address || form == form_own_address) return error;
  if (!out.put('/')) return Error::too_large;
  return read_simple(in, own_domain, place, out);
}

}  // namespace rookery::codec
