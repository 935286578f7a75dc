// The tree reader.
#include "codec/xml_element.h"

#include <gtest/gtest.h>

namespace rookery {
namespace {

TEST(XmlReader, BuildsATree) {
  XmlReader reader;
  XmlElement iq;
  ASSERT_TRUE(
      reader.read("<iq id='1&amp;' xml:lang='en'><bind xmlns='urn:b'><resource>a&lt;"
                  "<![CDATA[b]]></resource></bind>t<p:x xmlns:p='urn:p' p:y='2' y='3'/></iq>",
                  10, iq));
  EXPECT_EQ(iq.name, "iq");
  EXPECT_EQ(iq.xmlns, "jabber:client");
  EXPECT_EQ(iq.attribute("id"), "1&");
  EXPECT_EQ(iq.attribute("xml:lang"), "en");
  EXPECT_EQ(iq.attribute("none"), "");
  EXPECT_EQ(iq.text, "t");
  const XmlElement* bind = iq.child("bind", "urn:b");
  ASSERT_NE(bind, nullptr);
  ASSERT_NE(bind->child("resource", "urn:b"), nullptr);
  EXPECT_EQ(bind->child("resource", "")->text, "a<b");
  EXPECT_EQ(iq.child("bind", "urn:c"), nullptr);
  const XmlElement* x = iq.child("", "urn:p");
  ASSERT_NE(x, nullptr);
  EXPECT_EQ(x->attribute("{urn:p}y"), "2");
  EXPECT_EQ(x->attribute("y"), "3");
}

TEST(XmlReader, RefusesWhatIsNotOneElementAndGoesOn) {
  XmlReader reader;
  XmlElement element;
  for (const std::string_view text : {"",
                                      " ",
                                      "x",
                                      "<a>",
                                      "<a></b>",
                                      "<a/><b/>",
                                      "<a/>x",
                                      "x<a/>",
                                      "<a/><",
                                      "<a/><!-",
                                      "<a/><!--",
                                      "</stream:stream>",
                                      "<a/></stream:stream>",
                                      "<p:a/>",
                                      "<a>&x;</a>",
                                      "<a b='1' b='2'/>",
                                      "<a/><![CDATA[",
                                      "<!DOCTYPE a><a/>",
                                      "<a/>&#32;",
                                      "<a/><b",
                                      "<a>\xFF</a>"}) {
    EXPECT_FALSE(reader.read(text, 10, element)) << text;
    ASSERT_TRUE(reader.read("<a><b/></a>", 10, element)) << "after " << text;
    EXPECT_EQ(element.name, "a");
    EXPECT_EQ(element.children.size(), 1u);
  }
}

TEST(XmlReader, BoundsElements) {
  XmlReader reader;
  XmlElement element;
  EXPECT_TRUE(reader.read("<a><b/><c/></a>", 3, element));
  EXPECT_FALSE(reader.read("<a><b/><c/><d/></a>", 3, element));
  EXPECT_TRUE(reader.read("<a><b/><c/></a>", 3, element));
}

TEST(XmlReader, RenewsItsParser) {
  // Far more than one parser is used for, with new names all the time.
  XmlReader reader;
  XmlElement element;
  for (int index = 0; index < 20'000; ++index) {
    const std::string name = "name" + std::to_string(index);
    ASSERT_TRUE(
        reader.read("<" + name + " xmlns='urn:" + name + "' " + name + "='1'/>", 3, element));
    ASSERT_EQ(element.name, name);
    ASSERT_EQ(element.attribute(name), "1");
  }
}

}  // namespace
}  // namespace rookery
