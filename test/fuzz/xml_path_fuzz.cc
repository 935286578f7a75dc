// Fuzzes the way of a stanza: splitter, scan, stamping, reader. What the scan accepts may be copied
// into other clients' streams, so expat, as they use it, must accept it too, before and after the
// server has stamped its own `from` on it, and must see the same in it as the scan did.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "codec/stanza_scan.h"
#include "codec/stream_splitter.h"
#include "codec/xml_element.h"
#include "codec/xml_text.h"
#include "native/codec/expat_oracle.h"

namespace {

using namespace rookery;

constexpr SplitLimits split_limits{.max_bytes = 1u << 16, .max_depth = 40};
constexpr ScanLimits scan_limits{.max_depth = 40, .max_attributes = 20};
constexpr std::size_t max_elements = 10'000;

void require(bool condition) {
  if (!condition) std::abort();
}

/// The value as a parser reports it: white space as written is one space each.
bool same_value(std::string_view raw, std::string_view reported) {
  if (raw.find_first_of("\t\r\n") != raw.npos) return true;
  std::string plain;
  return append_unescaped(plain, raw) && plain == reported;
}

void compare_with_tree(const StanzaView& view, const XmlElement& tree) {
  require(view.name == tree.name);
  require(same_value(view.xmlns, tree.xmlns));
  require(same_value(view.to, tree.attribute("to")));
  require(same_value(view.from, tree.attribute("from")));
  require(same_value(view.id, tree.attribute("id")));
  require(same_value(view.type, tree.attribute("type")));
  require(view.more_children ? tree.children.size() > StanzaView::max_children
                             : tree.children.size() == view.child_count);
  for (std::size_t index = 0; index < view.child_count; ++index) {
    const ChildView& child = view.children[index];
    require(child.name == tree.children[index].name);
    require(same_value(child.xmlns, tree.children[index].xmlns));
    require(child.begin < child.end && child.end <= view.content_end);
    require(view.text[child.begin] == '<' && view.text[child.end - 1] == '>');
  }
  bool found = false;
  require(view.attribute("to", found) == view.to && found == view.has_to);
  require(view.leading_text().size() <= view.content_end - view.content_begin);
}

/// Replaces the `from` as the server does before it hands a stanza on.
std::string stamped(const StanzaView& view) {
  std::string out(view.text.substr(0, view.name_end));
  append_attribute(out, "from", "romeo@example.org/x");
  const std::size_t cut = view.has_from ? view.from_begin : view.name_end;
  out += view.text.substr(view.name_end, cut - view.name_end);
  out += view.text.substr(view.has_from ? view.from_end : view.name_end);
  return out;
}

void try_stanza(std::string_view text, XmlReader& reader) {
  const auto block = std::make_unique<char[]>(text.size());
  std::copy_n(text.data(), text.size(), block.get());
  text = {block.get(), text.size()};
  StanzaView view;
  const bool accepted = scan_stanza(text, scan_limits, view) == StreamError::none;
  XmlElement tree;
  const bool readable = reader.read(text, max_elements, tree);
  if (!accepted) return;
  require(readable);
  for (const char separator : {'\n', '}', ' ', '|'}) {
    require(testing::expat_accepts(text, separator));
  }
  compare_with_tree(view, tree);
  const std::string own = stamped(view);
  require(testing::expat_accepts(own));
  StanzaView again;
  require(scan_stanza(own, scan_limits, again) == StreamError::none ||
          view.has_from == false);  // One attribute more may be one too many.
  require(reader.read(own, max_elements, tree));
  require(tree.attribute("from") == "romeo@example.org/x");
}

void try_header(std::string_view text) {
  StreamHeaderView view;
  if (scan_stream_header(text, scan_limits, view) != StreamError::none) return;
  require(view.xmlns == "jabber:client" && !view.version.empty());
  const testing::ParserPtr parser(XML_ParserCreateNS("UTF-8", '\n'));
  require(XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), 0) == XML_STATUS_OK);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  static XmlReader reader;
  // By itself, as if some other splitter had delimited it, and then as a stream.
  try_stanza(input, reader);
  try_header(input);
  StreamSplitter splitter;
  while (!input.empty()) {
    const SplitResult result = splitter.feed(input, split_limits);
    if (result.outcome == SplitOutcome::need_more || result.outcome == SplitOutcome::error) break;
    const std::string_view piece = input.substr(0, result.consumed);
    if (result.outcome == SplitOutcome::stanza) try_stanza(piece, reader);
    if (result.outcome == SplitOutcome::stream_open) try_header(piece);
    input.remove_prefix(result.consumed);
  }
  // Whatever came, the reader is good for the next stanza.
  XmlElement next;
  require(reader.read("<iq><ping xmlns='urn:xmpp:ping'/></iq>", 2, next));
  require(next.child("ping", "urn:xmpp:ping") != nullptr);
  return 0;
}
