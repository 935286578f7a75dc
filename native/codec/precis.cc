// The two PRECIS string classes, their contextual rules, and the Bidi rule of RFC 5893.
#include "codec/precis.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "codec/xml_chars.h"

namespace rookery::codec {
namespace {

using Codes = std::vector<std::int32_t>;

enum class Verdict : std::uint8_t { valid, freeform_only, context, disallowed };

bool is_within(std::int32_t code, std::int32_t first, std::int32_t last) {
  return code >= first && code <= last;
}

/// Section 9.9 of RFC 8264: conjoining Hangul.
bool is_old_hangul(std::int32_t code) {
  return is_within(code, 0x1100, 0x11FF) || is_within(code, 0xA960, 0xA97F) ||
         is_within(code, 0xD7B0, 0xD7FF);
}

/// Whether the code point has a compatibility equivalent of its own (section 9.17).
bool has_compatibility(std::int32_t code) {
  std::array<std::int32_t, 32> plain{};
  std::array<std::int32_t, 32> compatible{};
  int boundary = 0;
  const auto decompose = [&](std::array<std::int32_t, 32>& out, int options) {
    return utf8proc_decompose_char(code, out.data(), out.size(),
                                   static_cast<utf8proc_option_t>(options), &boundary);
  };
  return decompose(plain, UTF8PROC_DECOMPOSE) !=
             decompose(compatible, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT) ||
         plain != compatible;
}

/// The exceptions of section 9.6 (and of RFC 5892).
bool exception(std::int32_t code, Verdict& verdict) {
  switch (code) {
    case 0x00DF:
    case 0x03C2:
    case 0x06FD:
    case 0x06FE:
    case 0x0F0B:
    case 0x3007: verdict = Verdict::valid; return true;
    case 0x00B7:
    case 0x0375:
    case 0x05F3:
    case 0x05F4:
    case 0x30FB: verdict = Verdict::context; return true;
    case 0x0640:
    case 0x07FA:
    case 0x302E:
    case 0x302F:
    case 0x3031:
    case 0x3032:
    case 0x3033:
    case 0x3034:
    case 0x3035:
    case 0x303B: verdict = Verdict::disallowed; return true;
    default: break;
  }
  if (is_within(code, 0x0660, 0x0669) || is_within(code, 0x06F0, 0x06F9)) {
    verdict = Verdict::context;
    return true;
  }
  return false;
}

/// The algorithm of section 8 of RFC 8264.
Verdict classify(std::int32_t code) {
  Verdict verdict = Verdict::disallowed;
  if (exception(code, verdict)) return verdict;
  const utf8proc_property_t* property = utf8proc_get_property(code);
  if (property->category == UTF8PROC_CATEGORY_CN) return Verdict::disallowed;
  if (is_within(code, 0x21, 0x7E)) return Verdict::valid;
  if (code == 0x200C || code == 0x200D) return Verdict::context;
  if (is_old_hangul(code) || property->ignorable) return Verdict::disallowed;
  if (property->category == UTF8PROC_CATEGORY_CC) return Verdict::disallowed;
  if (has_compatibility(code)) return Verdict::freeform_only;
  switch (property->category) {
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC: return Verdict::valid;
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return Verdict::freeform_only;
    default: return Verdict::disallowed;
  }
}

bool is_greek(std::int32_t code) {
  return is_within(code, 0x0370, 0x03FF) || is_within(code, 0x1F00, 0x1FFF);
}

bool is_japanese(std::int32_t code) {
  return is_within(code, 0x3041, 0x309F) || is_within(code, 0x30A1, 0x30FA) ||
         is_within(code, 0x30FC, 0x30FF) || is_within(code, 0x3400, 0x4DBF) ||
         is_within(code, 0x4E00, 0x9FFF) || is_within(code, 0x20000, 0x323AF) || code == 0x3005 ||
         code == 0x3007;
}

/// The contextual rules of RFC 5892, appendix A. Of the joiners, only those behind a virama are
/// allowed: the other rule for ZERO WIDTH NON-JOINER needs tables of joining types.
bool context_allows(const Codes& codes, std::size_t index) {
  const std::int32_t code = codes[index];
  const std::int32_t before = index > 0 ? codes[index - 1] : 0;
  const std::int32_t after = index + 1 < codes.size() ? codes[index + 1] : 0;
  const auto any = [&codes](auto&& test) { return std::any_of(codes.begin(), codes.end(), test); };
  switch (code) {
    case 0x200C:
    case 0x200D: return before != 0 && utf8proc_get_property(before)->combining_class == 9;
    case 0x00B7: return before == 'l' && after == 'l';
    case 0x0375: return is_greek(after);
    case 0x05F3:
    case 0x05F4: return is_within(before, 0x0590, 0x05FF);
    case 0x30FB: return any(is_japanese);
    default: break;
  }
  // Arabic-Indic digits and the extended ones do not mix.
  const bool extended = code >= 0x06F0;
  return !any([extended](std::int32_t other) {
    return extended ? is_within(other, 0x0660, 0x0669) : is_within(other, 0x06F0, 0x06F9);
  });
}

bool class_allows(const Codes& codes, bool freeform) {
  for (std::size_t index = 0; index < codes.size(); ++index) {
    switch (classify(codes[index])) {
      case Verdict::valid: break;
      case Verdict::freeform_only:
        if (!freeform) return false;
        break;
      case Verdict::context:
        if (!context_allows(codes, index)) return false;
        break;
      case Verdict::disallowed: return false;
    }
  }
  return true;
}

/// RFC 5893 section 2, for text that has a right-to-left character at all.
bool bidi_allows(const Codes& codes) {
  const auto bidi = [](std::int32_t code) {
    return static_cast<utf8proc_bidi_class_t>(utf8proc_get_property(code)->bidi_class);
  };
  const auto is_rtl = [](utf8proc_bidi_class_t each) {
    return each == UTF8PROC_BIDI_CLASS_R || each == UTF8PROC_BIDI_CLASS_AL;
  };
  const bool applies = std::any_of(codes.begin(), codes.end(), [&](std::int32_t code) {
    return is_rtl(bidi(code)) || bidi(code) == UTF8PROC_BIDI_CLASS_AN;
  });
  if (!applies) return true;
  // The text begins with a right-to-left letter, as it has one: the left-to-right form is out.
  if (!is_rtl(bidi(codes.front()))) return false;
  bool has_european = false;
  bool has_arabic = false;
  utf8proc_bidi_class_t last = UTF8PROC_BIDI_CLASS_R;
  for (const std::int32_t code : codes) {
    const utf8proc_bidi_class_t each = bidi(code);
    switch (each) {
      case UTF8PROC_BIDI_CLASS_EN: has_european = true; break;
      case UTF8PROC_BIDI_CLASS_AN: has_arabic = true; break;
      case UTF8PROC_BIDI_CLASS_R:
      case UTF8PROC_BIDI_CLASS_AL:
      case UTF8PROC_BIDI_CLASS_ES:
      case UTF8PROC_BIDI_CLASS_CS:
      case UTF8PROC_BIDI_CLASS_ET:
      case UTF8PROC_BIDI_CLASS_ON:
      case UTF8PROC_BIDI_CLASS_BN:
      case UTF8PROC_BIDI_CLASS_NSM: break;
      default: return false;
    }
    if (each != UTF8PROC_BIDI_CLASS_NSM) last = each;
  }
  const bool good_end =
      is_rtl(last) || last == UTF8PROC_BIDI_CLASS_EN || last == UTF8PROC_BIDI_CLASS_AN;
  return good_end && !(has_european && has_arabic);
}

/// Composes to NFC.
bool compose(const Codes& codes, Codes& out) {
  std::string text;
  for (const std::int32_t code : codes) append_utf8(text, static_cast<std::uint32_t>(code));
  utf8proc_uint8_t* composed = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &composed,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) return false;
  const bool decoded =
      decode_all({reinterpret_cast<const char*>(composed), static_cast<std::size_t>(size)}, out);
  std::free(composed);
  return decoded;
}

/// Fullwidth and halfwidth forms become the ordinary ones.
void map_width(Codes& codes) {
  Codes mapped;
  mapped.reserve(codes.size());
  for (const std::int32_t code : codes) {
    const auto type = utf8proc_get_property(code)->decomp_type;
    if (type != UTF8PROC_DECOMP_TYPE_WIDE && type != UTF8PROC_DECOMP_TYPE_NARROW) {
      mapped.push_back(code);
      continue;
    }
    std::array<std::int32_t, 16> parts{};
    int boundary = 0;
    const utf8proc_ssize_t count = utf8proc_decompose_char(
        code, parts.data(), parts.size(),
        static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT), &boundary);
    for (utf8proc_ssize_t index = 0; index < count; ++index) {
      mapped.push_back(parts[static_cast<std::size_t>(index)]);
    }
  }
  codes.swap(mapped);
}

