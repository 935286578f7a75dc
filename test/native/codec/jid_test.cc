// Addresses: the examples of RFC 7622 section 3.5, and what normalisation does.
#include "codec/jid.h"

#include <gtest/gtest.h>

namespace rookery {
namespace {

using std::string_view_literals::operator""sv;

std::string normal(std::string_view text) {
  Jid jid;
  return parse_jid(text, jid) ? jid.full() : "(refused)";
}

TEST(Jid, ParsesExamplesOfTheRfc) {
  EXPECT_EQ(normal("juliet@example.com"), "juliet@example.com");
  EXPECT_EQ(normal("juliet@example.com/foo"), "juliet@example.com/foo");
  EXPECT_EQ(normal("juliet@example.com/foo bar"), "juliet@example.com/foo bar");
  EXPECT_EQ(normal("juliet@example.com/foo@bar"), "juliet@example.com/foo@bar");
  EXPECT_EQ(normal("foo\\20bar@example.com"), "foo\\20bar@example.com");
  EXPECT_EQ(normal("fussball@example.com"), "fussball@example.com");
  EXPECT_EQ(normal("fu\u00DF"
                   "ball@example.com"),
            "fu\u00DF"
            "ball@example.com");
  EXPECT_EQ(normal("\u03C0@example.com"), "\u03C0@example.com");
  EXPECT_EQ(normal("\u03A3@example.com/foo"), "\u03C3@example.com/foo");
  EXPECT_EQ(normal("\u03C2@example.com/foo"), "\u03C2@example.com/foo");
  EXPECT_EQ(normal("king@example.com/\u265A"), "king@example.com/\u265A");
  EXPECT_EQ(normal("example.com"), "example.com");
  EXPECT_EQ(normal("example.com/foobar"), "example.com/foobar");
  EXPECT_EQ(normal("a.example.com/b@example.net"), "a.example.com/b@example.net");
}

TEST(Jid, RefusesCounterexamplesOfTheRfc) {
  for (const std::string_view text :
       {"\"juliet\"@example.com"sv, "foo bar@example.com"sv, "juliet@example.com/"sv,
        "@example.com/"sv, "henry\u2163@example.com"sv, "\u265A@example.com"sv, "juliet@"sv,
        "/foobar"sv}) {
    EXPECT_EQ(normal(text), "(refused)") << text;
  }
}

TEST(Jid, RefusesWhatIsNoAddress) {
  for (const std::string_view text : {""sv,           "@"sv,           "a@"sv,
                                      "@b"sv,         "a@b/"sv,        "a&b@c"sv,
                                      "a'b@c"sv,      "a:b@c"sv,       "a<b@c"sv,
                                      "a>b@c"sv,      "a@b@c"sv,       "a\tb@c"sv,
                                      "a\0b@c"sv,     "a\x7F@c"sv,     "a@b c"sv,
                                      "a@-b"sv,       "a@b-"sv,        "a@b..c"sv,
                                      "a@.b"sv,       "a@."sv,         "a@b_c"sv,
                                      "a@b/c\nd"sv,   "a@b/\x7F"sv,    "a@b/c\0"sv,
                                      "\xFF@b"sv,     "a@\xFF"sv,      "a@b/\xFF"sv,
                                      "a@[::1"sv,     "a@[1.2.3.4]"sv, "a@[]"sv,
                                      "a@[::g]"sv,    "a@b:5222"sv,    "a\xE2\x80\x8B@b"sv,
                                      "a@xn--"sv,     "a@xn--a"sv,     "a@xn--0"sv,
                                      "a\xC2\xA0@b"sv}) {
    EXPECT_EQ(normal(text), "(refused)") << text;
  }
}

TEST(Jid, FoldsCaseOfLocalAndDomainOnly) {
  EXPECT_EQ(normal("Juliet@EXAMPLE.com/Balcony"), "juliet@example.com/Balcony");
  EXPECT_EQ(normal("J\u00DCRGEN@M\u00DCNCHEN.example"), "j\u00FCrgen@m\u00FCnchen.example");
  EXPECT_EQ(normal("a@example.com."), "a@example.com");
}

TEST(Jid, Composes) {
  // The same letter in one code point and in two.
  EXPECT_EQ(normal("e\u0301@b"), "\u00E9@b");
  EXPECT_EQ(normal("a@b/e\u0301"), "a@b/\u00E9");
  // Fullwidth forms, which may turn into what a localpart must not contain.
  EXPECT_EQ(normal("\uFF41\uFF22@b"), "ab@b");
  EXPECT_EQ(normal("\uFF20x@b"), "(refused)");
  EXPECT_EQ(normal("\uFF76\uFF9E@b"), "\u30AC@b");
  // Other spaces in a resource become the ordinary one.
  EXPECT_EQ(normal("a@b/x\u00A0y\u3000z"), "a@b/x y z");
}

TEST(Jid, KnowsAddressLiterals) {
  EXPECT_EQ(normal("a@192.0.2.1"), "a@192.0.2.1");
  EXPECT_EQ(normal("a@[2001:DB8:0::1]/x"), "a@[2001:db8::1]/x");
}

TEST(Jid, DecodesAsciiFormsOfInternationalLabels) {
  EXPECT_EQ(normal("a@xn--mnchen-3ya.example"), "a@m\u00FCnchen.example");
  EXPECT_EQ(normal("a@XN--MNCHEN-3YA.example"), "a@m\u00FCnchen.example");
  EXPECT_EQ(normal("xn--wgv71a119e.jp"), "\u65E5\u672C\u8A9E.jp");
  EXPECT_EQ(normal("xn--e1afmkfd.xn--p1ai"), "\u043F\u0440\u0438\u043C\u0435\u0440.\u0440\u0444");
  // Punycode that hides an ASCII name or a capital letter.
  EXPECT_EQ(normal("a@xn--abc-"), "(refused)");
  EXPECT_EQ(normal("a@xn--tda"), "a@\u00FC");
  EXPECT_EQ(normal("a@xn--wca"), "(refused)");
}

TEST(Jid, KeepsContextRules) {
  EXPECT_EQ(normal("l\u00B7l@b"), "l\u00B7l@b");
  EXPECT_EQ(normal("a\u00B7b@b"), "(refused)");
  EXPECT_EQ(normal("\u30AB\u30FB\u30AB@b"), "\u30AB\u30FB\u30AB@b");
  EXPECT_EQ(normal("\u30FBx@b"), "(refused)");
  EXPECT_EQ(normal("\u0915\u094D\u200D\u0937@b"), "\u0915\u094D\u200D\u0937@b");
  EXPECT_EQ(normal("a\u200D@b"), "(refused)");
  EXPECT_EQ(normal("\u0627\u0661\u06F1@b"), "(refused)");
}

TEST(Jid, KeepsTheBidiRule) {
  EXPECT_EQ(normal("\u05D0\u05D1@b"), "\u05D0\u05D1@b");
  EXPECT_EQ(normal("\u05D0"
                   "1@b"),
            "\u05D0"
            "1@b");
  EXPECT_EQ(normal("1\u05D0@b"), "(refused)");
  EXPECT_EQ(normal("\u05D0"
                   "a@b"),
            "(refused)");
}

TEST(Jid, LimitsParts) {
  const std::string longest(1023, 'a');
  std::string domain;
  while (domain.size() + 60 <= 1023) domain += std::string(59, 'd') + ".";
  domain += "d";
  EXPECT_EQ(normal(longest + "@b/" + longest), longest + "@b/" + longest);
  EXPECT_EQ(normal(longest + "a@b"), "(refused)");
  EXPECT_EQ(normal("a@b/" + longest + "a"), "(refused)");
  EXPECT_EQ(normal("a@" + domain), "a@" + domain);
  EXPECT_EQ(normal("a@" + domain + std::string(62, 'd')), "(refused)");
  EXPECT_EQ(normal("a@" + std::string(64, 'd')), "(refused)");
  // A letter that grows when it is composed or folded must not pass the limit afterwards.
  std::string growing;
  while (growing.size() + 2 <= 1023) growing += "\u023A";
  EXPECT_EQ(normal(growing + "@b"), "(refused)");
}

TEST(Jid, NormalisationIsStable) {
  for (const std::string_view text :
       {"\uFF21@b"sv, "J\u00DCRGEN@b/\u00C5"sv, "\u1E9E@b"sv, "\u0130@b"sv, "\u212B@b"sv}) {
    Jid once;
    if (!parse_jid(text, once)) continue;
    EXPECT_EQ(normal(once.full()), once.full()) << text;
  }
}

}  // namespace
}  // namespace rookery
