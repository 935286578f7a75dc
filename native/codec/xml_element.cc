// The tree reader on one expat parser, which has seen a stream header and then sees one stanza
// after another, as if they all came on one stream.
#include "codec/xml_element.h"

#include <expat.h>

#include <algorithm>

#include "codec/xml_tag.h"

namespace rookery {
namespace {

// Separates a namespace from a local name in what expat reports. No name contains it.
constexpr XML_Char separator = '\n';

// Expat remembers every element and attribute name that it has ever seen, so a parser that lives
// for ever would grow with its peers' imagination. After so many bytes it starts afresh.
constexpr std::size_t renew_after_bytes = 256 * 1024;

constexpr std::string_view header =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

}  // namespace

const XmlElement* XmlElement::child(std::string_view child_name,
                                    std::string_view child_xmlns) const {
  const auto found = std::find_if(children.begin(), children.end(), [&](const XmlElement& each) {
    return (child_name.empty() || each.name == child_name) &&
           (child_xmlns.empty() || each.xmlns == child_xmlns);
  });
  return found == children.end() ? nullptr : &*found;
}

std::string_view XmlElement::attribute(std::string_view attribute_name) const {
  for (const auto& [key, value] : attributes) {
    if (key == attribute_name) return value;
  }
  return {};
}

struct XmlReader::Parser {
  XML_Parser expat = nullptr;
  std::size_t bytes_seen = 0;

  // Of the read under way.
  XmlElement* root = nullptr;
  std::vector<XmlElement*> open;
  std::size_t elements = 0;
  std::size_t max_elements = 0;
  bool header_seen = false;
  bool root_seen = false;
  bool failed = false;
  bool probing = false;  ///< The one white space behind the element is being fed.
  bool probed = false;   ///< It was reported as text of the stream.

  Parser() = default;
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() {
    if (expat != nullptr) XML_ParserFree(expat);
  }

  bool open_stream();
  void discard();
  void stop() {
    failed = true;
    XML_StopParser(expat, XML_FALSE);
  }
  /// Whether expat has taken everything so far: an unfinished comment or tag would swallow what
  /// comes next, and with it the beginning of the next read.
  bool has_no_remainder() {
    probing = true;
    probed = false;
    const bool fed = feed(" ");
    probing = false;
    return fed && probed;
  }
  bool feed(std::string_view text) {
    bytes_seen += text.size();
    return XML_Parse(expat, text.data(), static_cast<int>(text.size()), XML_FALSE) == XML_STATUS_OK;
  }

  static void XMLCALL on_start(void* data, const XML_Char* name, const XML_Char** attributes);
  static void XMLCALL on_end(void* data, const XML_Char* name);
  static void XMLCALL on_text(void* data, const XML_Char* text, int length);
  static void XMLCALL on_cdata(void* data);
};

namespace {

void split_name(std::string_view reported, std::string& xmlns, std::string& name) {
  const std::size_t at = reported.find(separator);
  if (at == reported.npos) {
    name = reported;
    return;
  }
  xmlns = reported.substr(0, at);
  name = reported.substr(at + 1);
}

}  // namespace

void XMLCALL XmlReader::Parser::on_start(void* data, const XML_Char* name,
                                         const XML_Char** attributes) {
  auto& self = *static_cast<Parser*>(data);
  if (!self.header_seen) {
    self.header_seen = true;
    return;
  }
  // A second first-level element is not what the caller has called one complete element.
  if (self.open.empty() && self.root_seen) return self.stop();
  if (++self.elements > self.max_elements) return self.stop();
  XmlElement* element = self.root;
  if (!self.open.empty()) element = &self.open.back()->children.emplace_back();
  self.root_seen = true;
  split_name(name, element->xmlns, element->name);
  for (; *attributes != nullptr; attributes += 2) {
    std::string xmlns;
    std::string key;
    split_name(attributes[0], xmlns, key);
    if (xmlns == codec::xml_namespace) {
      key.insert(0, "xml:");
    } else if (!xmlns.empty()) {
      key.insert(0, "{" + xmlns + "}");
    }
    element->attributes.emplace_back(std::move(key), attributes[1]);
  }
  self.open.push_back(element);
}

void XMLCALL XmlReader::Parser::on_end(void* data, const XML_Char*) {
  auto& self = *static_cast<Parser*>(data);
  // The stream's own end must not come from within a stanza.
  if (self.open.empty()) return self.stop();
  self.open.pop_back();
}

void XMLCALL XmlReader::Parser::on_text(void* data, const XML_Char* text, int length) {
  auto& self = *static_cast<Parser*>(data);
  if (self.probing) {
    self.probed = self.open.empty();
    return;
  }
  if (self.open.empty()) return self.stop();
  self.open.back()->text.append(text, static_cast<std::size_t>(length));
}

void XMLCALL XmlReader::Parser::on_cdata(void* data) {
  // Left open behind the element, it would swallow the next one.
  auto& self = *static_cast<Parser*>(data);
  if (self.open.empty()) self.stop();
}

bool XmlReader::Parser::open_stream() {
  header_seen = false;
  bytes_seen = 0;
  if (expat == nullptr) {
    expat = XML_ParserCreateNS("UTF-8", separator);
  } else {
    XML_ParserReset(expat, "UTF-8");
  }
  if (expat == nullptr) return false;
  XML_SetUserData(expat, this);
  XML_SetElementHandler(expat, on_start, on_end);
  XML_SetCharacterDataHandler(expat, on_text);
  XML_SetStartCdataSectionHandler(expat, on_cdata);
  return feed(header);
}

void XmlReader::Parser::discard() {
  if (expat != nullptr) XML_ParserFree(expat);
  expat = nullptr;
}

XmlReader::XmlReader() : parser_(std::make_unique<Parser>()) {}
XmlReader::~XmlReader() = default;

bool XmlReader::read(std::string_view text, std::size_t max_elements, XmlElement& out) {
  Parser& parser = *parser_;
  out = {};
  parser.root = &out;
  parser.open.clear();
  parser.elements = 0;
  parser.max_elements = max_elements;
  parser.root_seen = parser.failed = false;
  const bool stale = parser.expat == nullptr || parser.bytes_seen > renew_after_bytes;
  if (stale && !parser.open_stream()) {
    parser.discard();
    return false;
  }
  const bool whole = parser.feed(text) && !parser.failed && parser.root_seen &&
                     parser.open.empty() && parser.has_no_remainder();
  parser.root = nullptr;
  if (!whole) parser.discard();
  return whole;
}

}  // namespace rookery
