// The decoder keeps a fixed-size record of the open elements on the stack and writes XML as it
// reads. Names and namespaces of open elements are looked up again in what was written.
#include "codec/compact_decoder.h"

#include <algorithm>
#include <array>
#include <bitset>

#include "codec/byte_writer.h"
#include "codec/compact_dictionary.h"
#include "codec/compact_value.h"
#include "codec/xml_tag.h"

namespace rookery {
namespace {

using codec::PacketCursor;
using codec::ValuePlace;
using Error = CompactError;

// What scan_stanza's own records hold. The configured limits may be lower, never higher.
constexpr std::size_t depth_capacity = 256;
constexpr std::size_t attribute_capacity = 64;
constexpr std::size_t binding_capacity = 64;

/// A piece of the XML that was written.
struct Span {
  std::uint32_t at;
  std::uint32_t size;
};

/// A namespace as it stands between quotes: of the dictionary, or in what was written.
struct Space {
  const char* fixed;
  Span span;
};

constexpr Space fixed_space(std::string_view text) {
  return {text.data(), {0, static_cast<std::uint32_t>(text.size())}};
}

struct OpenElement {
  Space space;              ///< Its own namespace.
  Space scope;              ///< The default namespace within it; another when it has a prefix.
  Span name;                ///< With its prefix.
  std::uint32_t remaining;  ///< Nodes still to come.
  std::uint32_t bindings;   ///< Prefixes declared outside of it.
  bool mixed;
};

/// An attribute that is not in the dictionary.
struct LiteralName {
  Span xmlns;  ///< Of size 0: none.
  Span local;
};

constexpr std::uint16_t xml_word = codec::word_index(codec::xml_namespace);

std::uint16_t find_attribute(std::uint16_t xmlns, std::string_view local) {
  return codec::find_attribute(xmlns, local, codec::text_key(local));
}

bool is_ncname(std::string_view name) {
  const char* const end = name.data() + name.size();
  return !name.empty() && codec::has_class(name[0], codec::class_name_start | codec::class_high) &&
         codec::skip_wide_ncname(name.data(), name.data(), end) == end;
}

class Decoder {
 public:
  Decoder(std::string_view packet, std::string_view own_domain, const CompactLimits& limits,
          codec::ByteWriter& out)
      : in_{packet.data(), packet.data() + packet.size()},
        own_domain_(own_domain),
        max_depth_(std::min<std::size_t>(limits.max_depth, depth_capacity)),
        max_attributes_(std::min<std::size_t>(limits.max_attributes, attribute_capacity)),
        out_(out) {}

  Error run();

 private:
  Error element(const Space& parent, const Space& scope);
  Error element_name(const Space& parent);
  Error table_name(std::uint8_t first);
  Error literal_namespace(const Space& parent);
  Error begin_tag(std::string_view local);
  Error declare();
  Error attributes(std::uint32_t count);
  Error attribute();
  Error table_attribute(std::uint8_t key);
  Error literal_attribute();
  Error prefixed_attribute();
  Error local_name(Span& name);
  Error note_known(std::uint16_t index);
  Error note_literal(const LiteralName& name);
  Error content(std::uint8_t kind);
  Error text();
  Error next_node(OpenElement& parent);
  Error end_tag();

  Error value(ValuePlace place) { return codec::read_value(in_, own_domain_, place, out_); }
  Error put(std::string_view bytes) { return out_.put(bytes) ? Error::none : Error::too_large; }
  [[nodiscard]] std::uint32_t here() const { return static_cast<std::uint32_t>(out_.size()); }
  [[nodiscard]] Span since(std::uint32_t at) const { return {at, here() - at}; }
  [[nodiscard]] std::string_view view(Span span) const { return out_.view(span.at, span.size); }
  [[nodiscard]] std::string_view view(const Space& space) const {
    return space.fixed != nullptr ? std::string_view(space.fixed, space.span.size)
                                  : view(space.span);
  }

