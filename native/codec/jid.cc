// Addresses: split as RFC 7622 section 3.1 says, then each part normalised. Text that is all ASCII,
// which is nearly all of it, is checked with a table and never sees a library.
#include "codec/jid.h"

#include <arpa/inet.h>

#include <algorithm>

#include "codec/precis.h"
#include "codec/punycode.h"
#include "codec/xml_chars.h"

namespace rookery {
namespace {

constexpr std::size_t max_part_bytes = 1023;
constexpr std::size_t max_label_bytes = 63;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char each) { return static_cast<unsigned char>(each) < 0x80; });
}

constexpr char to_lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character + ('a' - 'A'))
                                              : character;
}

/// Printable, no space, and none of those that RFC 7622 section 3.3.1 excludes.
bool is_local_char(char character) {
  return character > ' ' && character < '\x7F' &&
         std::string_view("\"&'/:<>@").find(character) == std::string_view::npos;
}

bool is_sized(std::string_view part) { return !part.empty() && part.size() <= max_part_bytes; }

/// An address literal of IPv6 in brackets, in its canonical form.
bool normalise_literal(std::string_view text, std::string& out) {
  if (text.size() < 4 || text.back() != ']') return false;
  const std::string inner(text.substr(1, text.size() - 2));
  if (inner.find('\0') != inner.npos) return false;
  in6_addr address{};
  char canonical[INET6_ADDRSTRLEN];
  if (inet_pton(AF_INET6, inner.c_str(), &address) != 1) return false;
  if (inet_ntop(AF_INET6, &address, canonical, sizeof canonical) == nullptr) return false;
  out = '[' + std::string(canonical) + ']';
  return true;
}

/// Letters, digits and hyphens, with no hyphen at either end.
bool is_ascii_label(std::string_view label) {
  if (label.empty() || label.size() > max_label_bytes) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= '0' && each <= '9') || each == '-';
  });
}

/// A label with characters beyond ASCII: what stands in it besides must be letters, digits,
/// hyphens.
bool normalise_wide_label(std::string_view label, std::string& out) {
  if (!codec::enforce_username(label, out) || is_ascii(out)) return false;
  if (out.size() > max_label_bytes * 4 || out.front() == '-' || out.back() == '-') return false;
  if (out.size() >= 4 && out[2] == '-' && out[3] == '-') return false;
  return std::all_of(out.begin(), out.end(), [](char each) {
    return static_cast<unsigned char>(each) >= 0x80 || (each >= 'a' && each <= 'z') ||
           (each >= '0' && each <= '9') || each == '-';
  });
}

/// Appends one normalised label.
bool append_label(std::string_view label, std::string& out) {
  std::string wide;
  if (!is_ascii(label)) {
    if (!normalise_wide_label(label, wide)) return false;
    out += wide;
    return true;
  }
  std::string lower(label);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  if (!is_ascii_label(lower)) return false;
  if (!lower.starts_with("xn--")) {
    out += lower;
    return true;
  }
  // The ASCII form of an international label: its other form is the one that is kept, and it must
  // be in normal form already, so that two spellings cannot pass for one another.
  std::string decoded;
  if (!codec::decode_punycode(std::string_view(lower).substr(4), decoded)) return false;
  if (!normalise_wide_label(decoded, wide) || wide != decoded) return false;
  out += wide;
  return true;
}

}  // namespace

std::string Jid::bare() const { return local.empty() ? domain : local + '@' + domain; }

std::string Jid::full() const { return resource.empty() ? bare() : bare() + '/' + resource; }

bool normalise_localpart(std::string_view text, std::string& out) {
  if (!is_sized(text)) return false;
  if (is_ascii(text)) {
    if (!std::all_of(text.begin(), text.end(), is_local_char)) return false;
    out.resize(text.size());
    std::transform(text.begin(), text.end(), out.begin(), to_lower);
    return true;
  }
  std::string prepared;
  if (!codec::enforce_username(text, prepared) || !is_sized(prepared)) return false;
  const bool good = std::all_of(prepared.begin(), prepared.end(), [](char each) {
    return static_cast<unsigned char>(each) >= 0x80 || is_local_char(each);
  });
  if (good) out = std::move(prepared);
  return good;
}

bool normalise_resource(std::string_view text, std::string& out) {
  if (!is_sized(text)) return false;
  if (is_ascii(text)) {
    const bool good = std::all_of(text.begin(), text.end(),
                                  [](char each) { return each >= ' ' && each < '\x7F'; });
    if (good) out = text;
    return good;
  }
  std::string prepared;
  if (!codec::enforce_opaque(text, prepared) || !is_sized(prepared)) return false;
  out = std::move(prepared);
  return true;
}

bool normalise_domain(std::string_view text, std::string& out) {
  if (!is_sized(text)) return false;
  if (text.front() == '[') return normalise_literal(text, out);
  if (text.back() == '.') text.remove_suffix(1);
  std::string domain;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!append_label(text.substr(0, dot), domain)) return false;
    if (dot == text.npos) break;
    domain += '.';
    text.remove_prefix(dot + 1);
  }
  if (!is_sized(domain)) return false;
  out = std::move(domain);
  return true;
}

bool parse_jid(std::string_view text, Jid& out) {
  if (text.size() > 3 * max_part_bytes + 2) return false;
  Jid parsed;
  const std::size_t slash = text.find('/');
  if (slash != text.npos) {
    if (!normalise_resource(text.substr(slash + 1), parsed.resource)) return false;
    text = text.substr(0, slash);
  }
  const std::size_t at = text.find('@');
  if (at != text.npos) {
    if (!normalise_localpart(text.substr(0, at), parsed.local)) return false;
    text.remove_prefix(at + 1);
  }
  if (!normalise_domain(text, parsed.domain)) return false;
  out = std::move(parsed);
  return true;
}

}  // namespace rookery
