// Makes stanzas at random for property tests: every kind of value, names that the dictionary knows
// and names that nobody does, prefixes, CDATA, references, mixed content, depth.
#pragma once

#include <cstdint>
#include <cstdio>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include "codec/compact_dictionary.h"
#include "codec/compact_value.h"

namespace rookery::testing {

class StanzaGenerator {
 public:
  explicit StanzaGenerator(std::uint32_t seed) : random_(seed) {}

  std::string stanza() {
    out_.clear();
    nodes_left_ = static_cast<int>(below(60));
    static constexpr std::string_view roots[] = {"message", "presence", "iq", "a", "stream:error"};
    element(below(3) == 0 ? roots[below(std::size(roots))] : std::string_view{}, 0, 0);
    return out_;
  }

  /// A text of any form that a value can have, as it is (not as XML spells it).
  std::string value() {
    switch (below(14)) {
      case 0: return {};
      case 1: return std::string(codec::dictionary_words[below(codec::word_count)]);
      case 2: return characters("0123456789-.+:TZ", below(40));
      case 3: return characters("0123456789abcdef", below(40));
      case 4: return characters("0123456789ABCDEF", below(40));
      case 5: return uuid();
      case 6: return base64();
      case 7: return characters("491701234567", 8 + below(6)) + "@" + domain();
      case 8: return word() + "@" + domain() + "/" + word();
      case 9: return std::to_string(random_() >> below(32));
      case 10: return domain();
      case 11: return wide(below(60));
      case 12: return characters("ab@/ ", below(12));
      default: return text(below(90));
    }
  }

  std::size_t below(std::size_t limit) { return random_() % limit; }

 private:
  std::string characters(std::string_view alphabet, std::size_t count) {
    std::string made;
    for (; count > 0; --count) made += alphabet[below(alphabet.size())];
    return made;
  }
  std::string uuid() {
    std::string made;
    for (const std::size_t part : {8, 4, 4, 4, 12}) {
      if (!made.empty()) made += '-';
      made += characters("0123456789abcdef", part);
    }
    if (below(8) == 0) made[below(made.size())] = "g-A0"[below(4)];
    return made;
  }
  std::string base64() {
    std::string made = characters(codec::base64_digits, 4 * below(12));
    if (below(2) == 0) made += characters("AEIQ", 2) + "==";
    if (below(3) == 0) made += characters("AB", 3) + "=";
    return made;
  }
  std::string domain() {
    static constexpr std::string_view domains[] = {"example.org", "example.net", "chat",
                                                   "a.very.long.name.of.a.server.example.com"};
    return std::string(domains[below(std::size(domains))]);
  }
  std::string word() {
    static constexpr std::string_view words[] = {
        "romeo", "d3", "a/b", "x", "juliet.capulet", "phone", "d@e", "resource with spaces"};
    return std::string(words[below(std::size(words))]);
  }
  std::string text(std::size_t count) {
    return characters("abcdefghij klmnop\t\n\r<>&'\"]]>?!.,\x7F", count);
  }
  std::string wide(std::size_t count) {
    static constexpr std::string_view some[] = {"\u03B1", "\u00E9",     "\uFFFD", "\U0001F600",
                                                "\u4E2D", "\U0010FFFD", "\u0080", " ",
                                                "x",      "\u2028"};
    std::string made;
    for (; count > 0; --count) made += some[below(std::size(some))];
    return made;
  }

  std::string xmlns() {
    switch (below(6)) {
      case 0: return "urn:example:" + word_of_letters();
      case 1: return {};
      case 2: return "http://example.org/?a=b&c='d'";
      default: {
        const std::size_t name = codec::first_name + below(codec::name_count - codec::first_name);
        const std::string_view known = codec::dictionary_words[codec::dictionary_names[name].xmlns];
        return std::string(known);
      }
    }
  }
  std::string word_of_letters() { return characters("abc", 1 + below(3)); }
  std::string local_name() {
    switch (below(5)) {
      case 0: return word_of_letters();
      case 1: return "x-" + characters("abc.0-_", below(12));
      case 2: return "\u03B1\u03B2" + word_of_letters();
      default: {
        const std::size_t name = codec::first_name + below(codec::name_count - codec::first_name);
        return std::string(codec::dictionary_names[name].local);
      }
    }
  }

  void reference(unsigned char character) {
    char spelled[16];
    std::snprintf(spelled, sizeof spelled, below(2) == 0 ? "&#%u;" : "&#x%X;",
                  static_cast<unsigned>(character));
    out_ += spelled;
  }
  /// Writes text as XML may spell it.
  void spell(std::string_view plain, char quote) {
    for (const char character : plain) {
      const auto byte = static_cast<unsigned char>(character);
      if (character == '&') {
        out_ += "&amp;";
      } else if (character == '<') {
        out_ += "&lt;";
      } else if (character == quote || (character == '>' && quote == '\0')) {
        reference(byte);
      } else if (byte < 0x80 && below(30) == 0) {
        reference(byte);
      } else {
        out_ += character;  // Line ends and tabs among them, which a parser normalises.
      }
    }
  }
  void attribute(std::string_view name, std::string_view plain) {
    const char quote = below(2) == 0 ? '"' : '\'';
    out_ += below(4) == 0 ? "\n  " : " ";
    out_ += name;
    out_ += below(8) == 0 ? " = " : "=";
    out_ += quote;
    spell(plain, quote);
    out_ += quote;
  }
  void attributes(int prefixes) {
    static constexpr std::string_view known[] = {"to", "from", "id", "type", "xml:lang", "stamp"};
    for (const std::string_view name : known) {
      if (below(3) == 0) attribute(name, value());
    }
    for (std::size_t count = below(70) == 0 ? 50 : below(3); count > 0; --count) {
      attribute("u" + std::to_string(count), value());
    }
    // Two prefixes may stand for one namespace, so the local names are made different.
    for (int prefix = 0; prefix < prefixes && below(2) == 0; ++prefix) {
      attribute("p" + std::to_string(prefix) + ":z" + std::to_string(prefix), value());
    }
  }
  void element(std::string_view given, int depth, int prefixes) {
    std::string name(given.empty() ? local_name() : std::string(given));
    if (given.empty() && prefixes > 0 && below(3) == 0) {
      name = "p" + std::to_string(below(static_cast<std::size_t>(prefixes))) + ":" + name;
    }
    out_ += "<" + name;
    if (given.empty() && below(2) == 0) attribute("xmlns", xmlns());
    if (prefixes < 8 && below(4) == 0) {
      const std::string bound = xmlns();
      attribute("xmlns:p" + std::to_string(prefixes), bound.empty() ? "urn:p" : bound);
      ++prefixes;
    }
    attributes(prefixes);
    if (below(4) == 0) {
      out_ += below(2) == 0 ? "/>" : " />";
      return;
    }
    out_ += ">";
    for (std::size_t count = below(90) == 0 ? 140 : below(5); count > 0; --count) {
      node(depth, prefixes);
    }
    out_ += "</" + name + (below(5) == 0 ? " >" : ">");
  }
  void node(int depth, int prefixes) {
    switch (below(5)) {
      case 0:
      case 1: spell(value(), '\0'); return;
      case 2: {
        std::string plain = value();
        for (std::size_t at = 0; (at = plain.find("]]>", at)) != plain.npos;) plain[at] = '.';
        out_ += "<![CDATA[" + plain + "]]>";
        return;
      }
      default:
        if (depth < 30 && --nodes_left_ > 0) element({}, depth + 1, prefixes);
    }
  }

  std::mt19937 random_;
  std::string out_;
  int nodes_left_ = 0;
};

}  // namespace rookery::testing
