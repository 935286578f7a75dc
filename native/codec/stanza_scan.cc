// The scan of one stanza. A fixed-size record of the open elements and of the namespace prefixes in
// scope stands on the stack; nothing is allocated. Text and attribute values are skipped in runs of
// plain bytes, and only what is not plain goes through the slow paths of xml_tag.cc.
#include "codec/stanza_scan.h"

#include <algorithm>
#include <cstring>

#include "codec/xml_tag.h"

namespace rookery {
namespace {

using codec::Attribute;
using codec::Name;
using codec::RunEnd;
using codec::skip_run;

// What the stack record holds. The configured limits may be lower, never higher.
constexpr std::size_t depth_capacity = 256;
constexpr std::size_t attribute_capacity = 64;
constexpr std::size_t binding_capacity = 64;

/// A prefix in scope.
struct Binding {
  std::string_view prefix;
  std::string_view xmlns;  ///< Raw.
};

struct OpenElement {
  Name name;
  std::uint32_t bindings;  ///< How many were in scope outside of it.
};

class Scan {
 public:
  Scan(std::string_view text, const ScanLimits& limits, StanzaView& out)
      : begin_(text.data()),
        at_(text.data()),
        end_(text.data() + text.size()),
        max_depth_(std::min<std::size_t>(limits.max_depth, depth_capacity)),
        max_attributes_(std::min<std::size_t>(limits.max_attributes, attribute_capacity)),
        out_(out) {}

  StreamError run() noexcept;

 private:
  [[nodiscard]] std::uint32_t offset(const char* at) const {
    return static_cast<std::uint32_t>(at - begin_);
  }
  StreamError start_tag() noexcept;
  StreamError attributes() noexcept;
  StreamError attribute(const char* space) noexcept;
  StreamError declare(const Attribute& attribute) noexcept;
  StreamError resolve_attributes() noexcept;
  StreamError end_tag() noexcept;
  StreamError content() noexcept;
  StreamError cdata() noexcept;
  StreamError text() noexcept;
  const std::string_view* resolve(std::string_view prefix) const noexcept;
  StreamError note_element(const Name& name) noexcept;
  void note_root_attribute(const Attribute& attribute, const char* space) noexcept;
  void close_element() noexcept;

  const char* const begin_;
  const char* at_;
  const char* const end_;
  const std::size_t max_depth_;
  const std::size_t max_attributes_;
  StanzaView& out_;

