// The scan of one stanza. A fixed-size record of the open elements and of the namespace prefixes in
// scope stands on the stack; nothing is allocated. Text and attribute values are crossed from event
// to event (event_bits.h); names are read byte by byte; what is not ASCII is checked in a second
// pass, which most stanzas do not need.
#include "codec/stanza_scan.h"

#include <algorithm>
#include <cstring>

#include "codec/event_bits.h"
#include "codec/xml_tag.h"

namespace rookery {
namespace {

using codec::Attribute;
using codec::Name;

// What the stack record holds. The configured limits may be lower, never higher.
constexpr std::size_t depth_capacity = 256;
constexpr std::size_t attribute_capacity = 64;
constexpr std::size_t binding_capacity = 64;

/// A prefix in scope. Without initial values, like Name.
struct Binding {
  const char* prefix;
  const char* xmlns;  ///< Raw.
  std::uint32_t prefix_size;
  std::uint32_t xmlns_size;
};

struct OpenElement {
  Name name;
  std::uint32_t bindings;  ///< How many were in scope outside of it.
};

bool is_bad_control(char character) {
  return static_cast<unsigned char>(character) < 0x20 && !codec::is_xml_space(character);
}

/// Where the scan stands: the next byte to look at, and the first event (event_bits.h) that is not
/// before it. Only functions that are inlined take one, so that it stays in registers.
struct Walk {
  Walk(const char* begin, const char* end)
      : events(begin, begin, end), at(begin), event(events.next()) {}

  void step() noexcept { event = events.next(); }
  /// After white space was skipped, which may have had events in it.
  void sync() noexcept {
    while (event < at) step();
  }

  codec::EventBits<codec::EventSet::content> events;
  const char* at;
  const char* event;
};

class Scan {
 public:
  Scan(std::string_view text, const ScanLimits& limits, StanzaView& out)
      : begin_(text.data()),
        end_(text.data() + text.size()),
        max_depth_(std::min<std::size_t>(limits.max_depth, depth_capacity)),
        max_attributes_(std::min<std::size_t>(limits.max_attributes, attribute_capacity)),
        out_(out) {}

  StreamError run() noexcept;

 private:
  [[nodiscard]] std::uint32_t offset(const char* at) const {
    return static_cast<std::uint32_t>(at - begin_);
  }
  StreamError start_tag(Walk& walk) noexcept;
  StreamError attributes(Walk& walk) noexcept;
  StreamError attribute(Walk& walk, const char* space) noexcept;
  StreamError value(Walk& walk, Attribute& attribute) noexcept;
  StreamError end_tag(Walk& walk) noexcept;
  StreamError cdata(Walk& walk) noexcept;
  StreamError text(Walk& walk) noexcept;
  StreamError to_next_start_tag(Walk& walk) noexcept;
  StreamError declare(const Attribute& attribute) noexcept;
  StreamError resolve_attributes() noexcept;
  bool resolve(std::string_view prefix, std::string_view& xmlns) noexcept;
  StreamError note_element(const Name& name) noexcept;
  void note_root_attribute(const Attribute& attribute, const char* space,
                           const char* after) noexcept;
  void close_element(const char* after) noexcept;

  const char* const begin_;
  const char* const end_;
  const std::size_t max_depth_;
  const std::size_t max_attributes_;
  StanzaView& out_;

