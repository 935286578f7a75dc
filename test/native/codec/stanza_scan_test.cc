// The scan of stanzas: what it notes, what it refuses, and that expat refuses nothing that it
// accepts.
#include "codec/stanza_scan.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "codec/xml_chars.h"
#include "native/codec/expat_oracle.h"

namespace rookery {
namespace {

using std::string_view_literals::operator""sv;

constexpr ScanLimits wide{.max_depth = 64, .max_attributes = 32};

/// Copies the text to the end of a heap block of its own, where a sanitizer sees any read behind
/// it.
StreamError scan(std::string_view text, StanzaView& out, const ScanLimits& limits = wide) {
  static std::unique_ptr<char[]> exact;
  exact = std::make_unique<char[]>(text.size());
  std::copy(text.begin(), text.end(), exact.get());
  return scan_stanza({exact.get(), text.size()}, limits, out);
}

StreamError scan(std::string_view text, const ScanLimits& limits = wide) {
  StanzaView view;
  return scan(text, view, limits);
}

void expect_good(std::string_view text) {
  EXPECT_EQ(stream_error_name(scan(text)), "") << text;
  for (const char separator : {'\n', '}', ' ', '|'}) {
    EXPECT_TRUE(testing::expat_accepts(text, separator)) << text;
  }
}

void expect_refused(std::string_view text, StreamError error = StreamError::not_well_formed) {
  EXPECT_EQ(stream_error_name(scan(text)), stream_error_name(error)) << text;
}

TEST(StanzaScan, NotesWhatRoutingNeeds) {
  const std::string text =
      "<message xml:lang='en' to='a@b/c' \n from=\"d@e\" id='7&amp;' type='chat'>"
      "<body>hi</body><x:req xmlns:x='urn:xmpp:receipts'/>"
      "<active xmlns='http://jabber.org/protocol/chatstates'><y/></active></message>";
  StanzaView view;
  ASSERT_EQ(scan_stanza(text, wide, view), StreamError::none);
  EXPECT_EQ(view.text, text);
  EXPECT_EQ(view.kind, StanzaKind::message);
  EXPECT_EQ(view.name, "message");
  EXPECT_EQ(view.xmlns, "jabber:client");
  EXPECT_EQ(view.to, "a@b/c");
  EXPECT_EQ(view.from, "d@e");
  EXPECT_EQ(view.id, "7&amp;");
  EXPECT_EQ(view.type, "chat");
  EXPECT_TRUE(view.has_to && view.has_from && view.has_id && view.has_type);
  EXPECT_EQ(text.substr(0, view.name_end), "<message");
  EXPECT_EQ(text.substr(view.from_begin, view.from_end - view.from_begin), " \n from=\"d@e\"");
  EXPECT_EQ(text.substr(view.to_begin, view.to_end - view.to_begin), " to='a@b/c'");
  EXPECT_EQ(text.substr(view.content_end), "</message>");
  EXPECT_TRUE(text.substr(view.content_begin).starts_with("<body>"));
  EXPECT_FALSE(view.self_closing);
  ASSERT_EQ(view.child_count, 3);
  const ChildView& receipt = view.children[1];
  EXPECT_EQ(receipt.name, "req");
  EXPECT_EQ(receipt.xmlns, "urn:xmpp:receipts");
  EXPECT_EQ(text.substr(receipt.begin, receipt.end - receipt.begin),
            "<x:req xmlns:x='urn:xmpp:receipts'/>");
  EXPECT_EQ(view.children[0].xmlns, "jabber:client");
  const ChildView* active = view.child("active", "http://jabber.org/protocol/chatstates");
  ASSERT_NE(active, nullptr);
  EXPECT_EQ(text.substr(active->begin, active->end - active->begin),
            "<active xmlns='http://jabber.org/protocol/chatstates'><y/></active>");
  EXPECT_EQ(view.child("active", "other"), nullptr);
  EXPECT_EQ(view.child("", "urn:xmpp:receipts"), &view.children[1]);
  EXPECT_EQ(view.child("body", ""), &view.children[0]);
  bool found = false;
  EXPECT_EQ(view.attribute("xml:lang", found), "en");
  EXPECT_TRUE(found);
  EXPECT_EQ(view.attribute("lang", found), "");
  EXPECT_FALSE(found);
}

TEST(StanzaScan, NotesAbsentAndEmpty) {
  StanzaView view;
  ASSERT_EQ(scan_stanza("<iq to=''/>", wide, view), StreamError::none);
  EXPECT_EQ(view.kind, StanzaKind::iq);
  EXPECT_TRUE(view.has_to);
  EXPECT_FALSE(view.has_from || view.has_id || view.has_type || view.more_children);
  EXPECT_EQ(view.from_begin, view.from_end);
  EXPECT_TRUE(view.self_closing);
  EXPECT_EQ(view.content_begin, view.content_end);
  EXPECT_EQ(view.child_count, 0);
  // The view is used over and over: nothing of the stanza before may remain.
  ASSERT_EQ(scan_stanza("<presence  />", wide, view), StreamError::none);
  EXPECT_EQ(view.kind, StanzaKind::presence);
  EXPECT_FALSE(view.has_to);
  EXPECT_EQ(view.to, "");
}

TEST(StanzaScan, KnowsOtherElements) {
  StanzaView view;
  const std::string auth =
      "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGE=</auth>";
  ASSERT_EQ(scan_stanza(auth, wide, view), StreamError::none);
  EXPECT_EQ(view.kind, StanzaKind::other);
  EXPECT_EQ(view.xmlns, "urn:ietf:params:xml:ns:xmpp-sasl");
  EXPECT_EQ(view.leading_text(), "AGE=");
  bool found = false;
  EXPECT_EQ(view.attribute("mechanism", found), "PLAIN");
  ASSERT_EQ(scan_stanza("<message xmlns='urn:x'/>", wide, view), StreamError::none);
  EXPECT_EQ(view.kind, StanzaKind::other);
  ASSERT_EQ(scan_stanza("<c:message xmlns:c='jabber:client'/>", wide, view), StreamError::none);
  EXPECT_EQ(view.kind, StanzaKind::message);
  EXPECT_EQ(view.name, "message");
  EXPECT_EQ(view.name_end, 10u);
  ASSERT_EQ(scan_stanza("<iq xmlns='jabber:client'><q xmlns=''><r/></q><s/></iq>", wide, view),
            StreamError::none);
  EXPECT_EQ(view.kind, StanzaKind::iq);
  EXPECT_EQ(view.children[0].xmlns, "");
  EXPECT_EQ(view.children[1].xmlns, "jabber:client");
  EXPECT_FALSE(view.uses_stream_prefix);
  ASSERT_EQ(scan_stanza("<a><b stream:x='1'/></a>", wide, view), StreamError::none);
  EXPECT_TRUE(view.uses_stream_prefix);
  ASSERT_EQ(scan_stanza("<a xmlns:stream='urn:x'><b stream:x='1'/></a>", wide, view),
            StreamError::none);
  EXPECT_FALSE(view.uses_stream_prefix);
}

TEST(StanzaScan, BoundsTheChildrenThatItNotes) {
  std::string text = "<iq>";
  for (int index = 0; index < 20; ++index)
    text += "<c" + std::to_string(index) + "><d/></c" + std::to_string(index) + ">";
  text += "</iq>";
  StanzaView view;
  ASSERT_EQ(scan_stanza(text, wide, view), StreamError::none);
  EXPECT_EQ(view.child_count, StanzaView::max_children);
  EXPECT_TRUE(view.more_children);
  const ChildView& last = view.children[StanzaView::max_children - 1];
  EXPECT_EQ(text.substr(last.begin, last.end - last.begin), "<c15><d/></c15>");
}

TEST(StanzaScan, AcceptsWellFormedElements) {
  for (const std::string_view text :
       {"<a></a>"sv,
        "<a/>"sv,
        "<a />"sv,
        "<a\t\r\n></a\n>"sv,
        "<a b = 'c'  d=\"'\"/>"sv,
        "<_a-1.x><b:c xmlns:b='urn:x' b:d='1' d='2'/></_a-1.x>"sv,
        "<a>&lt;&#65;&#x10FFFF;</a>"sv,
        "<a>]] > ]]&gt; ]</a>"sv,
        "<a b=']]>'/>"sv,
        "<a b='>'/>"sv,
        "<a>></a>"sv,
        "<a><![CDATA[<&]]]]><![CDATA[>]]></a>"sv,
        "<a><![CDATA[]]></a>"sv,
        "<a>\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x7F\xC2\x80</a>"sv,
        "<a b='\xC3\xA9'/>"sv,
        "<\xC3\xA9l\xC3\xA9ment/>"sv,
        "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:b='1'/>"sv,
        "<xml:a/>"sv,
        "<stream:error/>"sv,
        "<a xmlns:stream='urn:other' stream:b='1'/>"sv,
        "<a xmlns:p='urn:1'><b xmlns:p='urn:2'><p:c/></b><p:d/></a>"sv,
        "<a xmlns=''/>"sv,
        "<a p:x='1' xmlns:p='urn:1' q:x='2' xmlns:q='urn:2'/>"sv,
        "<a xmlns='urn:a&amp;b'/>"sv,
        "<a xmlns:p='urn:%20?#[]@!$&apos;()*+,;=-._~'/>"sv,
        "<a b='\n\t'/>"sv,
        "<a xmln='1'/>"sv,
        "<xmlnsa/>"sv,
        "<a xmlnsb='1'/>"sv}) {
    expect_good(text);
  }
}

TEST(StanzaScan, RefusesMalformedMarkup) {
  for (const std::string_view text : {""sv,
                                      "<"sv,
                                      "<>"sv,
                                      "<a"sv,
                                      "<a>"sv,
                                      "<a/"sv,
                                      "<a></b>"sv,
                                      "<a></a"sv,
                                      "<a></ab>"sv,
                                      "<ab></a>"sv,
                                      "<a/><b/>"sv,
                                      "<a></a>x"sv,
                                      "x<a/>"sv,
                                      " <a/>"sv,
                                      "<a/> "sv,
                                      "<a / >"sv,
                                      "<a/ >"sv,
                                      "< a/>"sv,
                                      "<a></ a>"sv,
                                      "<a></a b>"sv,
                                      "<a></a b='1'>"sv,
                                      "<a></a/>"sv,
                                      "<1/>"sv,
                                      "<-a/>"sv,
                                      "<.a/>"sv,
                                      "<a b/>"sv,
                                      "<a b=/>"sv,
                                      "<a b=1/>"sv,
                                      "<a b='/>"sv,
                                      "<a b='1'c='2'/>"sv,
                                      "<a b='1' b='2'/>"sv,
                                      "<a b='<'/>"sv,
                                      "<a b='&'/>"sv,
                                      "<a ='1'/>"sv,
                                      "<a>]]></a>"sv,
                                      "<a>&#0;</a>"sv,
                                      "<a>&#xFFFF;</a>"sv,
                                      "<a>& </a>"sv,
                                      "<a>\0</a>"sv,
                                      "<a>\x1F</a>"sv,
                                      "<a b='\x01'/>"sv,
                                      "<a>\xEF\xBF\xBF</a>"sv,
                                      "<a><![CDATA[</a>"sv,
                                      "<a><![CDATA[]]</a>"sv,
                                      "<a><![CDATA[\x02]]></a>"sv,
                                      "<a><b></a></b>"sv,
                                      "</a>"sv,
                                      "<a><b/>"sv,
                                      "<a b='1' / c='2'>"sv,
                                      "<a/>>"sv,
                                      "<a\xC3\x97/>"sv,
                                      "<a&lt;/>"sv,
                                      "<\xF0\x9F\x98\x80/>"sv,
                                      "<\xCC\x81"
                                      "a/>"sv,
                                      "<a b\xE2\x82\xAC='1'/>"sv,
                                      "<a><></a>"sv,
                                      "<a></></a>"sv,
                                      "<a><\xC2\xB7/></a>"sv}) {
    expect_refused(text);
    EXPECT_FALSE(testing::expat_accepts(text)) << text;
  }
}

TEST(StanzaScan, RefusesBadNamespaces) {
  for (const std::string_view text :
       {"<p:a/>"sv,
        "<a p:b='1'/>"sv,
        "<a><b xmlns:p='urn:x'/><p:c/></a>"sv,
        "<a:b:c xmlns:a='x'/>"sv,
        "<:a/>"sv,
        "<a: xmlns:a='x'/>"sv,
        "<a :b='1'/>"sv,
        "<a b:='1'/>"sv,
        "<a xmlns:p=''/>"sv,
        "<a xmlns:='urn:x'/>"sv,
        "<xmlns:a/>"sv,
        "<a xmlns:xmlns='urn:x'/>"sv,
        "<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>"sv,
        "<a xmlns:xml='urn:x'/>"sv,
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>"sv,
        "<a xmlns='http://www.w3.org/XML/1998/namespace'/>"sv,
        "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>"sv,
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>"sv,
        "<a xmlns='http://www.w3.org/2000/xmlns&#47;'/>"sv,
        "<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>"sv,
        "<a xmlns:p='urn:x' xmlns:q='urn:&#120;' p:b='1' q:b='2'/>"sv,
        "<a p:b='1' xmlns:p='urn:x' q:b='2' xmlns:q='urn:x'/>"sv,
        "<a xmlns:p='http://etherx.jabber.org/streams' p:b='1' stream:b='2'/>"sv,
        "<a xmlns='1' xmlns='2'/>"sv,
        "<a xmlns:p:q='urn:x'/>"sv,
        "<a><p:b xmlns:p='x'></q:b></a>"sv,
        "<a xmlns:p='urn:x'><p:b xmlns:q='urn:x'></q:b></a>"sv,
        "<a:1 xmlns:a='urn:x'/>"sv}) {
    expect_refused(text);
    EXPECT_FALSE(testing::expat_accepts(text)) << text;
  }
  // No URI: a parser whose separator it contains would end the whole stream.
  for (const std::string_view text :
       {"<a xmlns='urn x'/>"sv, "<a xmlns:p='a}b'/>"sv, "<a xmlns='a|b'/>"sv, "<a xmlns='a\nb'/>"sv,
        "<a xmlns='a&#10;b'/>"sv, "<a xmlns='a&#x7d;b'/>"sv, "<a xmlns='\xC3\xA9'/>"sv,
        "<a xmlns='&lt;'/>"sv, "<a xmlns='a&quot;'/>"sv}) {
    expect_refused(text);
  }
}

TEST(StanzaScan, RefusesRestrictedXml) {
  for (const std::string_view text :
       {"<a><!-- x --></a>"sv, "<a><?pi x?></a>"sv, "<!DOCTYPE a>"sv, "<?xml version='1.0'?>"sv,
        "<a><!DOCTYPE a></a>"sv, "<a><![IGNORE[ ]]></a>"sv}) {
    expect_refused(text, StreamError::restricted_xml);
  }
  // References to entities that nobody can have declared: RFC 6120 section 11.1.
  for (const std::string_view text :
       {"<a>&nbsp;</a>"sv, "<a b='&x;'/>"sv, "<a>&LT;</a>"sv, "<a>&\xC3\xA9;</a>"sv,
        "<a>&lol9;&lol9;</a>"sv, "<a b=\"&a-b.c;\"/>"sv}) {
    expect_refused(text, StreamError::restricted_xml);
    EXPECT_FALSE(testing::expat_accepts(text)) << text;
  }
  for (const std::string_view text :
       {"<a>&;</a>"sv, "<a>&x</a>"sv, "<a>&1;</a>"sv, "<a>&x y;</a>"sv, "<a b='&x'/>"sv}) {
    expect_refused(text);
  }
}

TEST(StanzaScan, RefusesBadUtf8) {
  for (const std::string_view bytes :
       {"\x80"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC3"sv, "\xC3("sv, "\xE0\x80\x80"sv,
        "\xE0\x9F\xBF"sv, "\xED\xA0\x80"sv, "\xED\xBF\xBF"sv, "\xE2\x82"sv, "\xF0\x80\x80\x80"sv,
        "\xF0\x8F\xBF\xBF"sv, "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xF0\x9F\x98"sv,
        "\xFE"sv, "\xFF"sv}) {
    const std::string raw(bytes);
    for (const std::string& text :
         {"<a>" + raw + "</a>", "<a b='" + raw + "'/>", "<a><![CDATA[" + raw + "]]></a>",
          "<a>0123456789abcdef" + raw + "</a>"}) {
      expect_refused(text, StreamError::unsupported_encoding);
      EXPECT_FALSE(testing::expat_accepts(text)) << text;
    }
  }
}

TEST(StanzaScan, KeepsToItsLimits) {
  const auto nested = [](std::size_t levels) {
    std::string text;
    for (std::size_t level = 0; level < levels; ++level) text += "<a>";
    for (std::size_t level = 0; level < levels; ++level) text += "</a>";
    return text;
  };
  const ScanLimits limits{.max_depth = 5, .max_attributes = 3};
  EXPECT_EQ(scan(nested(5), limits), StreamError::none);
  EXPECT_EQ(scan(nested(6), limits), StreamError::policy_violation);
  EXPECT_EQ(scan("<a b='' c='' d=''/>", limits), StreamError::none);
  EXPECT_EQ(scan("<a b='' c='' d='' e=''/>", limits), StreamError::policy_violation);
  // The record on the stack is bounded whatever the configuration says.
  const ScanLimits huge{.max_depth = 65535, .max_attributes = 65535};
  EXPECT_EQ(scan(nested(100'000), huge), StreamError::policy_violation);
  std::string attributes = "<a";
  std::string bindings = "<a>";
  for (int index = 0; index < 100; ++index) {
    attributes += " a" + std::to_string(index) + "=''";
    bindings += "<a xmlns:a" + std::to_string(index) + "='x'>";
  }
  for (int index = 0; index < 100; ++index) bindings += "</a>";
  EXPECT_EQ(scan(attributes + "/>", huge), StreamError::policy_violation);
  EXPECT_EQ(scan(bindings + "</a>", huge), StreamError::policy_violation);
}

TEST(StanzaScan, NameTablesAgreeWithExpat) {
  for (std::uint32_t code = 0x80; code < 0x11000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    std::string character;
    codec::append_utf8(character, code);
    const std::string starts = "<" + character + "/>";
    const std::string goes_on = "<a " + std::string("a") + character + "=''/>";
    ASSERT_EQ(scan(starts) == StreamError::none, testing::expat_accepts(starts)) << code;
    ASSERT_EQ(scan(goes_on) == StreamError::none, testing::expat_accepts(goes_on)) << code;
  }
}

/// Random recombination of markup, most of it nearly right.
TEST(StanzaScan, ExpatAcceptsWhatItAccepts) {
  const std::vector<std::string> fragments = {"<a>",
                                              "</a>",
                                              "<b/>",
                                              "<p:c>",
                                              "</p:c>",
                                              "<a",
                                              "<b",
                                              " x='1'",
                                              " y=\"2\"",
                                              " xmlns:p='urn:p'",
                                              " xmlns:q='urn:p'",
                                              " p:x='1'",
                                              " q:x='1'",
                                              " xmlns='urn:d'",
                                              " xml:lang='en'",
                                              " stream:x='1'",
                                              ">",
                                              "/>",
                                              "text",
                                              "&amp;",
                                              "&#x41;",
                                              "&#x110000;",
                                              "<![CDATA[",
                                              "]]>",
                                              "]]",
                                              "\xC3\xA9",
                                              "\xED\xA0\x80",
                                              "\xEF\xBF\xBF",
                                              " ",
                                              "\n",
                                              "'",
                                              "\"",
                                              "=",
                                              ":",
                                              "<",
                                              "/",
                                              "</",
                                              "&",
                                              ";",
                                              std::string(17, 'x'),
                                              " xmlns:r='urn:&#112;'",
                                              " r:x=''",
                                              "<stream:s/>"};
  std::mt19937 random(7);
  const auto below = [&random](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  std::size_t accepted = 0;
  std::size_t agreed = 0;
  constexpr int rounds = 60'000;
  for (int round = 0; round < rounds; ++round) {
    std::string text = below(3) == 0 ? "<a" : "<a xmlns:p='urn:p'";
    // Attributes first, as they must be to mean anything, then content.
    for (std::size_t count = below(3); count > 0; --count) text += fragments[7 + below(9)];
    text += below(5) == 0 ? "" : ">";
    for (std::size_t count = below(5); count > 0; --count) {
      text += below(2) == 0 ? "<b q:x='' xmlns:q='urn:q'/>" : fragments[below(fragments.size())];
    }
    text += "</a>";
    const bool ours = scan(text) == StreamError::none;
    const bool theirs = testing::expat_accepts(text);
    ASSERT_TRUE(!ours || theirs) << text;
    accepted += ours ? 1 : 0;
    agreed += ours == theirs ? 1 : 0;
  }
  EXPECT_GT(accepted, 5'000u);
  EXPECT_EQ(agreed, static_cast<std::size_t>(rounds));
}

StreamError header(std::string_view text, StreamHeaderView& out) {
  const std::unique_ptr<char[]> exact = std::make_unique<char[]>(text.size());
  std::copy(text.begin(), text.end(), exact.get());
  return scan_stream_header({exact.get(), text.size()}, wide, out);
}

TEST(StreamHeaderScan, ReadsTheHeader) {
  StreamHeaderView view;
  const std::string text =
      "<?xml version=\"1.0\" encoding='UTF-8' standalone='yes' ?>\n"
      "<stream:stream from='a@b' to='b' version='1.0' xml:lang='en' xmlns='jabber:client' "
      "xmlns:stream='http://etherx.jabber.org/streams' >";
  ASSERT_EQ(scan_stream_header(text, wide, view), StreamError::none);
  EXPECT_EQ(view.to, "b");
  EXPECT_EQ(view.from, "a@b");
  EXPECT_EQ(view.version, "1.0");
  EXPECT_EQ(view.lang, "en");
  EXPECT_EQ(view.xmlns, "jabber:client");
  EXPECT_EQ(view.xmlns_stream, "http://etherx.jabber.org/streams");
}

TEST(StreamHeaderScan, AnswersWithTheRightError) {
  const std::string names =
      " xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'";
  struct Case {
    std::string text;
    StreamError error;
  };
  const std::vector<Case> cases = {
      {"<stream:stream" + names + " version='1.0'>", StreamError::none},
      {"<stream:stream" + names + " version='1.1'>", StreamError::none},
      {"<stream:stream" + names + " version='10.0' id='x' stream:x='1'>", StreamError::none},
      {"<stream:stream" + names + ">", StreamError::unsupported_version},
      {"<stream:stream" + names + " version='0.9'>", StreamError::unsupported_version},
      {"<stream:stream" + names + " version='1'>", StreamError::unsupported_version},
      {"<stream:stream" + names + " version='1.x'>", StreamError::unsupported_version},
      {"<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream" + names + " version='1.0'>",
       StreamError::unsupported_encoding},
      {"<?xml version='1.1'?><stream:stream" + names + " version='1.0'>",
       StreamError::not_well_formed},
      {"<?xml?><stream:stream" + names + " version='1.0'>", StreamError::not_well_formed},
      {"<?xml encoding='utf-8' version='1.0'?><stream:stream" + names + " version='1.0'>",
       StreamError::not_well_formed},
      {"<stream:stream xmlns='jabber:client' version='1.0'>", StreamError::bad_namespace_prefix},
      {"<stream:stream xmlns='jabber:client' xmlns:stream='urn:x' version='1.0'>",
       StreamError::invalid_namespace},
      {"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
       "version='1.0'>",
       StreamError::invalid_namespace},
      {"<stream:stream" + names + " xmlns:x='urn:x' version='1.0'>",
       StreamError::bad_namespace_prefix},
      {"<s:stream" + names + " version='1.0'>", StreamError::bad_namespace_prefix},
      {"<stream:flow" + names + " version='1.0'>", StreamError::bad_format},
      {"<stream:stream" + names + " version='1.0' y:x='1'>", StreamError::not_well_formed},
      {"<stream:stream" + names + " version='1.0' version='1.0'>", StreamError::not_well_formed},
      {"<stream:stream" + names + " version='1.0'to='x'>", StreamError::not_well_formed},
      {"<stream:stream" + names + " version='1.0'/>", StreamError::not_well_formed},
      {"<stream:stream" + names + " version='1.0' to='\xFF'>", StreamError::unsupported_encoding},
      {"<?xml version='1.0'?>", StreamError::not_well_formed},
      {">", StreamError::not_well_formed}};
  for (const Case& each : cases) {
    StreamHeaderView view;
    EXPECT_EQ(stream_error_name(header(each.text, view)), stream_error_name(each.error))
        << each.text;
  }
  std::string many = "<stream:stream" + names;
  for (int index = 0; index < 40; ++index) many += " a" + std::to_string(index) + "=''";
  StreamHeaderView view;
  EXPECT_EQ(header(many + ">", view), StreamError::policy_violation);
}

}  // namespace
}  // namespace rookery
