// Rewrites a client's stanza into the one that is delivered: the sender's address is stamped by the
// server (RFC 6120 section 8.1.2.1), everything else is copied as it was checked.
#pragma once

#include <string>
#include <string_view>

#include "codec/stanza_scan.h"

namespace rookery {

/// Appends the stanza with `from` (plain text) in place of its own; with `to` (plain text) in place
/// of its own when that is not empty. A message always ends in an end tag, so that a delay can be
/// put before it.
void append_stamped(std::string& out, const StanzaView& view, std::string_view from,
                    std::string_view to = {});

}  // namespace rookery
