// Decoding of Punycode (RFC 3492), for domain labels that arrive in their ASCII form.
#pragma once

#include <string>
#include <string_view>

namespace rookery::codec {

/// Decodes what stands behind `xn--` in a lower-case label. False when it is not Punycode.
bool decode_punycode(std::string_view text, std::string& out);

}  // namespace rookery::codec
