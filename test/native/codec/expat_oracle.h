// Asks expat, as a client would use it, what it thinks of a stanza on an open stream. What our scan
// accepts, expat must accept: the stanza may be copied into that client's stream.
#pragma once

#include <expat.h>

#include <memory>
#include <string_view>
#include <type_traits>

namespace rookery::testing {

struct ParserDeleter {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using ParserPtr = std::unique_ptr<std::remove_pointer_t<XML_Parser>, ParserDeleter>;

/// Counts first-level elements and text between them.
struct StreamShape {
  int depth = 0;
  int first_level = 0;
  bool stray_text = false;
};

/// True when a namespace-aware parser with that separator, which has seen a stream header, takes
/// the text as exactly one first-level element and can go on behind it.
inline bool expat_accepts(std::string_view text, char separator = '\n') {
  const ParserPtr parser(XML_ParserCreateNS("UTF-8", separator));
  StreamShape shape;
  XML_SetUserData(parser.get(), &shape);
  XML_SetElementHandler(
      parser.get(),
      [](void* data, const XML_Char*, const XML_Char**) {
        auto* seen = static_cast<StreamShape*>(data);
        if (seen->depth++ == 1) ++seen->first_level;
      },
      [](void* data, const XML_Char*) { --static_cast<StreamShape*>(data)->depth; });
  XML_SetCharacterDataHandler(parser.get(), [](void* data, const XML_Char*, int) {
    auto* seen = static_cast<StreamShape*>(data);
    if (seen->depth == 1) seen->stray_text = true;
  });
  const auto feed = [&parser](std::string_view part, int last) {
    return XML_Parse(parser.get(), part.data(), static_cast<int>(part.size()), last) ==
           XML_STATUS_OK;
  };
  return feed(
             "<stream:stream xmlns='jabber:client' "
             "xmlns:stream='http://etherx.jabber.org/streams'>",
             0) &&
         feed(text, 0) && shape.depth == 1 && feed("</stream:stream>", 1) &&
         shape.first_level == 1 && !shape.stray_text;
}

}  // namespace rookery::testing
