// The encoder walks the text from event to event as the scan does (event_bits.h). What is only
// known later, the kind of an element's content and the number of its nodes, is written into the
// places that were kept for it; the rare content that turns out to be mixed is moved apart.
#include "codec/compact_encoder.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "codec/byte_writer.h"
#include "codec/compact_dictionary.h"
#include "codec/compact_value.h"
#include "codec/event_bits.h"
#include "codec/xml_tag.h"

namespace rookery {
namespace {

using codec::ByteWriter;
using codec::Name;

// As many as scan_stanza can accept.
constexpr std::size_t depth_capacity = 256;
constexpr std::size_t attribute_capacity = 64;
constexpr std::size_t binding_capacity = 64;

constexpr std::uint32_t counted_attributes = 63;  ///< From here on their number stands apart.

/// What an element contains, in the two bits of its head.
enum Kind : std::uint8_t { kind_empty = 0, kind_text = 1, kind_elements = 2, kind_mixed = 3 };

/// A namespace. Those of the dictionary are compared by their index.
struct Space {
  const char* begin;
  std::uint32_t size;
  std::uint16_t word;  ///< 0: not in the dictionary.

  [[nodiscard]] std::string_view view() const { return {begin, size}; }
};

/// The key of a name's local part.
codec::NameKey local_key(const Name& name) {
  return name.prefix_size == 0 ? name.key : codec::text_key(name.local());
}

bool operator==(const Space& left, const Space& right) {
  if (left.word != right.word) return false;
  return left.word != 0 || left.view() == right.view();
}

constexpr Space space_of(std::string_view xmlns, std::uint16_t word) {
  return {xmlns.data(), static_cast<std::uint32_t>(xmlns.size()), word};
}

// Namespaces that need no declaration.
constexpr Space client_space =
    space_of(codec::client_namespace, codec::word_index(codec::client_namespace));
constexpr Space stream_space =
    space_of(codec::stream_namespace, codec::word_index(codec::stream_namespace));
constexpr Space xml_space = space_of(codec::xml_namespace, codec::word_index(codec::xml_namespace));
constexpr Space no_space{nullptr, 0, 0};

/// A prefix in scope.
struct Binding {
  const char* prefix;
  std::uint32_t size;
  Space space;
};

// These are without initial values, as arrays of them stand on the stack.

struct RawAttribute {
  Name name;
  const char* begin;  ///< Of the value as it is written.
  std::uint32_t size;
  bool plain;  ///< It has no references and no control characters.

  [[nodiscard]] std::string_view value() const { return {begin, size}; }
};

struct OpenElement {
  Name name;
  const Space* space;  ///< Its own namespace.
  const Space* scope;  ///< The default namespace within it.
  Space declared;      ///< The one that it declares, if it does.
  std::uint32_t head;  ///< Where its head and its content begin in what was written.
  std::uint32_t content;
  std::uint32_t nodes;
  std::uint32_t starts;  ///< How many there were before its children.
  std::uint32_t bindings;
  Kind kind;
};

/// What a thread keeps from call to call, so that it takes no memory each time.
struct Scratch {
  std::string texts;                  ///< Values whose spelling in XML is not their text.
  std::vector<std::uint32_t> starts;  ///< Where the children of open elements begin.
};

Scratch& scratch() {
  thread_local Scratch kept;
  return kept;
}

/// Where the encoder stands. Only functions that are inlined take the one of the whole text, so
/// that it stays in registers.
struct Walk {
  Walk(const char* begin, const char* end)
      : events(begin, begin, end), at(begin), event(events.next()) {}
  void step() noexcept { event = events.next(); }
  void sync() noexcept {
    while (event < at) step();
  }

  codec::EventBits<codec::EventSet::content> events;
  const char* at;     ///< The next byte to look at.
  const char* event;  ///< The first event that is not before it.
};

class Encoder {
 public:
  Encoder(std::string_view text, std::string_view own_domain, ByteWriter& out)
      : begin_(text.data()),
        end_(text.data() + text.size()),
        own_domain_(own_domain),
        out_(out),
        scratch_(scratch()) {
    scratch_.texts.clear();
    scratch_.starts.clear();
  }

  bool run();

