// Checks one complete first-level element in one pass (well-formed, bounded, UTF-8, every prefix
// declared) and notes what routing needs, without building a tree. What passes here may be copied
// verbatim into another client's stream.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/stream_error.h"

namespace rookery {

enum class StanzaKind : std::uint8_t { message, presence, iq, other };

/// A direct child of a stanza.
struct ChildView {
  std::string_view name;    ///< Local name.
  std::string_view xmlns;   ///< Its namespace, resolved (raw, as written in the attribute).
  std::uint32_t begin = 0;  ///< Offsets of the whole child within the stanza's text.
  std::uint32_t end = 0;
};

/// What the scan found. All views point into the scanned text. Attribute values are raw: entity
/// references are still in them (xml_text.h unescapes).
struct StanzaView {
  static constexpr std::size_t max_children = 16;

  std::string_view text;  ///< The whole element.
  StanzaKind kind = StanzaKind::other;
  std::string_view name;   ///< Local name of the element.
  std::string_view xmlns;  ///< Its namespace; `jabber:client` when it declares none.
  std::string_view to, from, id, type;
  bool has_to = false, has_from = false, has_id = false, has_type = false;
  std::uint32_t name_end = 0;    ///< Offset just behind the element's name in its start tag.
  std::uint32_t from_begin = 0;  ///< The from attribute with the white space before it, to be
  std::uint32_t from_end = 0;    ///< cut out when the server stamps its own; equal when absent.
  std::uint32_t to_begin = 0;    ///< The to attribute likewise.
  std::uint32_t to_end = 0;
  std::uint32_t content_begin = 0;  ///< Behind the start tag; equal to content_end when empty.
  std::uint32_t content_end = 0;
  bool self_closing = false;
  /// It uses the prefix `stream` as the stream header declares it. Outside of such a stream (in
  /// WebSocket framing) it is not well-formed.
  bool uses_stream_prefix = false;
  std::uint8_t child_count = 0;  ///< Children noted (at most max_children).
  bool more_children = false;    ///< There were more than that.
  std::array<ChildView, max_children> children;

  /// The first child of that name and namespace, or null. An empty name or namespace matches any.
  [[nodiscard]] const ChildView* child(std::string_view child_name,
                                       std::string_view child_xmlns) const;
  /// The raw value of any attribute of the element itself; `found` tells absent from empty.
  [[nodiscard]] std::string_view attribute(std::string_view attribute_name, bool& found) const;
  /// Its namespace is declared in the element itself, not taken from a stream around it.
  [[nodiscard]] bool declares_namespace() const {
    const auto begin = reinterpret_cast<std::uintptr_t>(text.data());
    return reinterpret_cast<std::uintptr_t>(xmlns.data()) - begin < text.size();
  }
  /// The raw character data directly behind the start tag up to the first `<` (for `<auth>…`).
  [[nodiscard]] std::string_view leading_text() const;
};

struct ScanLimits {
  std::uint16_t max_depth = 0;
  std::uint16_t max_attributes = 0;  ///< Of one element.
};

/// Scans `text`, which the splitter has delimited. Returns none and fills `out`, or the stream
/// error to answer with. A hostile peer's bytes never trip an assertion here.
StreamError scan_stanza(std::string_view text, const ScanLimits& limits, StanzaView& out) noexcept;

/// A stream header's attributes, raw.
struct StreamHeaderView {
  std::string_view to, from, version, lang, xmlns, xmlns_stream;
};

/// Scans what the splitter called a stream_open: checks the XML declaration, the namespaces and the
/// version, and refuses prefixes declared beside `stream` (their scope would be every stanza).
StreamError scan_stream_header(std::string_view text, const ScanLimits& limits,
                               StreamHeaderView& out) noexcept;

/// Reads the <open/> that takes a stream header's place in WebSocket messages (RFC 7395), and
/// checks its version. Its namespace is the caller's to check.
StreamError read_framing_open(const StanzaView& view, StreamHeaderView& out) noexcept;

}  // namespace rookery
