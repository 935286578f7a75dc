// What each form of a stream makes of the server's elements, opening, errors and close.
#include "session/stream_wire.h"

#include <gtest/gtest.h>

namespace rookery {
namespace {

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
  StreamWire wire;
  std::string out;
  wire.element(StreamForm::xml_websocket, out, xml);
  return document(out);
}

TEST(StreamWire, XmlStreamTakesAnElementAsItIs) {
  StreamWire wire;
  std::string out = "<a/>";
  wire.element(StreamForm::xml_stream, out, "<message><body>x</body></message>");
  EXPECT_EQ(out, "<a/><message><body>x</body></message>");
}

TEST(StreamWire, XmlStreamOpensAndCloses) {
  StreamWire wire;
  std::string out;
  wire.open(StreamForm::xml_stream, out, "example.org", "1f");
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
  StreamWire wire;
  std::string out;
  wire.open(StreamForm::xml_websocket, out, "example.org", "1f");
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

}  // namespace
}  // namespace rookery
