// From XML to the compact encoding (docs/PROTOCOL.md, section 5), in one pass.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rookery {

/// Appends the canonical encoding of one element, which scan_stanza has accepted, as it stands in a
/// `jabber:client` stream. Text that is not as the scan leaves it is no reason to trip: then, and
/// when the encoding would have more than `max_bytes` (a long namespace that has a short prefix in
/// XML is written out each time), the answer is false and `out` is as it was. An empty `own_domain`
/// means that the forms with the server's domain are not used (the payloads of the handshake).
[[nodiscard]] bool append_element(std::string& out, std::string_view element_xml,
                                  std::string_view own_domain, std::size_t max_bytes);

/// The same with the length before it: a packet. `max_bytes` is that of the element.
[[nodiscard]] bool append_packet(std::string& out, std::string_view element_xml,
                                 std::string_view own_domain, std::size_t max_bytes);

}  // namespace rookery
