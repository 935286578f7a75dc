// Fuzzes the compact encoding, both ways. What the decoder makes of any bytes, scan_stanza must
// accept under the same limits, and it must survive being encoded again; what the encoder makes of
// a stanza, the decoder must turn back into the same one, as expat reads it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "codec/compact_decoder.h"
#include "codec/compact_encoder.h"
#include "codec/packet_splitter.h"
#include "codec/stanza_scan.h"
#include "native/codec/canonical_xml.h"

namespace {

using namespace rookery;

constexpr std::size_t max_bytes = 1u << 16;
constexpr CompactLimits limits{.max_depth = 40, .max_attributes = 20, .max_xml_bytes = max_bytes};
constexpr ScanLimits scan_limits{.max_depth = 40, .max_attributes = 20};

// The first byte of an input says what it is.
constexpr std::uint8_t with_domain = 1;
constexpr std::uint8_t is_xml = 2;

void require(bool condition) {
  if (!condition) std::abort();
}

bool scans(std::string_view xml) {
  const auto block = std::make_unique<char[]>(xml.size());
  std::copy_n(xml.data(), xml.size(), block.get());
  StanzaView view;
  return scan_stanza({block.get(), xml.size()}, scan_limits, view) == StreamError::none;
}

/// Both must be the same element.
void require_same(std::string_view left, std::string_view right) {
  const auto canonical = testing::canonical_xml(left);
  require(canonical.has_value());
  require(testing::canonical_xml(right) == canonical);
}

void try_packet(std::string_view packet, std::string_view domain) {
  std::string xml = "x";
  if (decode_element(packet, domain, limits, xml) != CompactError::none) {
    require(xml == "x");
    return;
  }
  xml.erase(0, 1);
  require(xml.size() <= max_bytes);
  require(scans(xml));
  std::string again;
  require(append_element(again, xml, domain, 2 * max_bytes));
  std::string back;
  require(decode_element(again, domain, limits, back) == CompactError::none);
  require_same(xml, back);
  // Attributes keep their order, so the second encoding is the first one.
  std::string stable;
  require(append_element(stable, back, domain, 2 * max_bytes));
  require(stable == again);
}

void try_xml(std::string_view text, std::string_view domain) {
  std::string packet = "x";
  const bool encoded = append_packet(packet, text, domain, max_bytes);
  if (!encoded) require(packet == "x");
  if (!encoded || !scans(text)) return;
  packet.erase(0, 1);
  PacketSplitter splitter;
  const PacketResult split = splitter.feed(packet, max_bytes);
  require(split.outcome == PacketOutcome::packet && split.consumed == packet.size());
  // The XML that comes back may declare more than the one that went in, and so be over a limit.
  std::string back;
  const std::string_view element = std::string_view(packet).substr(split.length_bytes);
  const CompactError error = decode_element(element, domain, limits, back);
  if (error != CompactError::none) {
    require(stream_error_of(error) == StreamError::policy_violation);
    return;
  }
  require(scans(back));
  require_same(text, back);
}

/// Cut in two anywhere, a stream is split in the same way.
void try_stream(std::string_view stream) {
  PacketSplitter whole;
  const PacketResult wanted = whole.feed(stream, max_bytes);
  const std::size_t cut =
      stream.empty() ? 0 : static_cast<unsigned char>(stream[0]) % stream.size();
  PacketSplitter parts;
  PacketResult found = parts.feed(stream.substr(0, cut), max_bytes);
  if (found.outcome == PacketOutcome::need_more) {
    found = parts.feed(stream.substr(cut), max_bytes);
    found.consumed += cut;
  }
  require(found.outcome == wanted.outcome && found.error == wanted.error);
  require(found.consumed == wanted.consumed && found.length_bytes == wanted.length_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t kind = data[0];
  const auto block = std::make_unique<char[]>(size - 1);
  std::copy_n(data + 1, size - 1, block.get());
  const std::string_view input(block.get(), size - 1);
  const std::string_view domain = (kind & with_domain) != 0 ? "example.org" : std::string_view{};
  if ((kind & is_xml) != 0) {
    try_xml(input, domain);
  } else {
    try_packet(input, domain);
    try_stream(input);
  }
  return 0;
}
