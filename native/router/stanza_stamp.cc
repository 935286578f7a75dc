// Cutting and stamping of a stanza's start tag.
#include "router/stanza_stamp.h"

#include "codec/xml_text.h"

namespace rookery {

void append_stamped(std::string& out, const StanzaView& view, std::string_view from,
                    std::string_view to) {
  const std::string_view text = view.text;
  const std::uint32_t tag_end =
      view.self_closing ? static_cast<std::uint32_t>(text.size()) - 2 : view.content_begin - 1;
  out += text.substr(0, view.name_end);
  append_attribute(out, "from", from);
  if (!to.empty()) append_attribute(out, "to", to);
  // What is left of the start tag, without the attributes that were replaced.
  std::uint32_t at = view.name_end;
  const auto copy_until = [&](std::uint32_t begin, std::uint32_t end) {
    if (begin >= at && begin < end) {
      out += text.substr(at, begin - at);
      at = end;
    }
  };
  const bool drop_to = !to.empty() && view.to_begin != view.to_end;
  const bool to_first = view.to_begin < view.from_begin;
  if (drop_to && to_first) copy_until(view.to_begin, view.to_end);
  copy_until(view.from_begin, view.from_end);
  if (drop_to && !to_first) copy_until(view.to_begin, view.to_end);
  out += text.substr(at, tag_end - at);
  if (!view.self_closing) {
    out += text.substr(tag_end);
    return;
  }
  if (view.kind != StanzaKind::message) {
    out += "/>";
    return;
  }
  out += "></";
  out += text.substr(1, view.name_end - 1);
  out += '>';
}

}  // namespace rookery
