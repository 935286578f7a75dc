// Preparation of names beyond ASCII as PRECIS wants it (RFC 8264, RFC 8265), on the tables of
// utf8proc. The all-ASCII cases never come here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rookery::codec {

/// UsernameCaseMapped: width mapping, lower case, NFC; then only letters, digits and marks beyond
/// ASCII, and the Bidi rule. False when the text is not allowed.
bool enforce_username(std::string_view text, std::string& out);

/// OpaqueString: other spaces become the ASCII one, NFC; controls and unassigned code points are
/// refused.
bool enforce_opaque(std::string_view text, std::string& out);

/// Decodes a whole text. False when it is not valid UTF-8.
bool decode_all(std::string_view text, std::vector<std::int32_t>& out);

}  // namespace rookery::codec