  std::size_t depth_ = 0;
  std::size_t binding_count_ = 0;
  std::size_t attribute_count_ = 0;   ///< Of the tag being read.
  bool prefixed_attributes_ = false;  ///< Whether any of them has a prefix.
  bool has_default_ = false;          ///< Whether the tag declares a default namespace, and which.
  bool child_noted_ = false;          ///< Whether the direct child being read is in `children`.
  std::string_view default_xmlns_;
  std::string_view root_default_ = codec::client_namespace;  ///< What a child inherits.
  const char* tag_begin_ = nullptr;                          ///< At the `<` of the tag being read.
  std::array<OpenElement, depth_capacity> open_;
  std::array<Binding, binding_capacity> bindings_;
  std::array<Name, attribute_capacity> names_;
};

/// The namespace that a prefix stands for. `xml` and `stream` need no declaration.
bool Scan::resolve(std::string_view prefix, std::string_view& xmlns) noexcept {
  for (std::size_t index = binding_count_; index-- > 0;) {
    const Binding& binding = bindings_[index];
    if (std::string_view(binding.prefix, binding.prefix_size) != prefix) continue;
    xmlns = {binding.xmlns, binding.xmlns_size};
    return true;
  }
  if (prefix == "stream") {
    out_.uses_stream_prefix = true;
    xmlns = codec::stream_namespace;
    return true;
  }
  xmlns = codec::xml_namespace;
  return prefix == "xml";
}

StreamError Scan::declare(const Attribute& attribute) noexcept {
  const StreamError error = codec::check_declaration(attribute, end_);
  if (error != StreamError::none) return error;
  if (attribute.name.prefix_size == 0) {
    has_default_ = true;
    default_xmlns_ = attribute.value;
    return StreamError::none;
  }
  if (binding_count_ == binding_capacity) return StreamError::policy_violation;
  const std::string_view prefix = attribute.name.local();
  bindings_[binding_count_++] = {prefix.data(), attribute.value.data(),
                                 static_cast<std::uint32_t>(prefix.size()),
                                 static_cast<std::uint32_t>(attribute.value.size())};
  return StreamError::none;
}

inline void Scan::note_root_attribute(const Attribute& attribute, const char* space,
                                      const char* after) noexcept {
  const Name& name = attribute.name;
  if (name.is("to")) {
    out_.to = attribute.value;
    out_.has_to = true;
    out_.to_begin = offset(space);
    out_.to_end = offset(after);
  } else if (name.is("id")) {
    out_.id = attribute.value;
    out_.has_id = true;
  } else if (name.is("type")) {
    out_.type = attribute.value;
    out_.has_type = true;
  } else if (name.is("from")) {
    out_.from = attribute.value;
    out_.has_from = true;
    out_.from_begin = offset(space);
    out_.from_end = offset(after);
  }
}

/// ` = "value"` behind an attribute's name.
[[gnu::always_inline]] inline StreamError Scan::value(Walk& walk, Attribute& attribute) noexcept {
  if (*walk.at != '=') walk.at = codec::skip_space(walk.at);
  if (*walk.at != '=') return StreamError::not_well_formed;
  ++walk.at;
  if (codec::has_class(*walk.at, codec::class_space)) walk.at = codec::skip_space(walk.at);
  const char quote = *walk.at;
  if (quote != '"' && quote != '\'') return StreamError::not_well_formed;
  walk.sync();
  const char* const begin = walk.at + 1;
  attribute.plain = true;
  while (true) {
    walk.step();
    if (walk.event == end_) return StreamError::not_well_formed;
    const char stop = *walk.event;
    if (stop == quote) break;
    if (stop == '<' || is_bad_control(stop)) return StreamError::not_well_formed;
    std::uint32_t code = 0;
    if (stop == '&' && codec::decode_reference(walk.event, end_, code) == 0) {
      return codec::bad_reference(walk.event, end_);
    }
    if (stop == '&' || codec::is_xml_space(stop)) attribute.plain = false;
  }
  attribute.value = {begin, static_cast<std::size_t>(walk.event - begin)};
  walk.at = walk.event + 1;
  walk.step();
  return StreamError::none;
}

/// One attribute; `space` is where the white space before it begins.
[[gnu::always_inline]] inline StreamError Scan::attribute(Walk& walk, const char* space) noexcept {
  Attribute attribute;
  walk.at = codec::read_name(walk.at, end_, attribute.name);
  if (walk.at == nullptr) return StreamError::not_well_formed;
  const StreamError error = value(walk, attribute);
  if (error != StreamError::none) return error;
  if (attribute_count_ == max_attributes_) return StreamError::policy_violation;
  for (std::size_t index = 0; index < attribute_count_; ++index) {
    if (names_[index] == attribute.name) return StreamError::not_well_formed;
  }
  names_[attribute_count_++] = attribute.name;
  if (codec::declares_namespace(attribute.name)) return declare(attribute);
  if (attribute.name.prefix_size != 0) prefixed_attributes_ = true;
  if (depth_ == 0) note_root_attribute(attribute, space, walk.at);
  return StreamError::none;
}

/// The attributes of a start tag, up to its `>` or `/`.
[[gnu::always_inline]] inline StreamError Scan::attributes(Walk& walk) noexcept {
  attribute_count_ = 0;
  prefixed_attributes_ = false;
  has_default_ = false;
  while (*walk.at != '>' && *walk.at != '/') {
    const char* const space = walk.at;
    walk.at = codec::skip_space(walk.at);
    if (*walk.at == '>' || *walk.at == '/') break;
    if (walk.at == space) return StreamError::not_well_formed;
    const StreamError error = attribute(walk, space);
    if (error != StreamError::none) return error;
  }
  return prefixed_attributes_ ? resolve_attributes() : StreamError::none;
}

/// Every prefix must be declared, and no two attributes may have one expanded name.
StreamError Scan::resolve_attributes() noexcept {
  for (std::size_t index = 0; index < attribute_count_; ++index) {
    const Name& name = names_[index];
    if (name.prefix_size == 0 || codec::declares_namespace(name)) continue;
    std::string_view xmlns;
    if (!resolve(name.prefix(), xmlns)) return StreamError::not_well_formed;
    for (std::size_t other = 0; other < index; ++other) {
      const Name& earlier = names_[other];
      if (earlier.prefix_size == 0 || codec::declares_namespace(earlier)) continue;
      std::string_view earlier_xmlns;
      if (earlier.local() != name.local() || !resolve(earlier.prefix(), earlier_xmlns)) continue;
      if (codec::same_value(earlier_xmlns, xmlns)) return StreamError::not_well_formed;
    }
  }
  return StreamError::none;
}

/// Notes the stanza's own name, or a direct child's.
StreamError Scan::note_element(const Name& name) noexcept {
  std::string_view xmlns = has_default_ ? default_xmlns_ : root_default_;
  if (name.prefix_size != 0 && !resolve(name.prefix(), xmlns)) {
    return StreamError::not_well_formed;
  }
  if (depth_ == 0) {
    if (has_default_) root_default_ = default_xmlns_;
    out_.name = name.local();
    out_.xmlns = xmlns;
    out_.name_end = offset(name.begin + name.size);
    if (xmlns == codec::client_namespace) {
      out_.kind = out_.name == "message"    ? StanzaKind::message
                  : out_.name == "presence" ? StanzaKind::presence
                  : out_.name == "iq"       ? StanzaKind::iq
                                            : StanzaKind::other;
    }
    return StreamError::none;
  }
  child_noted_ = out_.child_count < StanzaView::max_children;
  if (child_noted_) {
    out_.children[out_.child_count++] = {name.local(), xmlns, offset(tag_begin_), 0};
  } else {
    out_.more_children = true;
  }
  return StreamError::none;
}

/// `after` is the byte behind the element's last.
inline void Scan::close_element(const char* after) noexcept {
  if (depth_ == 1 && child_noted_) out_.children[out_.child_count - 1].end = offset(after);
}

/// A start tag; the walk is behind its `<`.
[[gnu::always_inline]] inline StreamError Scan::start_tag(Walk& walk) noexcept {
  tag_begin_ = walk.at - 1;
  if (depth_ == max_depth_) return StreamError::policy_violation;
  OpenElement& element = open_[depth_];
  element.bindings = static_cast<std::uint32_t>(binding_count_);
  walk.at = codec::read_name(walk.at, end_, element.name);
  if (walk.at == nullptr) return StreamError::not_well_formed;
  StreamError error = attributes(walk);
  if (error != StreamError::none) return error;
  std::string_view unused;
  if (depth_ <= 1) {
    error = note_element(element.name);
    if (error != StreamError::none) return error;
  } else if (element.name.prefix_size != 0 && !resolve(element.name.prefix(), unused)) {
    return StreamError::not_well_formed;
  }
  const bool self_closing = *walk.at == '/';
  if (self_closing && *++walk.at != '>') return StreamError::not_well_formed;
  walk.sync();
  ++walk.at;
  walk.step();
  if (depth_ == 0) {
    out_.content_begin = out_.content_end = offset(walk.at);
    out_.self_closing = self_closing;
  }
  if (self_closing) {
    binding_count_ = element.bindings;
    close_element(walk.at);
  } else {
    ++depth_;
  }
  return StreamError::none;
}

/// An end tag; the walk is behind its `</`.
[[gnu::always_inline]] inline StreamError Scan::end_tag(Walk& walk) noexcept {
  const OpenElement& element = open_[depth_ - 1];
  const std::size_t size = element.name.size;
  if (static_cast<std::size_t>(end_ - walk.at) <= size ||
      codec::read_key(walk.at, size, end_) != element.name.key ||
      (size > 8 && std::memcmp(walk.at, element.name.begin, size) != 0)) {
    return StreamError::not_well_formed;
  }
  const char* const tag_begin = walk.at - 2;
  walk.at += size;
  if (*walk.at != '>') walk.at = codec::skip_space(walk.at);
  if (*walk.at != '>') return StreamError::not_well_formed;
  walk.sync();
  ++walk.at;
  walk.step();
  binding_count_ = element.bindings;
  --depth_;
  if (depth_ == 0) out_.content_end = offset(tag_begin);
  close_element(walk.at);
  return StreamError::none;
}

/// A CDATA section; the walk is behind its `<!`.
[[gnu::always_inline]] inline StreamError Scan::cdata(Walk& walk) noexcept {
  const std::string_view rest(walk.at, static_cast<std::size_t>(end_ - walk.at));
  if (!rest.starts_with("[CDATA[")) return StreamError::restricted_xml;
  walk.at += 7;
  walk.sync();
  while (walk.event != end_) {
    if (is_bad_control(*walk.event)) return StreamError::not_well_formed;
    if (end_ - walk.event >= 3 && std::memcmp(walk.event, "]]>", 3) == 0) {
      walk.at = walk.event + 3;
      walk.sync();
      return StreamError::none;
    }
    walk.step();
  }
  return StreamError::not_well_formed;
}

/// Character data; leaves the walk behind the next `<`.
[[gnu::always_inline]] inline StreamError Scan::text(Walk& walk) noexcept {
  while (walk.event != end_ && *walk.event != '<') {
    const char stop = *walk.event;
    std::uint32_t code = 0;
    if (stop == '&' && codec::decode_reference(walk.event, end_, code) == 0) {
      return codec::bad_reference(walk.event, end_);
    }
    if (is_bad_control(stop) ||
        (stop == ']' && end_ - walk.event >= 3 && std::memcmp(walk.event, "]]>", 3) == 0)) {
      return StreamError::not_well_formed;
    }
    walk.step();
  }
  if (walk.event == end_) return StreamError::not_well_formed;
  walk.at = walk.event + 1;
  walk.step();
  return StreamError::none;
}

/// Text, end tags and CDATA, up to a start tag or the end of the stanza.
[[gnu::always_inline]] inline StreamError Scan::to_next_start_tag(Walk& walk) noexcept {
  while (depth_ > 0) {
    StreamError error = text(walk);
    if (error != StreamError::none) return error;
    if (*walk.at == '/') {
      ++walk.at;
      error = end_tag(walk);
    } else if (*walk.at == '!') {
      ++walk.at;
      error = cdata(walk);
    } else {
      return *walk.at == '?' ? StreamError::restricted_xml : StreamError::none;
    }
    if (error != StreamError::none) return error;
  }
  return StreamError::none;
}

StreamError Scan::run() noexcept {
  // The last byte stops every loop over names and white space (xml_tag.h).
  if (end_ - begin_ < 4 || end_[-1] != '>' || *begin_ != '<') return StreamError::not_well_formed;
  if (begin_[1] == '!' || begin_[1] == '?') return StreamError::restricted_xml;
  Walk walk(begin_, end_);
  ++walk.at;
  walk.step();
  do {
    StreamError error = start_tag(walk);
    if (error == StreamError::none) error = to_next_start_tag(walk);
    if (error != StreamError::none) return error;
  } while (depth_ > 0);
  if (walk.at != end_) return StreamError::not_well_formed;
  return walk.events.seen_high() ? codec::check_wide({begin_, out_.text.size()})
                                 : StreamError::none;
}

}  // namespace

StreamError scan_stanza(std::string_view text, const ScanLimits& limits, StanzaView& out) noexcept {
  // The array of children is left as it is: only `child_count` of them are ever looked at.
  out.text = text;
  out.kind = StanzaKind::other;
  out.to = out.from = out.id = out.type = {};
  out.has_to = out.has_from = out.has_id = out.has_type = false;
  out.from_begin = out.from_end = out.to_begin = out.to_end = 0;
  out.uses_stream_prefix = out.more_children = false;
  out.child_count = 0;
  return Scan(text, limits, out).run();
}

const ChildView* StanzaView::child(std::string_view child_name,
                                   std::string_view child_xmlns) const {
  for (std::size_t index = 0; index < child_count; ++index) {
    const ChildView& each = children[index];
    if (!child_name.empty() && each.name != child_name) continue;
    if (!child_xmlns.empty() && each.xmlns != child_xmlns) continue;
    return &each;
  }
  return nullptr;
}

std::string_view StanzaView::attribute(std::string_view attribute_name, bool& found) const {
  found = false;
  const char* at = text.data() + name_end;
  const char* const end = text.data() + text.size();
  while (true) {
    at = codec::skip_space(at);
    if (*at == '>' || *at == '/') return {};
    Attribute attribute;
    at = codec::read_name(at, end, attribute.name);
    if (at == nullptr || codec::read_value(at, end, attribute) != StreamError::none) return {};
    if (attribute.name.whole() != attribute_name) continue;
    found = true;
    return attribute.value;
  }
}

std::string_view StanzaView::leading_text() const {
  const std::string_view content = text.substr(content_begin, content_end - content_begin);
  return content.substr(0, content.find('<'));
}

}  // namespace rookery
