// The slow paths of the tag syntax: names and values that are not plain ASCII, and namespace rules.
#include "codec/xml_tag.h"

namespace rookery::codec {
namespace {

/// Takes the next character of a raw attribute value, with references resolved and white space
/// normalised. The value has been checked before.
std::uint32_t next_character(std::string_view& rest) noexcept {
  const char* const at = rest.data();
  const char* const end = at + rest.size();
  std::uint32_t code = 0;
  std::size_t length = 0;
  if (*at == '&') {
    length = decode_reference(at, end, code);
  } else {
    length = decode_utf8(at, end, code);
    // A line end of two bytes is one character.
    if (*at == '\r' && rest.size() > 1 && at[1] == '\n') length = 2;
    if (length != 0 && is_xml_space(*at)) code = ' ';
  }
  rest.remove_prefix(length == 0 ? 1 : length);
  return code;
}

bool is_uri(const Attribute& attribute, const char* text_end) noexcept {
  std::string_view rest = attribute.value;
  if (attribute.plain) {
    // The run may go on behind the value, so that it is searched in whole steps.
    const char* const end = rest.data() + rest.size();
    return skip_run<RunEnd::control_or_high, ' ', '"', '>', '\\', '^', '`', '{', '|', '}', '\x7F'>(
               rest.data(), text_end) >= end;
  }
  while (!rest.empty()) {
    const std::uint32_t code = next_character(rest);
    if (code >= 0x80 || !has_class(static_cast<char>(code), class_uri)) return false;
  }
  return true;
}

}  // namespace

const char* skip_wide_ncname(const char* begin, const char* at, const char* end) noexcept {
  while (at != end) {
    if (has_class(*at, class_name)) {
      ++at;
      continue;
    }
    if (!has_class(*at, class_high)) break;
    std::uint32_t code = 0;
    const std::size_t length = decode_utf8(at, end, code);
    if (length == 0) return nullptr;
    if (!(at == begin ? is_wide_name_start(code) : is_wide_name_char(code))) return nullptr;
    at += length;
  }
  return at;
}

StreamError check_character(const char*& at, const char* end) noexcept {
  std::uint32_t code = 0;
  const std::size_t length = decode_utf8(at, end, code);
  if (length == 0) return StreamError::unsupported_encoding;
  if (!is_xml_char(code)) return StreamError::not_well_formed;
  at += length;
  return StreamError::none;
}

StreamError check_wide(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (!has_class(*at, class_high)) {
      ++at;
      continue;
    }
    const StreamError error = check_character(at, end);
    if (error != StreamError::none) return error;
  }
  return StreamError::none;
}

StreamError read_rich_value(const char*& at, const char* end, char quote) noexcept {
  while (at != end && *at != quote) {
    if (*at == '<') return StreamError::not_well_formed;
    if (*at == '&') {
      std::uint32_t code = 0;
      const std::size_t length = decode_reference(at, end, code);
      if (length == 0) return bad_reference(at, end);
      at += length;
    } else {
      const StreamError error = check_character(at, end);
      if (error != StreamError::none) return error;
    }
  }
  return at == end ? StreamError::not_well_formed : StreamError::none;
}

bool same_value(std::string_view left, std::string_view right) noexcept {
  while (!left.empty() && !right.empty()) {
    if (next_character(left) != next_character(right)) return false;
  }
  return left.empty() && right.empty();
}

StreamError check_declaration(const Attribute& attribute, const char* end) noexcept {
  const bool prefixed = attribute.name.prefix_size != 0;
  const std::string_view prefix = prefixed ? attribute.name.local() : std::string_view{};
  if (prefix == "xmlns" || (prefixed && attribute.value.empty()) || !is_uri(attribute, end)) {
    return StreamError::not_well_formed;
  }
  // Both reserved names are longer than most, so their length decides before they are compared.
  const std::string_view value = attribute.value;
  const bool may_be_reserved = !attribute.plain || value.size() == xml_namespace.size() ||
                               value.size() == xmlns_namespace.size();
  const bool is_xml = may_be_reserved && same_value(value, xml_namespace);
  const bool is_xmlns = may_be_reserved && same_value(value, xmlns_namespace);
  if (is_xmlns || is_xml != (prefix == "xml")) return StreamError::not_well_formed;
  return StreamError::none;
}

}  // namespace rookery::codec