 private:
  bool start_tag(Walk& walk);
  bool read_attributes(Walk& walk);
  bool read_attribute(Walk& walk);
  bool read_quoted(Walk& walk, RawAttribute& attribute);
  bool end_tag(Walk& walk);
  bool text(Walk& walk);
  const char* rich_text(const char* begin);
  bool cdata(Walk& walk);

  bool declare(const RawAttribute& attribute);
  bool resolve(const Name& name, const Space*& space);
  bool put_name(const OpenElement& element, const Space& outside);
  bool put_attributes();
  bool put_attribute(const RawAttribute& attribute);
  bool put_value(std::string_view value) { return codec::put_value(out_, value, own_domain_); }
  bool put_text(std::string_view value);

  bool begin_child(OpenElement& parent);
  bool mix_elements(OpenElement& parent);
  bool end_content(const OpenElement& element);

  bool plain_value(const RawAttribute& attribute, std::string_view& value);
  bool append_plain(std::string_view raw, bool references, bool attribute);

  const char* const begin_;
  const char* const end_;
  const std::string_view own_domain_;
  ByteWriter& out_;
  Scratch& scratch_;

  std::size_t depth_ = 0;
  std::uint32_t bindings_ = 0;
  std::size_t attribute_count_ = 0;  ///< Of the tag being read, without declarations.
  OpenElement* element_ = nullptr;   ///< The element whose tag it is.
  std::array<RawAttribute, attribute_capacity> attributes_;
  std::array<Binding, binding_capacity> binding_list_;
  std::array<OpenElement, depth_capacity> open_;
};

/// ` = "value"` behind an attribute's name.
[[gnu::always_inline]] inline bool Encoder::read_quoted(Walk& walk, RawAttribute& attribute) {
  if (*walk.at != '=') walk.at = codec::skip_space(walk.at);
  if (*walk.at != '=') return false;
  walk.at = codec::skip_space(walk.at + 1);
  const char quote = *walk.at;
  if (quote != '"' && quote != '\'') return false;
  walk.sync();
  attribute.begin = walk.at + 1;
  attribute.plain = true;
  while (true) {
    walk.step();
    if (walk.event == end_) return false;
    const char stop = *walk.event;
    if (stop == quote) break;
    if (stop == '&' || static_cast<unsigned char>(stop) < 0x20) attribute.plain = false;
  }
  attribute.size = static_cast<std::uint32_t>(walk.event - attribute.begin);
  walk.at = walk.event + 1;
  walk.step();
  return true;
}

[[gnu::always_inline]] inline bool Encoder::read_attribute(Walk& walk) {
  if (attribute_count_ == attribute_capacity) return false;
  RawAttribute& attribute = attributes_[attribute_count_];
  walk.at = codec::read_name(walk.at, end_, attribute.name);
  if (walk.at == nullptr || !read_quoted(walk, attribute)) return false;
  if (codec::declares_namespace(attribute.name)) return declare(attribute);
  ++attribute_count_;
  return true;
}

/// The attributes of a start tag, up to its `>` or `/`.
[[gnu::always_inline]] inline bool Encoder::read_attributes(Walk& walk) {
  attribute_count_ = 0;
  while (*walk.at != '>' && *walk.at != '/') {
    const char* const space = walk.at;
    walk.at = codec::skip_space(walk.at);
    if (*walk.at == '>' || *walk.at == '/') break;
    if (walk.at == space || !read_attribute(walk)) return false;
  }
  return true;
}

bool Encoder::declare(const RawAttribute& attribute) {
  std::string_view value;
  if (!plain_value(attribute, value)) return false;
  const Space space = space_of(value, codec::find_word(value));
  if (attribute.name.prefix_size == 0) {
    element_->declared = space;
    element_->scope = &element_->declared;
    return true;
  }
  if (bindings_ == binding_capacity) return false;
  const std::string_view prefix = attribute.name.local();
  binding_list_[bindings_++] = {prefix.data(), static_cast<std::uint32_t>(prefix.size()), space};
  return true;
}

/// The namespace that a name's prefix stands for. `xml` and `stream` need no declaration.
bool Encoder::resolve(const Name& name, const Space*& space) {
  const std::string_view prefix = name.prefix();
  for (std::size_t index = bindings_; index-- > 0;) {
    const Binding& binding = binding_list_[index];
    if (std::string_view(binding.prefix, binding.size) != prefix) continue;
    space = &binding.space;
    return true;
  }
  space = prefix == "xml" ? &xml_space : &stream_space;
  return prefix == "xml" || prefix == "stream";
}

/// The text of a value. One that is written in another way is kept in `texts`, whose room suffices
/// for all of an element's values, since no text is longer than its spelling.
bool Encoder::plain_value(const RawAttribute& attribute, std::string_view& value) {
  value = attribute.value();
  if (attribute.plain) return true;
  const std::size_t before = scratch_.texts.size();
  if (!append_plain(value, true, true)) return false;
  value = std::string_view(scratch_.texts).substr(before);
  return true;
}

/// Appends what a parser reports for this piece of text or of an attribute's value.
bool Encoder::append_plain(std::string_view raw, bool references, bool attribute) {
  std::string& texts = scratch_.texts;
  texts.reserve(static_cast<std::size_t>(end_ - begin_));
  const char* at = raw.data();
  const char* const end = at + raw.size();
  while (at != end) {
    const char* const stop = codec::skip_run<codec::RunEnd::control, '&'>(at, end);
    texts.append(at, stop);
    if (stop == end) break;
    at = stop + 1;
    if (*stop == '&' && references) {
      std::uint32_t code = 0;
      const std::size_t size = codec::decode_reference(stop, end, code);
      if (size == 0) return false;
      codec::append_utf8(texts, code);
      at = stop + size;
    } else if (!attribute && *stop != '\r') {
      texts.push_back(*stop);
    } else {
      // A line end of two bytes is one character; in an attribute it is a space.
      if (*stop == '\r' && at != end && *at == '\n') ++at;
      texts.push_back(attribute ? ' ' : '\n');
    }
  }
  return true;
}

/// `outside` is the namespace of its parent.
bool Encoder::put_name(const OpenElement& element, const Space& outside) {
  const Space& space = *element.space;
  const std::string_view local = element.name.local();
  const std::size_t index =
      space.word == 0 ? 0 : codec::find_name(space.word, local, local_key(element.name));
  if (index != 0) {
    if (index < codec::short_names) return out_.put(static_cast<char>(index));
    const std::size_t place = index - codec::short_names;
    return out_.put(static_cast<char>(codec::short_names + (place >> 8))) &&
           out_.put(static_cast<char>(place));
  }
  if (space == outside) return out_.put('\0') && put_value(local);
  return out_.put('\1') && put_value(space.view()) && put_value(local);
}

inline bool Encoder::put_attribute(const RawAttribute& attribute) {
  const std::string_view local = attribute.name.local();
  const Space* space = &no_space;
  if (attribute.name.prefix_size != 0 && !resolve(attribute.name, space)) return false;
  const bool may_be_known = space->word != 0 || space == &no_space;
  const std::uint16_t index =
      may_be_known ? codec::find_attribute(space->word, local, local_key(attribute.name)) : 0;
  bool done = true;
  if (index != 0) {
    done = out_.put(static_cast<char>(index));
  } else if (space == &no_space) {
    done = out_.put('\0') && put_value(local);
  } else {
    done = out_.put('\1') && put_value(space->view()) && put_value(local);
  }
  if (!done) return false;
  if (attribute.plain) return put_value(attribute.value());
  const std::size_t before = scratch_.texts.size();
  std::string_view value;
  done = plain_value(attribute, value) && put_value(value);
  scratch_.texts.resize(before);
  return done;
}

bool Encoder::put_attributes() {
  const auto count = static_cast<std::uint32_t>(attribute_count_);
  const bool counted = count >= counted_attributes;
  if (!out_.put(static_cast<char>((counted ? counted_attributes : count) << 2))) return false;
  if (counted && !codec::put_varint(out_, count)) return false;
  for (std::size_t index = 0; index < count; ++index) {
    if (!put_attribute(attributes_[index])) return false;
  }
  return true;
}

/// Before a child element is written.
bool Encoder::begin_child(OpenElement& parent) {
  ++parent.nodes;
  switch (parent.kind) {
    case kind_empty:
      parent.kind = kind_elements;
      if (!out_.put('\0')) return false;  // Their number.
      break;
    case kind_elements: break;
    case kind_text:
      // The number of nodes, and that the first is a text.
      if (!out_.open_gap(parent.content, 2)) return false;
      out_.data()[parent.content] = out_.data()[parent.content + 1] = '\0';
      parent.kind = kind_mixed;
      [[fallthrough]];
    case kind_mixed: return out_.put('\1');
  }
  scratch_.starts.push_back(static_cast<std::uint32_t>(out_.size()));
  return true;
}

/// Puts before each of the elements that were written so far that it is one.
bool Encoder::mix_elements(OpenElement& parent) {
  std::vector<std::uint32_t>& starts = scratch_.starts;
  std::size_t end = out_.size();
  if (!out_.open_gap(end, parent.nodes)) return false;
  char* const data = out_.data();
  for (std::size_t left = parent.nodes; left > 0; --left) {
    const std::size_t start = starts[parent.starts + left - 1];
    std::memmove(data + start + left, data + start, end - start);
    data[start + left - 1] = '\1';
    end = start;
  }
  parent.kind = kind_mixed;
  return true;
}

bool Encoder::put_text(std::string_view value) {
  OpenElement& parent = open_[depth_ - 1];
  ++parent.nodes;
  if (parent.kind == kind_empty) {
    parent.kind = kind_text;
    return put_value(value);
  }
  if (parent.kind == kind_elements) {
    --parent.nodes;
    if (!mix_elements(parent)) return false;
    ++parent.nodes;
  }
  return out_.put('\0') && put_value(value);
}

/// Writes what is known of an element's content now that it has ended.
bool Encoder::end_content(const OpenElement& element) {
  out_.data()[element.head] |= static_cast<char>(element.kind);
  if (element.kind < kind_elements) return true;
  scratch_.starts.resize(element.starts);
  const std::size_t further = codec::varint_size(element.nodes) - 1;
  if (further != 0 && !out_.open_gap(element.content, further)) return false;
  codec::write_varint(out_.data() + element.content, element.nodes);
  return true;
}

/// A start tag; the walk is behind its `<`.
[[gnu::always_inline]] inline bool Encoder::start_tag(Walk& walk) {
  if (depth_ == depth_capacity) return false;
  OpenElement& element = open_[depth_];
  OpenElement* const parent = depth_ == 0 ? nullptr : &open_[depth_ - 1];
  element.bindings = bindings_;
  walk.at = codec::read_name(walk.at, end_, element.name);
  if (walk.at == nullptr) return false;
  element.scope = parent != nullptr ? parent->scope : &client_space;
  element_ = &element;
  if (!read_attributes(walk)) return false;
  element.space = element.scope;
  if (element.name.prefix_size != 0 && !resolve(element.name, element.space)) return false;
  if (parent != nullptr && !begin_child(*parent)) return false;
  if (!put_name(element, parent != nullptr ? *parent->space : client_space)) return false;
  element.head = static_cast<std::uint32_t>(out_.size());
  if (!put_attributes()) return false;
  const bool self_closing = *walk.at == '/';
  if (self_closing && *++walk.at != '>') return false;
  walk.sync();
  ++walk.at;
  walk.step();
  if (self_closing) {
    bindings_ = element.bindings;
    return true;
  }
  element.content = static_cast<std::uint32_t>(out_.size());
  element.starts = static_cast<std::uint32_t>(scratch_.starts.size());
  element.nodes = 0;
  element.kind = kind_empty;
  ++depth_;
  return true;
}

/// An end tag; the walk is behind its `</`.
[[gnu::always_inline]] inline bool Encoder::end_tag(Walk& walk) {
  const OpenElement& element = open_[depth_ - 1];
  const std::size_t size = element.name.size;
  if (static_cast<std::size_t>(end_ - walk.at) <= size ||
      codec::read_key(walk.at, size, end_) != element.name.key ||
      (size > 8 && std::memcmp(walk.at, element.name.begin, size) != 0)) {
    return false;
  }
  walk.at = codec::skip_space(walk.at + size);
  if (*walk.at != '>') return false;
  walk.sync();
  ++walk.at;
  walk.step();
  bindings_ = element.bindings;
  --depth_;
  return end_content(element);
}

/// A CDATA section; the walk is at its `!`, and goes behind it.
bool Encoder::cdata(Walk& walk) {
  constexpr std::string_view opening = "![CDATA[";
  const std::string_view rest(walk.at, static_cast<std::size_t>(end_ - walk.at));
  if (!rest.starts_with(opening)) return false;
  walk.at += opening.size();
  walk.sync();
  while (walk.event != end_) {
    if (end_ - walk.event >= 3 && std::memcmp(walk.event, "]]>", 3) == 0) {
      const auto size = static_cast<std::size_t>(walk.event - walk.at);
      if (!append_plain({walk.at, size}, false, false)) return false;
      walk.at = walk.event + 3;
      walk.sync();
      return true;
    }
    walk.step();
  }
  return false;
}

/// Text that has references, line ends to be normalised, or CDATA sections in it, from `begin` on.
/// The place behind the `<` of the tag that ends it, or null.
const char* Encoder::rich_text(const char* begin) {
  const std::size_t before = scratch_.texts.size();
  Walk walk(begin, end_);
  while (true) {
    while (walk.event != end_ && *walk.event != '<') walk.step();
    if (walk.event == end_) return nullptr;
    const auto size = static_cast<std::size_t>(walk.event - walk.at);
    if (!append_plain({walk.at, size}, true, false)) return nullptr;
    walk.at = walk.event + 1;
    walk.step();
    if (*walk.at != '!') break;
    if (!cdata(walk)) return nullptr;
  }
  const std::string_view value = std::string_view(scratch_.texts).substr(before);
  const bool done = value.empty() || put_text(value);
  scratch_.texts.resize(before);
  return done ? walk.at : nullptr;
}

/// Character data up to a tag; leaves the walk behind that tag's `<`.
[[gnu::always_inline]] inline bool Encoder::text(Walk& walk) {
  const char* const begin = walk.at;
  bool plain = true;
  while (walk.event != end_ && *walk.event != '<') {
    if (*walk.event == '&' || *walk.event == '\r') plain = false;
    walk.step();
  }
  if (walk.event == end_) return false;
  if (!plain || walk.event[1] == '!') {
    walk.at = rich_text(begin);
    if (walk.at == nullptr) return false;
    walk.sync();
    return true;
  }
  walk.at = walk.event + 1;
  if (walk.event != begin && !put_text({begin, static_cast<std::size_t>(walk.event - begin)})) {
    return false;
  }
  walk.step();
  return true;
}

bool Encoder::run() {
  // The last byte stops every loop over names and white space (xml_tag.h).
  if (end_ - begin_ < 4 || end_[-1] != '>' || *begin_ != '<') return false;
  Walk walk(begin_, end_);
  ++walk.at;
  walk.step();
  do {
    if (!start_tag(walk)) return false;
    while (depth_ > 0) {
      if (!text(walk)) return false;
      if (*walk.at != '/') break;
      ++walk.at;
      if (!end_tag(walk)) return false;
    }
  } while (depth_ > 0);
  return walk.at == end_;
}

// So that offsets fit into 32 bits.
constexpr std::size_t most_bytes = 0x7FFFFFFF;

}  // namespace

bool append_element(std::string& out, std::string_view element_xml, std::string_view own_domain,
                    std::size_t max_bytes) {
  if (element_xml.size() > most_bytes) return false;
  ByteWriter writer(out, element_xml.size() + 16, std::min(max_bytes, most_bytes));
  const bool done = Encoder(element_xml, own_domain, writer).run();
  writer.finish(done);
  return done;
}

bool append_packet(std::string& out, std::string_view element_xml, std::string_view own_domain,
                   std::size_t max_bytes) {
  if (element_xml.size() > most_bytes) return false;
  const std::size_t most = std::min(max_bytes, most_bytes);
  // One byte for the length, which is enough for most; others are moved.
  ByteWriter writer(out, element_xml.size() + 16, most + codec::max_varint_bytes);
  bool done = writer.put('\0') && Encoder(element_xml, own_domain, writer).run();
  const std::size_t size = done ? writer.size() - 1 : 0;
  const auto length = static_cast<std::uint32_t>(size);
  done = done && size <= most && writer.open_gap(0, codec::varint_size(length) - 1);
  if (done) codec::write_varint(writer.data(), length);
  writer.finish(done);
  return done;
}

}  // namespace rookery
