// SASLprep (RFC 4013) for passwords: the mappings, NFKC, and no control characters. Bidirectional
// and unassigned characters are let through, since a password is only ever compared with itself.
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "codec/precis.h"
#include "codec/xml_chars.h"
#include "session/sasl.h"

namespace rookery {
namespace {

/// Table B.1 of RFC 3454: commonly mapped to nothing.
bool is_mapped_to_nothing(std::int32_t code) {
  return code == 0x00AD || code == 0x034F || code == 0x1806 || (code >= 0x180B && code <= 0x180D) ||
         (code >= 0x200B && code <= 0x200D) || code == 0x2060 ||
         (code >= 0xFE00 && code <= 0xFE0F) || code == 0xFEFF;
}

bool is_control(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return byte < 0x20 || byte == 0x7F;
}

}  // namespace

bool saslprep_password(std::string_view password, std::string& out) {
  if (password.empty() || std::any_of(password.begin(), password.end(), is_control)) return false;
  std::vector<std::int32_t> codes;
  if (!codec::decode_all(password, codes)) return false;
  std::string mapped;
  for (const std::int32_t code : codes) {
    const utf8proc_category_t category = utf8proc_category(code);
    if (category == UTF8PROC_CATEGORY_CC) return false;
    if (is_mapped_to_nothing(code)) continue;
    codec::append_utf8(mapped, category == UTF8PROC_CATEGORY_ZS ? std::uint32_t{' '}
                                                                : static_cast<std::uint32_t>(code));
  }
  utf8proc_uint8_t* composed = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(mapped.data()),
      static_cast<utf8proc_ssize_t>(mapped.size()), &composed,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT));
  if (size < 0) return false;
  out.assign(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(size));
  std::free(composed);
  return !out.empty();
}

}  // namespace rookery
