// What can be wrong with an element in the compact encoding.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/stream_error.h"

namespace rookery {

enum class CompactError : std::uint8_t {
  none,
  truncated,            ///< The packet ends within the element.
  trailing_bytes,       ///< It goes on behind it.
  bad_varint,           ///< Not in its shortest form, or too large.
  bad_form,             ///< A first byte that means nothing, or not here.
  bad_index,            ///< An index beyond the dictionary's table.
  bad_padding,          ///< Unused bits that are not zero.
  bad_text,             ///< Not UTF-8, or a character that XML forbids.
  bad_name,             ///< Not an NCName, or reserved.
  bad_namespace,        ///< Not a URI, or reserved.
  empty_content,        ///< A text that is empty, or a list of nothing.
  duplicate_attribute,  ///< Two of one name.
  too_deep,
  too_many_attributes,  ///< With the declarations of namespaces that XML needs.
  too_large,            ///< As XML.
};

/// The stream error with which a peer that sent it is told.
constexpr StreamError stream_error_of(CompactError error) {
  switch (error) {
    case CompactError::none: return StreamError::none;
    case CompactError::too_deep:
    case CompactError::too_many_attributes:
    case CompactError::too_large: return StreamError::policy_violation;
    default: return StreamError::bad_format;
  }
}

/// The name of the error, as the test vectors have it.
constexpr std::string_view compact_error_name(CompactError error) {
  switch (error) {
    case CompactError::none: return "";
    case CompactError::truncated: return "truncated";
    case CompactError::trailing_bytes: return "trailing-bytes";
    case CompactError::bad_varint: return "bad-varint";
    case CompactError::bad_form: return "bad-form";
    case CompactError::bad_index: return "bad-index";
    case CompactError::bad_padding: return "bad-padding";
    case CompactError::bad_text: return "bad-text";
    case CompactError::bad_name: return "bad-name";
    case CompactError::bad_namespace: return "bad-namespace";
    case CompactError::empty_content: return "empty-content";
    case CompactError::duplicate_attribute: return "duplicate-attribute";
    case CompactError::too_deep: return "too-deep";
    case CompactError::too_many_attributes: return "too-many-attributes";
    case CompactError::too_large: return "too-large";
  }
  return "";
}

}  // namespace rookery
