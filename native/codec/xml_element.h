// A small tree of an element whose content the server itself needs (a bind request, a SASL
// payload), parsed by the shard's one namespace-aware expat parser.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rookery {

struct XmlElement {
  std::string name;
  std::string xmlns;
  /// Names as written; those with a namespace of their own as `{namespace}name`, save `xml:…`.
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string text;  ///< All direct character data, joined.
  std::vector<XmlElement> children;

  [[nodiscard]] const XmlElement* child(std::string_view child_name,
                                        std::string_view child_xmlns) const;
  [[nodiscard]] std::string_view attribute(std::string_view attribute_name) const;
};

/// One per shard. Recreates its expat parser after an error; entity declarations never reach it
/// (the splitter refuses them) and it has none of its own.
class XmlReader {
 public:
  XmlReader();
  ~XmlReader();
  XmlReader(const XmlReader&) = delete;
  XmlReader& operator=(const XmlReader&) = delete;

  /// Parses one complete element as it would stand inside a `jabber:client` stream. False when it
  /// is not well-formed or has more than `max_elements` elements.
  bool read(std::string_view text, std::size_t max_elements, XmlElement& out);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace rookery
