// What an element is, whatever way it is spelled in XML: a text that is equal for two elements when
// they have the same expanded names, attributes and content. Read by expat, as a client would.
#pragma once

#include <expat.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace rookery::testing {

struct CanonicalState {
  std::string out;
  std::string text;  ///< Character data that has come since the last tag.
  int depth = 0;
  int elements = 0;  ///< At the first level.

  void end_text() {
    if (!text.empty()) out += "[" + std::to_string(text.size()) + ":" + text + "]";
    text.clear();
  }
};

/// The canonical text of an element that stands in a `jabber:client` stream; nothing when it is not
/// exactly one well-formed element.
inline std::optional<std::string> canonical_xml(std::string_view xml) {
  struct Free {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
  };
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, Free> parser(
      XML_ParserCreateNS("UTF-8", '\n'));
  CanonicalState state;
  XML_SetUserData(parser.get(), &state);
  XML_SetElementHandler(
      parser.get(),
      [](void* data, const XML_Char* name, const XML_Char** attributes) {
        auto& seen = *static_cast<CanonicalState*>(data);
        if (++seen.depth == 1) return;
        if (seen.depth == 2) ++seen.elements;
        seen.end_text();
        seen.out += std::string("<") + name;
        std::map<std::string, std::string> sorted;
        for (; *attributes != nullptr; attributes += 2) sorted[attributes[0]] = attributes[1];
        for (const auto& [key, value] : sorted) {
          seen.out += "|" + key + "=" + std::to_string(value.size()) + ":" + value;
        }
        seen.out += ">";
      },
      [](void* data, const XML_Char*) {
        auto& seen = *static_cast<CanonicalState*>(data);
        seen.end_text();
        if (--seen.depth > 0) seen.out += "</>";
      });
  XML_SetCharacterDataHandler(parser.get(), [](void* data, const XML_Char* text, int size) {
    static_cast<CanonicalState*>(data)->text.append(text, static_cast<std::size_t>(size));
  });
  const auto feed = [&parser](std::string_view part, int last) {
    return XML_Parse(parser.get(), part.data(), static_cast<int>(part.size()), last) ==
           XML_STATUS_OK;
  };
  const bool whole = feed(
                         "<stream:stream xmlns='jabber:client' "
                         "xmlns:stream='http://etherx.jabber.org/streams'>",
                         0) &&
                     feed(xml, 0) && state.depth == 1 && state.text.empty() &&
                     feed("</stream:stream>", 1) && state.elements == 1;
  if (!whole) return std::nullopt;
  return state.out;
}

}  // namespace rookery::testing
