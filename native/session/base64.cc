// Base64 of RFC 4648 section 4, with the one peculiarity that XMPP's SASL has: "=" for nothing.
#include <array>
#include <cstdint>

#include "session/sasl.h"

namespace rookery {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::uint8_t not_a_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(not_a_digit);
  for (std::size_t index = 0; index < alphabet.size(); ++index) {
    values[static_cast<unsigned char>(alphabet[index])] = static_cast<std::uint8_t>(index);
  }
  return values;
}

constexpr std::array<std::uint8_t, 256> values = make_values();

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = bytes.size() - at < 3 ? bytes.size() - at : 3;
    std::uint32_t group = 0;
    for (std::size_t index = 0; index < 3; ++index) {
      group <<= 8;
      if (index < count) group |= static_cast<unsigned char>(bytes[at + index]);
    }
    for (std::size_t index = 0; index < 4; ++index) {
      out += index <= count ? alphabet[(group >> (18 - 6 * index)) & 0x3F] : '=';
    }
  }
  return out;
}

bool base64_decode(std::string_view text, std::string& out) {
  out.clear();
  if (text == "=") return true;
  if (text.size() % 4 != 0) return false;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    std::size_t digits = 4;
    if (at + 4 == text.size()) {
      while (digits > 2 && text[at + digits - 1] == '=') --digits;
    }
    std::uint32_t group = 0;
    for (std::size_t index = 0; index < 4; ++index) {
      group <<= 6;
      if (index >= digits) continue;
      const std::uint8_t value = values[static_cast<unsigned char>(text[at + index])];
      if (value == not_a_digit) return false;
      group |= value;
    }
    // Bits that belong to no byte must be zero, so that a value has one spelling only.
    if ((digits == 3 && (group & 0xFF) != 0) || (digits == 2 && (group & 0xFFFF) != 0)) {
      return false;
    }
    for (std::size_t index = 0; index + 1 < digits; ++index) {
      out += static_cast<char>((group >> (16 - 8 * index)) & 0xFF);
    }
  }
  return true;
}

}  // namespace rookery