  PacketCursor in_;
  const std::string_view own_domain_;
  const std::size_t max_depth_;
  const std::size_t max_attributes_;
  codec::ByteWriter& out_;

  std::size_t depth_ = 0;
  std::uint32_t bindings_ = 0;  ///< Prefixes in scope.
  // Of the tag being read.
  Space space_{};
  Space scope_{};
  Span name_{};
  PacketCursor new_space_{};    ///< Where its namespace stands in the packet, if it has to be read.
  std::size_t attributes_ = 0;  ///< With declarations.
  std::size_t prefixes_ = 0;    ///< Declared by it.
  std::uint32_t nodes_ = 0;     ///< In its content.
  std::bitset<codec::attribute_count> known_;  ///< Attributes of the dictionary that it has.
  std::size_t literal_count_ = 0;
  std::array<LiteralName, attribute_capacity> literals_;
  std::array<OpenElement, depth_capacity> open_;
};

/// A name from the packet, written as it is.
Error Decoder::local_name(Span& name) {
  const std::uint32_t at = here();
  const Error error = value(ValuePlace::unchecked);
  name = since(at);
  return error == Error::none && !is_ncname(view(name)) ? Error::bad_name : error;
}

/// `<`, the name (empty: the next value in the packet), and the namespace if it has to be declared.
Error Decoder::begin_tag(std::string_view local) {
  std::string_view prefix;
  bool declared = false;
  if (new_space_.at == nullptr) {
    // Two namespaces are written with prefixes that need no declaration.
    const std::string_view xmlns = view(space_);
    if (xmlns == codec::xml_namespace) prefix = "xml:";
    if (depth_ == 0 && xmlns == codec::stream_namespace) prefix = "stream:";
    declared = !prefix.empty() || xmlns == view(scope_);
  }
  Error error = put("<");
  if (error != Error::none) return error;
  const std::uint32_t at = here();
  error = put(prefix);
  if (error != Error::none) return error;
  Span unused;
  error = local.empty() ? local_name(unused) : put(local);
  name_ = since(at);
  return declared || error != Error::none ? error : declare();
}

/// The default namespace of the tag being read.
Error Decoder::declare() {
  ++attributes_;
  Error error = put(" xmlns='");
  if (error != Error::none) return error;
  if (new_space_.at == nullptr) {
    error = put(view(space_));
  } else {
    const std::uint32_t at = here();
    error = codec::read_value(new_space_, own_domain_, ValuePlace::uri, out_);
    space_ = {nullptr, since(at)};
  }
  scope_ = space_;
  return error == Error::none ? put("'") : error;
}

Error Decoder::table_name(std::uint8_t first) {
  std::size_t index = first;
  if (first >= codec::short_names) {
    std::uint8_t low = 0;
    const Error error = in_.byte(low);
    if (error != Error::none) return error;
    index += (index - codec::short_names) * 255 + low;
  }
  if (index >= codec::name_count) return Error::bad_index;
  const codec::DictionaryName& name = codec::dictionary_names[index];
  space_ = fixed_space(codec::dictionary_words[name.xmlns]);
  return begin_tag(name.local);
}

/// A namespace from the packet. It is written to be looked at, and taken away again: where it has
/// to stand, it is read a second time.
Error Decoder::literal_namespace(const Space& parent) {
  const PacketCursor begin = in_;
  const std::uint32_t at = here();
  const Error error = value(ValuePlace::uri);
  if (error != Error::none) return error;
  const std::string_view xmlns = view(since(at));
  if (xmlns == codec::xmlns_namespace) return Error::bad_namespace;
  const std::uint16_t word = codec::find_word(xmlns);
  // What the dictionary knows has no characters that are escaped.
  if (word != 0 || xmlns.empty()) {
    space_ = fixed_space(codec::dictionary_words[word]);
  } else if (xmlns == view(parent)) {
    space_ = parent;
  } else {
    new_space_ = begin;
  }
  out_.cut(at);
  return Error::none;
}

Error Decoder::element_name(const Space& parent) {
  std::uint8_t first = 0;
  Error error = in_.byte(first);
  if (error != Error::none) return error;
  new_space_ = {};
  if (first >= codec::first_name) return table_name(first);
  space_ = parent;
  if (first == 1) error = literal_namespace(parent);
  return error == Error::none ? begin_tag({}) : error;
}

Error Decoder::note_known(std::uint16_t index) {
  if (known_[index]) return Error::duplicate_attribute;
  known_[index] = true;
  return Error::none;
}

/// The name as it is written may be in the dictionary all the same.
Error Decoder::note_literal(const LiteralName& name) {
  const std::uint16_t word = codec::find_word(view(name.xmlns));
  if (word != 0 || name.xmlns.size == 0) {
    const std::uint16_t index = find_attribute(word, view(name.local));
    if (index != 0) return note_known(index);
  }
  for (std::size_t index = 0; index < literal_count_; ++index) {
    const LiteralName& earlier = literals_[index];
    if (view(earlier.local) == view(name.local) && view(earlier.xmlns) == view(name.xmlns)) {
      return Error::duplicate_attribute;
    }
  }
  literals_[literal_count_++] = name;
  return Error::none;
}

Error Decoder::table_attribute(std::uint8_t key) {
  if (key >= codec::attribute_count) return Error::bad_index;
  const codec::DictionaryName& name = codec::dictionary_attributes[key];
  // Of those with a namespace, the dictionary has only xml:lang.
  static_assert(codec::attributes_are_plain_or_xml());
  Error error = put(name.xmlns == 0 ? " " : " xml:");
  if (error == Error::none) error = put(name.local);
  return error == Error::none ? note_known(key) : error;
}

Error Decoder::literal_attribute() {
  LiteralName name{};
  Error error = put(" ");
  if (error == Error::none) error = local_name(name.local);
  if (error != Error::none) return error;
  return view(name.local) == "xmlns" ? Error::bad_name : note_literal(name);
}

/// An attribute with a namespace, which is declared with a prefix of its own.
Error Decoder::prefixed_attribute() {
  const std::uint32_t begin = here();
  const char number[] = {static_cast<char>('0' + prefixes_ / 10),
                         static_cast<char>('0' + prefixes_ % 10)};
  const std::string_view digits(number + (prefixes_ < 10 ? 1 : 0), prefixes_ < 10 ? 1 : 2);
  Error error = put(" xmlns:n");
  if (error == Error::none) error = put(digits);
  if (error == Error::none) error = put("='");
  if (error != Error::none) return error;
  LiteralName name{};
  name.xmlns.at = here();
  error = value(ValuePlace::uri);
  if (error != Error::none) return error;
  name.xmlns = since(name.xmlns.at);
  if (name.xmlns.size == 0 || view(name.xmlns) == codec::xmlns_namespace) {
    return Error::bad_namespace;
  }
  if (view(name.xmlns) == codec::xml_namespace) {
    out_.cut(begin);
    error = put(" xml:");
    if (error == Error::none) error = local_name(name.local);
    if (error != Error::none) return error;
    const std::uint16_t index = find_attribute(xml_word, view(name.local));
    if (index != 0) return note_known(index);
    // The prefix stands for it, with the space before, which no namespace has.
    name.xmlns = {begin, 4};
    return note_literal(name);
  }
  if (bindings_ == binding_capacity) return Error::too_many_attributes;
  ++bindings_;
  ++prefixes_;
  if (++attributes_ > max_attributes_) return Error::too_many_attributes;
  error = put("' n");
  if (error == Error::none) error = put(digits);
  if (error == Error::none) error = put(":");
  if (error == Error::none) error = local_name(name.local);
  return error == Error::none ? note_literal(name) : error;
}

Error Decoder::attribute() {
  std::uint8_t key = 0;
  Error error = in_.byte(key);
  if (error != Error::none) return error;
  error = key >= codec::first_name ? table_attribute(key)
          : key == 1               ? prefixed_attribute()
                                   : literal_attribute();
  if (error == Error::none) error = put("='");
  if (error == Error::none) error = value(ValuePlace::attribute);
  return error == Error::none ? put("'") : error;
}

Error Decoder::attributes(std::uint32_t count) {
  if (attributes_ + count > max_attributes_) return Error::too_many_attributes;
  attributes_ += count;
  prefixes_ = 0;
  literal_count_ = 0;
  if (count != 0) known_.reset();
  for (; count > 0; --count) {
    const Error error = attribute();
    if (error != Error::none) return error;
  }
  return Error::none;
}

/// One value, not empty, as text.
Error Decoder::text() {
  const std::uint32_t at = here();
  const Error error = value(ValuePlace::text);
  return error == Error::none && here() == at ? Error::empty_content : error;
}

Error Decoder::end_tag() {
  const std::size_t bytes = std::size_t{name_.size} + 3;
  if (!out_.room(bytes)) return Error::too_large;
  out_.put_unchecked("</");
  out_.put_unchecked(view(name_));
  out_.put_unchecked('>');
  return Error::none;
}

/// What stands behind the attributes; opens the element when nodes follow.
Error Decoder::content(std::uint8_t kind) {
  if (kind == 0) return put("/>");
  Error error = put(">");
  if (error != Error::none) return error;
  if (kind == 1) {
    error = text();
    return error == Error::none ? end_tag() : error;
  }
  error = in_.varint(nodes_);
  if (error != Error::none) return error;
  return nodes_ == 0 ? Error::empty_content : Error::none;
}

Error Decoder::element(const Space& parent, const Space& scope) {
  if (depth_ == max_depth_) return Error::too_deep;
  scope_ = scope;
  attributes_ = 0;
  const std::uint32_t bindings = bindings_;
  Error error = element_name(parent);
  if (error != Error::none) return error;
  std::uint8_t head = 0;
  error = in_.byte(head);
  if (error != Error::none) return error;
  std::uint32_t count = head >> 2;
  if (count == 63) error = in_.varint(count);
  if (error == Error::none) error = attributes(count);
  if (error != Error::none) return error;
  const auto kind = static_cast<std::uint8_t>(head & 3);
  error = content(kind);
  if (error != Error::none) return error;
  if (kind < 2) {
    bindings_ = bindings;
  } else {
    open_[depth_++] = {space_, scope_, name_, nodes_, bindings, kind == 3};
  }
  return Error::none;
}

/// The next node of an open element.
Error Decoder::next_node(OpenElement& parent) {
  --parent.remaining;
  std::uint8_t node = 1;
  if (parent.mixed) {
    const Error error = in_.byte(node);
    if (error != Error::none) return error;
    if (node > 1) return Error::bad_form;
  }
  return node == 0 ? text() : element(parent.space, parent.scope);
}

Error Decoder::run() {
  constexpr Space client = fixed_space(codec::client_namespace);
  Error error = element(client, client);
  while (error == Error::none && depth_ > 0) {
    OpenElement& top = open_[depth_ - 1];
    if (top.remaining > 0) {
      error = next_node(top);
      continue;
    }
    name_ = top.name;
    bindings_ = top.bindings;
    --depth_;
    error = end_tag();
  }
  if (error != Error::none) return error;
  return in_.at == in_.end ? Error::none : Error::trailing_bytes;
}

}  // namespace

CompactError decode_element(std::string_view packet, std::string_view own_domain,
                            const CompactLimits& limits, std::string& xml) {
  // Words unfold to about three times their size, text stays as it is.
  const std::size_t unfolded = std::min<std::size_t>(2 * packet.size(), 2048) + 128;
  codec::ByteWriter out(xml, packet.size() + unfolded, limits.max_xml_bytes);
  const CompactError error = Decoder(packet, own_domain, limits, out).run();
  out.finish(error == CompactError::none);
  return error;
}

}  // namespace rookery
