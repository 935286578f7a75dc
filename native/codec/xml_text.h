// Escaping and unescaping of XML text and attribute values, appended to a caller's buffer.
#pragma once

#include <string>
#include <string_view>

namespace rookery {

/// Appends `text` with & < > ' " escaped: good for character data and for both kinds of quotes.
/// Characters that XML forbids are left out.
void append_escaped(std::string& out, std::string_view text);

/// Appends ` name='value'` with the value escaped.
void append_attribute(std::string& out, std::string_view name, std::string_view value);

/// Appends the plain text of `raw` (predefined and numeric references resolved). False when a
/// reference is not valid XML 1.0; what was appended is then to be thrown away.
bool append_unescaped(std::string& out, std::string_view raw);

}  // namespace rookery
