// From the compact encoding to XML (docs/PROTOCOL.md, section 5).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/compact_error.h"

namespace rookery {

/// The limits of an element, those of XMPP: it has to be one that an XMPP client can be sent.
struct CompactLimits {
  std::uint16_t max_depth = 0;
  std::uint16_t max_attributes = 0;  ///< Of one element, with the declarations of namespaces.
  std::uint32_t max_xml_bytes = 0;   ///< Checked before memory is taken.
};

/// Appends to `xml` the element that the packet holds, as it may stand in a `jabber:client` stream;
/// `scan_stanza` accepts it under the same limits. An empty `own_domain` means that the forms with
/// the server's domain are not allowed (the payloads of the handshake). On an error `xml` is as it
/// was. A hostile peer's bytes never trip an assertion here, and the work is bounded by the limits
/// and the packet's size.
[[nodiscard]] CompactError decode_element(std::string_view packet, std::string_view own_domain,
                                          const CompactLimits& limits, std::string& xml);

}  // namespace rookery
