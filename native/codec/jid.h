// Addresses of RFC 7622: parsed, checked, and normalised. The all-ASCII case takes no library; the
// rest goes through utf8proc (width mapping, case mapping, NFC, as PRECIS wants them).
#pragma once

#include <string>
#include <string_view>

namespace rookery {

/// A normalised address. Equal addresses are equal bytes.
struct Jid {
  std::string local;  ///< Empty for a server's address.
  std::string domain;
  std::string resource;  ///< Empty for a bare address.

  [[nodiscard]] std::string bare() const;
  [[nodiscard]] std::string full() const;  ///< The bare address when there is no resource.
  [[nodiscard]] bool is_bare() const { return resource.empty(); }
};

/// Parses and normalises plain (unescaped) text. False when any part is invalid or longer than
/// 1,023 bytes.
bool parse_jid(std::string_view text, Jid& out);

/// Normalises one localpart (UsernameCaseMapped with the exclusions of RFC 7622 section 3.3.1).
bool normalise_localpart(std::string_view text, std::string& out);
/// Normalises one resourcepart (OpaqueString).
bool normalise_resource(std::string_view text, std::string& out);
/// Normalises a domainpart: lower case, no trailing dot, valid labels or an address literal.
bool normalise_domain(std::string_view text, std::string& out);

}  // namespace rookery
