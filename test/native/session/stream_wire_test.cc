// What each form of a stream makes of the server's elements, opening, errors and close.
#include "session/stream_wire.h"

#include <gtest/gtest.h>

namespace rookery {
namespace {

/// One of its own for each test, with counters to look at.
struct Spelled {
  const std::string domain = "example.org";
  ShardCounters counters;
  StreamWire wire{domain, counters};
};

/// The payload of the one short, unmasked text frame that `wire` is.
std::string document(const std::string& wire) {
  if (wire.size() < 2 || wire[0] != '\x81') return "no final text frame";
  std::size_t size = static_cast<unsigned char>(wire[1]);
  std::size_t at = 2;
  if (size == 126) {
    size = static_cast<unsigned char>(wire[2]) * 256u + static_cast<unsigned char>(wire[3]);
    at = 4;
  }
  return wire.size() == at + size ? wire.substr(at) : "a frame of another length";
}

std::string as_document(std::string_view xml) {
  Spelled spelled;
  StreamWire& wire = spelled.wire;
  std::string out;
  wire.element(StreamForm::xml_websocket, out, xml);
  return document(out);
}

TEST(StreamWire, XmlStreamTakesAnElementAsItIs) {
  Spelled spelled;
  StreamWire& wire = spelled.wire;
  std::string out = "<a/>";
  wire.element(StreamForm::xml_stream, out, "<message><body>x</body></message>");
  EXPECT_EQ(out, "<a/><message><body>x</body></message>");
}

TEST(StreamWire, XmlStreamOpensAndCloses) {
  Spelled spelled;
  StreamWire& wire = spelled.wire;
  std::string out;
  wire.open(StreamForm::xml_stream, out, "1f");
  EXPECT_EQ(out,
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
            "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' xml:lang='en' "
            "from='example.org' id='1f'>");
  out.clear();
  wire.error(StreamForm::xml_stream, out, StreamError::conflict, "a < b", "<x xmlns='y'/>");
  wire.close(StreamForm::xml_stream, out);
  EXPECT_EQ(out,
            "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
            "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>a &lt; b</text>"
            "<x xmlns='y'/></stream:error></stream:stream>");
}

TEST(StreamWire, DocumentDeclaresTheClientNamespaceOnce) {
  EXPECT_EQ(as_document("<message to='a'><body>x</body></message>"),
            "<message xmlns='jabber:client' to='a'><body>x</body></message>");
  EXPECT_EQ(as_document("<presence/>"), "<presence xmlns='jabber:client'/>");
  EXPECT_EQ(as_document("<iq>"), "<iq xmlns='jabber:client'>");
  EXPECT_EQ(as_document("<message to='a' xmlns=\"jabber:client\"/>"),
            "<message to='a' xmlns=\"jabber:client\"/>");
  EXPECT_EQ(as_document("<a xmlns='urn:xmpp:sm:3' h='1'/>"), "<a xmlns='urn:xmpp:sm:3' h='1'/>");
}

TEST(StreamWire, DocumentIsNotFooledByWhatLooksLikeADeclaration) {
  EXPECT_EQ(as_document("<message id=' xmlns=\"x\" '/>"),
            "<message xmlns='jabber:client' id=' xmlns=\"x\" '/>");
  EXPECT_EQ(as_document("<message><x xmlns='y'/></message>"),
            "<message xmlns='jabber:client'><x xmlns='y'/></message>");
  EXPECT_EQ(as_document("<message xmlns:a = 'b'/>"),
            "<message xmlns='jabber:client' xmlns:a = 'b'/>");
  EXPECT_EQ(as_document("<c:message xmlns:c='jabber:client'><body/></c:message>"),
            "<c:message xmlns='jabber:client' xmlns:c='jabber:client'><body/></c:message>");
}

TEST(StreamWire, DocumentDeclaresTheStreamPrefixWhereItMayBeUsed) {
  EXPECT_EQ(as_document("<stream:features/>"),
            "<stream:features xmlns:stream='http://etherx.jabber.org/streams'/>");
  EXPECT_EQ(as_document("<message><stream:x/></message>"),
            "<message xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
            "<stream:x/></message>");
  EXPECT_EQ(as_document("<message xmlns:stream='a'><stream:x/></message>"),
            "<message xmlns='jabber:client' xmlns:stream='a'><stream:x/></message>");
}

TEST(StreamWire, WhatIsNoElementDoesNotReadBeyondItsEnd) {
  for (const std::string_view xml : {"", "<", "<a", "<a ", "<a b", "<a b=", "<a b='", "<a b='c'"}) {
    EXPECT_NE(as_document(xml).find("jabber:client"), std::string::npos) << xml;
  }
}

TEST(StreamWire, WebSocketOpensFailsAndCloses) {
  Spelled spelled;
  StreamWire& wire = spelled.wire;
  std::string out;
  wire.open(StreamForm::xml_websocket, out, "1f");
  EXPECT_EQ(document(out),
            "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' version='1.0' xml:lang='en' "
            "from='example.org' id='1f'/>");
  out.clear();
  wire.error(StreamForm::xml_websocket, out, StreamError::reset, {}, {});
  EXPECT_EQ(document(out),
            "<stream:error xmlns:stream='http://etherx.jabber.org/streams'>"
            "<reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
  out.clear();
  wire.close(StreamForm::xml_websocket, out);
  EXPECT_EQ(document(out), "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>");
}

TEST(StreamWire, CompactPacketsHaveTheirLengthBeforeThem) {
  Spelled spelled;
  std::string out;
  spelled.wire.element(StreamForm::compact, out, "<r xmlns='urn:xmpp:sm:3'/>");
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(static_cast<std::size_t>(out[0]), out.size() - 1);
  const std::string one = out;
  spelled.wire.element(StreamForm::compact, out, "<r xmlns='urn:xmpp:sm:3'/>");
  EXPECT_EQ(out, one + one);
}

TEST(StreamWire, CompactCountsWhatItCannotCarryAndSaysThatThereWasSomething) {
  Spelled spelled;
  std::string out;
  // 64 KiB of namespace under a prefix of one letter, used three hundred times.
  std::string bomb = "<message xmlns:a='urn:" + std::string(65536, 'x') + "'>";
  for (int index = 0; index < 300; ++index) bomb += "<a:b/>";
  bomb += "</message>";
  spelled.wire.element(StreamForm::compact, out, bomb);
  EXPECT_EQ(spelled.counters.get(Counter::compact_unrepresentable), 1);
  EXPECT_GT(out.size(), 1u);
  EXPECT_LT(out.size(), 100u);
}

}  // namespace
}  // namespace rookery