void encode_all(const Codes& codes, std::string& out) {
  out.clear();
  for (const std::int32_t code : codes) append_utf8(out, static_cast<std::uint32_t>(code));
}

}  // namespace

bool decode_all(std::string_view text, Codes& out) {
  out.clear();
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::uint32_t code = 0;
    const std::size_t length = decode_utf8(at, end, code);
    if (length == 0) return false;
    out.push_back(static_cast<std::int32_t>(code));
    at += length;
  }
  return true;
}

bool enforce_username(std::string_view text, std::string& out) {
  Codes codes;
  if (!decode_all(text, codes)) return false;
  // One pass can make new work for the next (RFC 8264 section 7), so it runs until nothing changes.
  for (int pass = 0; pass < 4; ++pass) {
    Codes before = codes;
    map_width(codes);
    for (std::int32_t& code : codes) code = utf8proc_tolower(code);
    Codes composed;
    if (!compose(codes, composed)) return false;
    codes.swap(composed);
    if (codes != before) continue;
    if (codes.empty() || !class_allows(codes, false) || !bidi_allows(codes)) return false;
    encode_all(codes, out);
    return true;
  }
  return false;
}

bool enforce_opaque(std::string_view text, std::string& out) {
  Codes codes;
  if (!decode_all(text, codes)) return false;
  for (std::int32_t& code : codes) {
    if (utf8proc_category(code) == UTF8PROC_CATEGORY_ZS) code = ' ';
  }
  Codes composed;
  if (!compose(codes, composed)) return false;
  if (composed.empty() || !class_allows(composed, true)) return false;
  encode_all(composed, out);
  return true;
}

}  // namespace rookery::codec
