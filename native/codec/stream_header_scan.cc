// The scan of a stream header: the XML declaration and the one start tag that opens a stream.
#include "codec/stanza_scan.h"
#include "codec/xml_tag.h"

namespace rookery {
namespace {

using codec::Attribute;
using codec::Name;

// A header has a handful of attributes; a hostile one may not make the duplicate check slow.
constexpr std::size_t attribute_capacity = 32;

bool equals_ignoring_case(std::string_view left, std::string_view lower) {
  if (left.size() != lower.size()) return false;
  for (std::size_t index = 0; index < left.size(); ++index) {
    const char character = left[index];
    const bool upper = character >= 'A' && character <= 'Z';
    if ((upper ? character + ('a' - 'A') : character) != lower[index]) return false;
  }
  return true;
}

/// The XML declaration behind `<?xml`; leaves `at` behind its `?>`.
StreamError scan_declaration(const char*& at, const char* end) {
  static constexpr std::string_view names[] = {"version", "encoding", "standalone"};
  std::size_t next = 0;
  while (true) {
    const char* space = at;
    at = codec::skip_space(at);
    if (*at == '?') break;
    Attribute attribute;
    const char* after = at == space ? nullptr : codec::read_name(at, end, attribute.name);
    if (after == nullptr) return StreamError::not_well_formed;
    at = after;
    const StreamError error = codec::read_value(at, end, attribute);
    if (error != StreamError::none) return error;
    std::size_t index = next;
    while (index < 3 && attribute.name.whole() != names[index]) ++index;
    // The version must come first; the others may be left out, but not change places.
    if (index == 3 || (next == 0 && index != 0)) return StreamError::not_well_formed;
    next = index + 1;
    const std::string_view value = attribute.value;
    if (index == 0 && value != "1.0") return StreamError::not_well_formed;
    if (index == 1 && !equals_ignoring_case(value, "utf-8")) {
      return StreamError::unsupported_encoding;
    }
    if (index == 2 && value != "yes" && value != "no") return StreamError::not_well_formed;
  }
  if (next == 0 || at[1] != '>') return StreamError::not_well_formed;
  at += 2;
  return StreamError::none;
}

/// One attribute of the header.
StreamError take_attribute(const Attribute& attribute, const char* end, StreamHeaderView& out) {
  const std::string_view name = attribute.name.whole();
  const std::string_view value = attribute.value;
  if (codec::declares_namespace(attribute.name)) {
    const StreamError error = codec::check_declaration(attribute, end);
    if (error != StreamError::none) return error;
    if (name == "xmlns") {
      out.xmlns = value;
    } else if (name == "xmlns:stream") {
      out.xmlns_stream = value;
    } else if (name != "xmlns:xml") {
      return StreamError::bad_namespace_prefix;
    }
    return StreamError::none;
  }
  if (name == "to") out.to = value;
  if (name == "from") out.from = value;
  if (name == "version") out.version = value;
  if (name == "xml:lang") out.lang = value;
  const std::string_view prefix = attribute.name.prefix();
  const bool declared = prefix.empty() || prefix == "xml" || prefix == "stream";
  return declared ? StreamError::none : StreamError::not_well_formed;
}

/// `1.0` and everything later that still begins with a version of at least one.
bool is_supported_version(std::string_view version) {
  const std::size_t dot = version.find('.');
  if (dot == 0 || dot == version.npos || dot + 1 == version.size()) return false;
  bool nonzero = false;
  for (std::size_t index = 0; index < version.size(); ++index) {
    if (index == dot) continue;
    if (version[index] < '0' || version[index] > '9') return false;
    if (index < dot && version[index] != '0') nonzero = true;
  }
  return nonzero;
}

StreamError scan_header_tag(const char*& at, const char* end, std::size_t max_attributes,
                            StreamHeaderView& out) {
  Name element;
  at = codec::read_name(at, end, element);
  if (at == nullptr) return StreamError::not_well_formed;
  Name names[attribute_capacity];
  std::size_t count = 0;
  while (true) {
    const char* space = at;
    at = codec::skip_space(at);
    if (*at == '>' || *at == '/') break;
    Attribute attribute;
    const char* after = at == space ? nullptr : codec::read_name(at, end, attribute.name);
    if (after == nullptr) return StreamError::not_well_formed;
    at = after;
    StreamError error = codec::read_value(at, end, attribute);
    if (error != StreamError::none) return error;
    if (count == attribute_capacity || count == max_attributes) {
      return StreamError::policy_violation;
    }
    for (std::size_t index = 0; index < count; ++index) {
      if (names[index] == attribute.name) return StreamError::not_well_formed;
    }
    names[count++] = attribute.name;
    error = take_attribute(attribute, end, out);
    if (error != StreamError::none) return error;
  }
  if (element.local() != "stream") return StreamError::bad_format;
  return element.prefix() == "stream" ? StreamError::none : StreamError::bad_namespace_prefix;
}

}  // namespace

StreamError scan_stream_header(std::string_view text, const ScanLimits& limits,
                               StreamHeaderView& out) noexcept {
  out = {};
  const char* at = text.data();
  const char* const end = at + text.size();
  // The last byte stops every loop over names and white space (xml_tag.h).
  if (text.size() < 4 || text.back() != '>') return StreamError::not_well_formed;
  if (text.starts_with("<?xml")) {
    at += 5;
    const StreamError error = scan_declaration(at, end);
    if (error != StreamError::none) return error;
    while (at != end && codec::is_xml_space(*at)) ++at;
    if (at == end) return StreamError::not_well_formed;
  }
  if (*at != '<') return StreamError::not_well_formed;
  ++at;
  const StreamError error = scan_header_tag(at, end, limits.max_attributes, out);
  if (error != StreamError::none) return error;
  if (*at != '>' || at + 1 != end) return StreamError::not_well_formed;
  if (out.xmlns_stream.empty()) return StreamError::bad_namespace_prefix;
  if (out.xmlns_stream != codec::stream_namespace) return StreamError::invalid_namespace;
  if (out.xmlns != codec::client_namespace) return StreamError::invalid_namespace;
  if (!is_supported_version(out.version)) return StreamError::unsupported_version;
  return StreamError::none;
}

StreamError read_framing_open(const StanzaView& view, StreamHeaderView& out) noexcept {
  out = {};
  bool found = false;
  out.to = view.attribute("to", found);
  out.from = view.attribute("from", found);
  out.version = view.attribute("version", found);
  out.lang = view.attribute("xml:lang", found);
  return is_supported_version(out.version) ? StreamError::none : StreamError::unsupported_version;
}

}  // namespace rookery