  std::size_t depth_ = 0;
  std::size_t binding_count_ = 0;
  std::size_t attribute_count_ = 0;   ///< Of the tag being read.
  bool prefixed_attributes_ = false;  ///< Whether any of them has a prefix.
  bool has_default_ = false;          ///< Whether the tag declares a default namespace, and which.
  std::string_view default_xmlns_;
  std::string_view root_default_ = codec::client_namespace;  ///< What a child inherits.
  bool child_noted_ = false;         ///< Whether the direct child being read is among `children`.
  const char* tag_begin_ = nullptr;  ///< At the `<` of the tag being read.
  std::array<OpenElement, depth_capacity> open_;
  std::array<Binding, binding_capacity> bindings_;
  std::array<Name, attribute_capacity> names_;
};

/// The namespace that a prefix stands for, or null. `xml` and `stream` need no declaration.
const std::string_view* Scan::resolve(std::string_view prefix) const noexcept {
  for (std::size_t index = binding_count_; index-- > 0;) {
    if (bindings_[index].prefix == prefix) return &bindings_[index].xmlns;
  }
  if (prefix == "xml") return &codec::xml_namespace;
  if (prefix == "stream") {
    out_.uses_stream_prefix = true;
    return &codec::stream_namespace;
  }
  return nullptr;
}

StreamError Scan::declare(const Attribute& attribute) noexcept {
  const StreamError error = codec::check_declaration(attribute);
  if (error != StreamError::none) return error;
  if (attribute.name.prefix_size == 0) {
    has_default_ = true;
    default_xmlns_ = attribute.value;
    return StreamError::none;
  }
  if (binding_count_ == binding_capacity) return StreamError::policy_violation;
  bindings_[binding_count_++] = {attribute.name.local(), attribute.value};
  return StreamError::none;
}

void Scan::note_root_attribute(const Attribute& attribute, const char* space) noexcept {
  const std::string_view name = attribute.name.whole();
  if (name == "to") {
    out_.to = attribute.value;
    out_.has_to = true;
    out_.to_begin = offset(space);
    out_.to_end = offset(at_);
  } else if (name == "id") {
    out_.id = attribute.value;
    out_.has_id = true;
  } else if (name == "type") {
    out_.type = attribute.value;
    out_.has_type = true;
  } else if (name == "from") {
    out_.from = attribute.value;
    out_.has_from = true;
    out_.from_begin = offset(space);
    out_.from_end = offset(at_);
  }
}

/// One attribute; `space` is where the white space before it begins.
StreamError Scan::attribute(const char* space) noexcept {
  Attribute attribute;
  const char* after = codec::read_name(at_, end_, attribute.name);
  if (after == nullptr) return StreamError::not_well_formed;
  at_ = after;
  StreamError error = codec::read_value(at_, end_, attribute);
  if (error != StreamError::none) return error;
  if (attribute_count_ == max_attributes_) return StreamError::policy_violation;
  const std::string_view name = attribute.name.whole();
  for (std::size_t index = 0; index < attribute_count_; ++index) {
    if (names_[index].whole() == name) return StreamError::not_well_formed;
  }
  names_[attribute_count_++] = attribute.name;
  if (codec::declares_namespace(attribute.name)) return declare(attribute);
  if (attribute.name.prefix_size != 0) prefixed_attributes_ = true;
  if (depth_ == 0) note_root_attribute(attribute, space);
  return StreamError::none;
}

/// The attributes of a start tag, up to its `>` or `/`.
StreamError Scan::attributes() noexcept {
  attribute_count_ = 0;
  prefixed_attributes_ = false;
  has_default_ = false;
  while (*at_ != '>' && *at_ != '/') {
    const char* space = at_;
    at_ = codec::skip_space(at_);
    if (*at_ == '>' || *at_ == '/') break;
    if (at_ == space) return StreamError::not_well_formed;
    const StreamError error = attribute(space);
    if (error != StreamError::none) return error;
  }
  return prefixed_attributes_ ? resolve_attributes() : StreamError::none;
}

/// Every prefix must be declared, and no two attributes may have one expanded name.
StreamError Scan::resolve_attributes() noexcept {
  for (std::size_t index = 0; index < attribute_count_; ++index) {
    const Name& name = names_[index];
    if (name.prefix_size == 0 || codec::declares_namespace(name)) continue;
    const std::string_view* xmlns = resolve(name.prefix());
    if (xmlns == nullptr) return StreamError::not_well_formed;
    for (std::size_t other = 0; other < index; ++other) {
      const Name& earlier = names_[other];
      if (earlier.prefix_size == 0 || codec::declares_namespace(earlier)) continue;
      if (earlier.local() != name.local()) continue;
      if (codec::same_value(*resolve(earlier.prefix()), *xmlns)) {
        return StreamError::not_well_formed;
      }
    }
  }
  return StreamError::none;
}

/// Notes the stanza's own name, or a direct child's.
StreamError Scan::note_element(const Name& name) noexcept {
  std::string_view xmlns;
  if (name.prefix_size != 0) {
    const std::string_view* found = resolve(name.prefix());
    if (found == nullptr) return StreamError::not_well_formed;
    xmlns = *found;
  } else if (has_default_) {
    xmlns = default_xmlns_;
  } else {
    xmlns = root_default_;
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
  } else if (depth_ == 1) {
    child_noted_ = out_.child_count < StanzaView::max_children;
    if (!child_noted_) {
      out_.more_children = true;
    } else {
      out_.children[out_.child_count++] = {name.local(), xmlns, offset(tag_begin_), 0};
    }
  }
  return StreamError::none;
}

/// Behind an element's end: `at_` is the byte after its last.
inline void Scan::close_element() noexcept {
  if (depth_ == 1 && child_noted_) out_.children[out_.child_count - 1].end = offset(at_);
}

/// A start tag; `at_` is behind its `<`.
StreamError Scan::start_tag() noexcept {
  tag_begin_ = at_ - 1;
  if (depth_ == max_depth_) return StreamError::policy_violation;
  OpenElement& element = open_[depth_];
  element.bindings = static_cast<std::uint32_t>(binding_count_);
  at_ = codec::read_name(at_, end_, element.name);
  if (at_ == nullptr) return StreamError::not_well_formed;
  StreamError error = attributes();
  if (error != StreamError::none) return error;
  if (depth_ <= 1) {
    error = note_element(element.name);
    if (error != StreamError::none) return error;
  } else if (element.name.prefix_size != 0 && resolve(element.name.prefix()) == nullptr) {
    return StreamError::not_well_formed;
  }
  const bool self_closing = *at_ == '/';
  if (self_closing && *++at_ != '>') return StreamError::not_well_formed;
  ++at_;
  if (depth_ == 0) {
    out_.content_begin = out_.content_end = offset(at_);
    out_.self_closing = self_closing;
  }
  if (self_closing) {
    binding_count_ = element.bindings;
    close_element();
  } else {
    ++depth_;
  }
  return StreamError::none;
}

/// An end tag; `at_` is behind its `</`.
StreamError Scan::end_tag() noexcept {
  const OpenElement& element = open_[depth_ - 1];
  const std::size_t left = static_cast<std::size_t>(end_ - at_);
  const std::size_t size = element.name.size;
  if (left <= size || std::memcmp(at_, element.name.begin, size) != 0) {
    return StreamError::not_well_formed;
  }
  const char* const tag_begin = at_ - 2;
  at_ = codec::skip_space(at_ + size);
  if (*at_ != '>') return StreamError::not_well_formed;
  ++at_;
  binding_count_ = element.bindings;
  --depth_;
  if (depth_ == 0) out_.content_end = offset(tag_begin);
  close_element();
  return StreamError::none;
}

/// A CDATA section; `at_` is behind its `<!`.
StreamError Scan::cdata() noexcept {
  const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
  if (!rest.starts_with("[CDATA[")) return StreamError::restricted_xml;
  at_ += 7;
  while (true) {
    at_ = skip_run<RunEnd::control_or_high, ']'>(at_, end_);
    if (at_ == end_) return StreamError::not_well_formed;
    if (*at_ != ']') {
      const StreamError error = codec::check_character(at_, end_);
      if (error != StreamError::none) return error;
    } else if (end_ - at_ >= 3 && at_[1] == ']' && at_[2] == '>') {
      at_ += 3;
      return StreamError::none;
    } else {
      ++at_;
    }
  }
}

/// Character data up to the next `<`, where `at_` is left.
inline StreamError Scan::text() noexcept {
  while (true) {
    at_ = skip_run<RunEnd::control_or_high, '<', '&', ']'>(at_, end_);
    if (at_ == end_) return StreamError::not_well_formed;
    if (*at_ == '<') return StreamError::none;
    if (*at_ == '&') {
      std::uint32_t code = 0;
      const std::size_t length = codec::decode_reference(at_, end_, code);
      if (length == 0) return StreamError::not_well_formed;
      at_ += length;
    } else if (*at_ == ']') {
      if (end_ - at_ >= 3 && at_[1] == ']' && at_[2] == '>') return StreamError::not_well_formed;
      ++at_;
    } else {
      const StreamError error = codec::check_character(at_, end_);
      if (error != StreamError::none) return error;
    }
  }
}

/// Everything behind the stanza's own start tag, up to its end tag.
StreamError Scan::content() noexcept {
  while (depth_ > 0) {
    StreamError error = text();
    if (error != StreamError::none) return error;
    ++at_;
    switch (*at_) {
      case '/':
        ++at_;
        error = end_tag();
        break;
      case '!':
        ++at_;
        error = cdata();
        break;
      case '?': return StreamError::restricted_xml;
      default: error = start_tag();
    }
    if (error != StreamError::none) return error;
  }
  return StreamError::none;
}

StreamError Scan::run() noexcept {
  // The last byte stops every loop over names and white space (xml_tag.h).
  if (end_ - at_ < 4 || end_[-1] != '>' || *at_ != '<') return StreamError::not_well_formed;
  ++at_;
  if (*at_ == '!' || *at_ == '?') return StreamError::restricted_xml;
  StreamError error = start_tag();
  if (error == StreamError::none) error = content();
  if (error == StreamError::none && at_ != end_) error = StreamError::not_well_formed;
  return error;
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
