// Escaping and unescaping: runs of plain bytes are copied whole, the rest one character at a time.
#include "codec/xml_text.h"

#include <cstdint>

#include "codec/byte_scan.h"
#include "codec/xml_chars.h"

namespace rookery {

using codec::RunEnd;

void append_escaped(std::string& out, std::string_view text) {
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    const char* run = codec::skip_run<RunEnd::control_or_high, '&', '<', '>', '\'', '"'>(at, end);
    out.append(at, run);
    at = run;
    if (at == end) return;
    std::uint32_t code = 0;
    const std::size_t length = codec::decode_utf8(at, end, code);
    switch (*at) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '\'': out += "&apos;"; break;
      case '"': out += "&quot;"; break;
      default:
        // A byte that is not valid UTF-8 is left out like a forbidden character.
        if (length != 0 && codec::is_xml_char(code)) out.append(at, length);
    }
    at += length == 0 ? 1 : length;
  }
}

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
  out += ' ';
  out += name;
  out += "='";
  append_escaped(out, value);
  out += '\'';
}

bool append_unescaped(std::string& out, std::string_view raw) {
  const char* at = raw.data();
  const char* end = at + raw.size();
  while (at != end) {
    const char* run = codec::skip_run<RunEnd::listed, '&'>(at, end);
    out.append(at, run);
    at = run;
    if (at == end) break;
    std::uint32_t code = 0;
    const std::size_t length = codec::decode_reference(at, end, code);
    if (length == 0) return false;
    codec::append_utf8(out, code);
    at += length;
  }
  return true;
}

}  // namespace rookery
