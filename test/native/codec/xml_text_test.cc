// Escaping and unescaping.
#include "codec/xml_text.h"

#include <gtest/gtest.h>

namespace rookery {
namespace {

using std::string_view_literals::operator""sv;

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

TEST(XmlText, EscapesWhatMarkupWouldBe) {
  EXPECT_EQ(escaped("a<b>&'\"c"), "a&lt;b&gt;&amp;&apos;&quot;c");
  EXPECT_EQ(escaped(""), "");
  EXPECT_EQ(escaped("a longer text without anything in it"),
            "a longer text without anything in it");
  EXPECT_EQ(escaped("tab\tline\r\n"), "tab\tline\r\n");
}

TEST(XmlText, LeavesOutWhatXmlForbids) {
  EXPECT_EQ(escaped("a\0b\x01\x1F"
                    "c"sv),
            "abc");
  EXPECT_EQ(escaped("\xC3\xA9 \xF0\x9F\x98\x80"), "\xC3\xA9 \xF0\x9F\x98\x80");
  EXPECT_EQ(escaped("x\xC3"), "x");            // cut short
  EXPECT_EQ(escaped("x\xED\xA0\x80y"), "xy");  // a surrogate
  EXPECT_EQ(escaped("x\xEF\xBF\xBEy"), "xy");  // U+FFFE
  EXPECT_EQ(escaped("x\xC0\xAFy"), "xy");      // overlong
}

TEST(XmlText, AppendsAttributes) {
  std::string out = "<a";
  append_attribute(out, "to", "o'brien@x");
  EXPECT_EQ(out, "<a to='o&apos;brien@x'");
}

TEST(XmlText, UnescapesReferences) {
  std::string out = "+";
  EXPECT_TRUE(append_unescaped(out, "&lt;&gt;&amp;&apos;&quot;&#65;&#x42;&#xe9;&#x1F600;x"));
  EXPECT_EQ(out, "+<>&'\"AB\xC3\xA9\xF0\x9F\x98\x80x");
}

TEST(XmlText, RefusesBadReferences) {
  for (const std::string_view raw :
       {"&", "&;", "&x;", "&lt", "&LT;", "&#;", "&#x;", "&#X41;", "&#0;", "&#x1F;", "&#xD800;",
        "&#xFFFE;", "&#x110000;", "&#99999999999999999999;", "&#-1;", "&#4294967361;", "a&b",
        "&amp"}) {
    std::string out;
    EXPECT_FALSE(append_unescaped(out, raw)) << raw;
  }
}

TEST(XmlText, RoundTrips) {
  const std::string_view text =
      "<\"mixed\" & 'text'> with \xE2\x82\xAC and more, longer than a register";
  std::string plain;
  EXPECT_TRUE(append_unescaped(plain, escaped(text)));
  EXPECT_EQ(plain, text);
}

}  // namespace
}  // namespace rookery
