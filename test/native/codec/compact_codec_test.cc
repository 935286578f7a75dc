// The compact encoding: what it looks like, that elements survive it in both directions, that the
// encoder chooses the one form that docs/PROTOCOL.md asks for, and what the decoder refuses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "codec/compact_decoder.h"
#include "codec/compact_dictionary.h"
#include "codec/compact_encoder.h"
#include "codec/compact_value.h"
#include "codec/stanza_scan.h"
#include "native/codec/canonical_xml.h"
#include "native/codec/stanza_generator.h"

namespace rookery {
namespace {

using std::string_view_literals::operator""sv;
using testing::canonical_xml;

constexpr std::string_view domain = "example.org";
constexpr CompactLimits wide{.max_depth = 64, .max_attributes = 64, .max_xml_bytes = 1u << 20};
constexpr ScanLimits scan_limits{.max_depth = 64, .max_attributes = 64};

/// Every text is copied to the end of a heap block of its own, where a sanitizer sees any read
/// behind it.
std::string_view exact(std::string_view text) {
  static std::vector<std::unique_ptr<char[]>> blocks;
  if (blocks.size() > 8) blocks.clear();
  blocks.push_back(std::make_unique<char[]>(text.size()));
  std::copy(text.begin(), text.end(), blocks.back().get());
  return {blocks.back().get(), text.size()};
}

std::string encode(std::string_view xml, std::string_view own_domain = domain) {
  std::string out = "kept";
  EXPECT_TRUE(append_element(out, exact(xml), own_domain, 1u << 22)) << xml;
  EXPECT_EQ(out.substr(0, 4), "kept");
  return out.substr(4);
}

CompactError decode(std::string_view packet, std::string& xml, const CompactLimits& limits = wide,
                    std::string_view own_domain = domain) {
  xml = "kept";
  const CompactError error = decode_element(exact(packet), own_domain, limits, xml);
  EXPECT_EQ(xml.substr(0, 4), "kept");
  xml.erase(0, 4);
  return error;
}

void expect_refused(std::string_view packet, CompactError error,
                    const CompactLimits& limits = wide) {
  std::string xml;
  EXPECT_EQ(compact_error_name(decode(packet, xml, limits)), compact_error_name(error));
  EXPECT_EQ(xml, "");
}

/// Both ways; the element that comes back is the same one, and its encoding too.
void expect_round_trip(const std::string& xml) {
  StanzaView view;
  ASSERT_EQ(stream_error_name(scan_stanza(xml, scan_limits, view)), "") << xml;
  const std::string packet = encode(xml);
  std::string back;
  ASSERT_EQ(compact_error_name(decode(packet, back)), "") << xml;
  ASSERT_EQ(stream_error_name(scan_stanza(exact(back), scan_limits, view)), "") << back;
  const auto wanted = canonical_xml(xml);
  ASSERT_TRUE(wanted.has_value()) << xml;
  ASSERT_EQ(canonical_xml(back), wanted) << xml << "\n" << back;
  // The decoder keeps the order of attributes, and adjacent text was joined: all is the same.
  ASSERT_EQ(encode(back), packet) << xml;
}

TEST(CompactCodec, WritesWhatTheDocumentSays) {
  EXPECT_EQ(encode("<presence/>"), "\x03\x00"sv);
  EXPECT_EQ(encode("<a xmlns='urn:xmpp:sm:3' h='17'/>"), "\x06\x04\x06\xDB\x11"sv);
  EXPECT_EQ(encode("<message to='491701234567@example.org/d3' id='a1b2c3d4e5f6'/>"),
            "\x02\x08\x04\xDA\xD1\x0C\x49\x17\x01\x23\x45\x67\x21\x03\xD2\x0C\xA1\xB2\xC3\xD4"
            "\xE5\xF6"sv);
  EXPECT_EQ(encode("<message><body>hey</body></message>"), "\x02\x02\x01\x05\x01\xA2hey"sv);
  EXPECT_EQ(encode("<x>a<y/>b</x>"),
            "\x00\xA0x\x03\x03\x00\xA0\x61\x01\x00\xA0y\x00\x00\xA0\x62"sv);
  EXPECT_EQ(encode("<x><y/><y/>b</x>"),
            "\x00\xA0x\x03\x03\x01\x00\xA0y\x00\x01\x00\xA0y\x00\x00\xA0\x62"sv);
}

TEST(CompactCodec, WritesPlainXml) {
  std::string xml;
  EXPECT_EQ(decode("\x02\x04\x04\xD9\xA0\x61"sv, xml), CompactError::none);
  EXPECT_EQ(xml, "<message to='a@example.org'/>");
  EXPECT_EQ(decode(encode("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                          "</stream:error>"),
                   xml),
            CompactError::none);
  EXPECT_EQ(xml,
            "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
  const std::string_view attributes =
      "<x xmlns='urn:a' xmlns:n0='urn:b' n0:c='1' xml:lang='en' d='&lt;&amp;&apos;&#10;'/>";
  EXPECT_EQ(decode(encode(attributes), xml), CompactError::none);
  EXPECT_EQ(xml, attributes);
  const std::string_view text = "<body>&lt;b&gt; 'quoted' &amp; \"so\"\n\t&#13;</body>";
  EXPECT_EQ(decode(encode(text), xml), CompactError::none);
  EXPECT_EQ(xml, text);
}

TEST(CompactCodec, ElementsSurviveBothWays) {
  for (const char* xml : {
           "<iq xmlns:p='urn:p' p:a='1' a='2'><p:b p:a='x'/></iq>",
           "<a:iq xmlns:a='jabber:client' id='1'><query xmlns='jabber:iq:roster'/></a:iq>",
           "<xml:x xml:lang='en'><y/></xml:x>",
           "<x xml:base='b' xmlns:q='xml' q:base='c'/>",
           "<x><stream:error/><y xmlns='http://etherx.jabber.org/streams'/></x>",
           "<stream:error><x/></stream:error>",
           "<x xmlns=''><y xmlns='jabber:client'/><z/></x>",
           "<x xmlns='urn:&#x61;&amp;b'><y xmlns='urn:a&#38;b'/></x>",
           "<body>a\r\nb\rc&#13;&#10;d</body>",
           "<x a='a\r\nb\rc\td\ne&#9;f&#10;g&#13;h'/>",
           "<body><![CDATA[<a>&amp;]]]]><![CDATA[>]]>x</body>",
           "<body><![CDATA[]]></body>",
           "<body> <a/> <b/>\n</body>",
           "<x>\u0080\u00A0\uD7FF\uE000\uFFFD\U00010000\U0010FFFF\x7F</x>",
           "<\u03B1\u03B2 \u03B3='1'/>",
           "<x><a/><b/><c/>text<d/></x>",
       }) {
    expect_round_trip(xml);
  }
}

TEST(CompactCodec, GeneratedStanzasSurviveBothWays) {
  testing::StanzaGenerator generator(17);
  int scanned = 0;
  for (int turn = 0; turn < 3'000 && !HasFatalFailure(); ++turn) {
    const std::string xml = generator.stanza();
    StanzaView view;
    // What the scan refuses (too many attributes, a reserved namespace) does not get this far, but
    // must not trip the encoder either.
    if (scan_stanza(xml, scan_limits, view) != StreamError::none) {
      std::string out;
      (void)append_element(out, exact(xml), domain, 1u << 20);
      continue;
    }
    ++scanned;
    expect_round_trip(xml);
  }
  EXPECT_GT(scanned, 1'000);
}

TEST(CompactCodec, BrokenTextNeverTripsTheEncoder) {
  testing::StanzaGenerator generator(23);
  for (int turn = 0; turn < 4'000; ++turn) {
    std::string xml = generator.stanza();
    for (std::size_t count = 1 + generator.below(3); count > 0 && !xml.empty(); --count) {
      const std::size_t at = generator.below(xml.size());
      switch (generator.below(3)) {
        case 0: xml[at] = static_cast<char>(generator.below(256)); break;
        case 1: xml.erase(at, 1 + generator.below(8)); break;
        default: xml.insert(at, 1, "<>&'\"/=![]"[generator.below(10)]);
      }
    }
    std::string out = "kept";
    if (!append_element(out, exact(xml), domain, 1u << 20)) {
      EXPECT_EQ(out, "kept");
    }
  }
}

std::string varint(std::size_t number) {
  std::string out;
  for (; number >= 0x80; number >>= 7) out += static_cast<char>(number | 0x80);
  return out + static_cast<char>(number);
}

/// What a decoder makes of a value, without escapes.
std::string unpacked(std::string_view form) {
  const std::string_view whole = exact(form);
  std::string out;
  codec::ByteWriter writer(out, 16, 1u << 20);
  codec::PacketCursor in{whole.data(), whole.data() + whole.size()};
  const bool done =
      codec::read_value(in, domain, codec::ValuePlace::unchecked, writer) == CompactError::none &&
      in.left() == 0;
  writer.finish(done);
  return out;
}

void add_indexes(const std::string& text, std::vector<std::string>& forms) {
  for (std::size_t index = 1; index < codec::word_count; ++index) {
    if (codec::dictionary_words[index] != text) continue;
    forms.push_back(index < 160 ? std::string(1, static_cast<char>(index))
                                : std::string{static_cast<char>(0xC0 + ((index - 160) >> 8)),
                                              static_cast<char>(index - 160)});
  }
}

void add_packed(const std::string& text, std::vector<std::string>& forms) {
  const bool digits = text.find_first_not_of("0123456789") == text.npos;
  if (digits && text.size() <= 10 && (text.size() == 1 || text[0] != '0') &&
      std::stoull(text) <= 0xFFFFFFFFu) {
    forms.push_back("\xDB" + varint(std::stoull(text)));
  }
  const std::string_view alphabets[] = {codec::number_digits, codec::lower_hex_digits,
                                        codec::upper_hex_digits};
  for (std::size_t form = 0; form < 3; ++form) {
    if (text.find_first_not_of(alphabets[form]) != text.npos) continue;
    std::string packed;
    for (std::size_t at = 0; at < text.size(); at += 2) {
      const std::size_t low = at + 1 < text.size() ? alphabets[form].find(text[at + 1]) : 0;
      packed += static_cast<char>(alphabets[form].find(text[at]) << 4 | low);
    }
    forms.push_back(static_cast<char>(0xD1 + form) + varint(text.size()) + packed);
  }
}

/// Of UUID and Base64, what decodes to the text is what counts.
void add_binary(const std::string& text, std::vector<std::string>& forms) {
  std::string hex;
  std::copy_if(text.begin(), text.end(), std::back_inserter(hex),
               [](char character) { return character != '-'; });
  std::string uuid = "\xD4";
  for (std::size_t at = 0; hex.size() == 32 && at < 32; at += 2) {
    uuid += static_cast<char>(std::strtoul(hex.substr(at, 2).c_str(), nullptr, 16));
  }
  if (unpacked(uuid) == text) forms.push_back(uuid);
  std::string bytes;
  unsigned bits = 0;
  int held = 0;
  for (const char character : text) {
    const std::size_t digit = codec::base64_digits.find(character);
    if (digit == std::string_view::npos) break;
    bits = bits << 6 | static_cast<unsigned>(digit);
    held += 6;
    if (held >= 8) bytes += static_cast<char>(bits >> (held -= 8));
  }
  const std::string base64 = "\xD5" + varint(bytes.size()) + bytes;
  if (unpacked(base64) == text) forms.push_back(base64);
}

std::vector<std::string> forms_of(const std::string& text, bool outside);

std::string shortest(const std::vector<std::string>& forms) {
  return *std::min_element(forms.begin(), forms.end(), [](const auto& left, const auto& right) {
    return left.size() < right.size();
  });
}

void add_addresses(const std::string& text, std::vector<std::string>& forms) {
  const std::size_t sign = text.find('@');
  const std::size_t slash = text.find('/');
  if (sign == text.npos || sign == 0 || sign > slash) return;
  const std::string host = text.substr(sign + 1, slash == text.npos ? text.npos : slash - sign - 1);
  const std::string resource = slash == text.npos ? "" : text.substr(slash + 1);
  if (host.empty() || (slash != text.npos && resource.empty())) return;
  const auto inner = [](const std::string& part) { return shortest(forms_of(part, false)); };
  const std::string local = inner(text.substr(0, sign));
  const std::string end = slash == text.npos ? "" : inner(resource);
  if (host == domain) forms.push_back((slash == text.npos ? "\xD9" : "\xDA") + local + end);
  forms.push_back((slash == text.npos ? "\xD6" : "\xD7") + local + inner(host) + end);
}

/// Every form of a value that can stand for the text, in the order of the document.
std::vector<std::string> forms_of(const std::string& text, bool outside) {
  if (text.empty()) return {std::string(1, '\0')};
  std::vector<std::string> forms;
  add_indexes(text, forms);
  add_packed(text, forms);
  add_binary(text, forms);
  if (text == domain) forms.push_back("\xD8");
  if (outside) add_addresses(text, forms);
  if (text.size() <= 32) forms.push_back(static_cast<char>(0x9F + text.size()) + text);
  forms.push_back("\xD0" + varint(text.size()) + text);
  return forms;
}

TEST(CompactCodec, TheEncoderTakesTheShortestFormAndTheFirstOfThose) {
  testing::StanzaGenerator generator(5);
  for (int turn = 0; turn < 10'000; ++turn) {
    const std::string text = generator.value();
    std::string packed;
    codec::ByteWriter writer(packed, 16, 1u << 20);
    ASSERT_TRUE(codec::put_value(writer, exact(text), domain));
    writer.finish(true);
    ASSERT_EQ(packed, shortest(forms_of(text, true))) << text;
  }
}

TEST(CompactCodec, TheDecoderTakesEveryForm) {
  testing::StanzaGenerator generator(6);
  for (int turn = 0; turn < 2'000; ++turn) {
    const std::string text = generator.value();
    for (const std::string& form : forms_of(text, true)) ASSERT_EQ(unpacked(form), text);
  }
}

TEST(CompactCodec, WithoutAServersDomainItsFormsAreNotUsed) {
  const std::string packet = encode("<x to='a@example.org'/>", "");
  std::string xml;
  EXPECT_EQ(decode(packet, xml, wide, ""), CompactError::none);
  EXPECT_EQ(xml, "<x to='a@example.org'/>");
  for (const std::string_view form : {"\x02\x04\x04\xD8"sv, "\x02\x04\x04\xD9\xA0z"sv}) {
    EXPECT_EQ(decode(form, xml, wide, ""), CompactError::bad_form);
  }
}

TEST(CompactCodec, RefusesWhatIsNoElement) {
  expect_refused("", CompactError::truncated);
  expect_refused("\x02"sv, CompactError::truncated);
  expect_refused("\x02\x00x"sv, CompactError::trailing_bytes);
  expect_refused("\xFF\xFF\x00"sv, CompactError::bad_index);
  expect_refused("\x02\x04\xFF\x00"sv, CompactError::bad_index);
  expect_refused("\x02\x04\x04\xCF\xFF"sv, CompactError::bad_index);
  expect_refused("\x02\x04\x04\xDC"sv, CompactError::bad_form);
  expect_refused("\x02\x04\x04\xD9\xD9\xA0z"sv, CompactError::bad_form);
  expect_refused("\x02\x04\x04\xD1\x01\x1F"sv, CompactError::bad_padding);
  expect_refused("\x02\x04\x04\xDB\x81\x00"sv, CompactError::bad_varint);
  expect_refused("\x02\x04\x04\xDB\xFF\xFF\xFF\xFF\x1F"sv, CompactError::bad_varint);
  expect_refused("\x02\x04\x04\xDB\xFF\xFF\xFF\xFF\xFF\x01"sv, CompactError::bad_varint);
  expect_refused("\x02\x04\x04\xD0\xFF\xFF\xFF\xFF\x0F"sv, CompactError::truncated);
  expect_refused("\x02\x04\x04\xA0\x01"sv, CompactError::bad_text);
  expect_refused("\x02\x04\x04\xA0\xC3"sv, CompactError::bad_text);
  expect_refused("\x02\x04\x04\xA2\xEF\xBF\xBE"sv, CompactError::bad_text);
  expect_refused("\x02\x01\x00"sv, CompactError::empty_content);
  expect_refused("\x02\x02\x00"sv, CompactError::empty_content);
  expect_refused("\x02\x03\x01\x02"sv, CompactError::bad_form);
  expect_refused("\x00\x00\x00"sv, CompactError::bad_name);
  expect_refused("\x00\xA2\x61:b\x00"sv, CompactError::bad_name);
  expect_refused("\x00\xA0\x31\x00"sv, CompactError::bad_name);
  expect_refused("\x02\x04\x00\xA4xmlns\x00"sv, CompactError::bad_name);
  expect_refused("\x01\xA2\x61 b\xA0x\x00"sv, CompactError::bad_namespace);
  expect_refused("\x02\x04\x01\x00\xA0x\x00"sv, CompactError::bad_namespace);
  expect_refused("\x02\x08\x04\xA0z\x04\xA0z"sv, CompactError::duplicate_attribute);
  expect_refused("\x02\x08\x04\xA0z\x00\xA1to\xA0z"sv, CompactError::duplicate_attribute);
  expect_refused("\x02\x08\x01\xA0u\xA0n\x00\x01\xA0u\xA0n\x00"sv,
                 CompactError::duplicate_attribute);
}

TEST(CompactCodec, KeepsToItsLimits) {
  const CompactLimits narrow{.max_depth = 3, .max_attributes = 3, .max_xml_bytes = 60};
  std::string xml;
  EXPECT_EQ(decode(encode("<x><x><x/></x></x>"), xml, narrow), CompactError::none);
  expect_refused(encode("<x><x><x><x/></x></x></x>"), CompactError::too_deep, narrow);
  EXPECT_EQ(decode(encode("<x a='1' b='2' c='3'/>"), xml, narrow), CompactError::none);
  expect_refused(encode("<x a='1' b='2' c='3' d='4'/>"), CompactError::too_many_attributes, narrow);
  // The declarations that XML needs are attributes there.
  expect_refused(encode("<x xmlns='u' a='1' b='2' c='3'/>"), CompactError::too_many_attributes,
                 narrow);
  expect_refused(encode("<x xmlns:p='u' p:a='1' p:b='2'/>"), CompactError::too_many_attributes,
                 narrow);
  EXPECT_EQ(
      decode(encode("<x>" + std::string(53, '&').replace(0, 53, std::string(53, 'a')) + "</x>"),
             xml, narrow),
      CompactError::none);
  EXPECT_EQ(xml.size(), 60u);
  expect_refused(encode("<x>" + std::string(54, 'a') + "</x>"), CompactError::too_large, narrow);
  // A few bytes that unfold to many are stopped as well.
  std::string words = std::string("\x02\x03\xFF\x01");
  for (int count = 0; count < 255; ++count) words += "\x00\x3E"sv;
  expect_refused(words, CompactError::too_large, narrow);
  std::string out;
  EXPECT_FALSE(append_element(out, "<message><body>0123456789</body></message>", domain, 8));
  EXPECT_TRUE(out.empty());
}

TEST(CompactCodec, ALongNamespaceWithAShortPrefixIsBounded) {
  std::string xml = "<message xmlns:p='urn:" + std::string(5000, 'x') + "'>";
  for (int count = 0; count < 5000; ++count) xml += "<p:a/>";
  xml += "</message>";
  std::string out = "kept";
  EXPECT_FALSE(append_packet(out, xml, domain, 1u << 20));
  EXPECT_EQ(out, "kept");
}

TEST(CompactCodec, PacketsHaveTheirLengthBefore) {
  std::string out = "kept";
  ASSERT_TRUE(append_packet(out, "<presence/>", domain, 100));
  EXPECT_EQ(out, "kept\x02\x03\x00"sv);
  for (const std::size_t size : {100u, 121u, 122u, 130u, 16'000u, 16'374u, 16'380u, 20'000u}) {
    const std::string xml = "<body>" + std::string(size, '!') + "</body>";
    out.clear();
    ASSERT_TRUE(append_packet(out, xml, domain, 1u << 20));
    std::string element = encode(xml);
    std::string length;
    std::size_t rest = element.size();
    for (; rest >= 0x80; rest >>= 7) length += static_cast<char>(rest | 0x80);
    length += static_cast<char>(rest);
    EXPECT_EQ(out, length + element);
    std::string refused;
    EXPECT_FALSE(append_packet(refused, xml, domain, element.size() - 1));
    EXPECT_TRUE(append_packet(refused, xml, domain, element.size()));
  }
}

}  // namespace
}  // namespace rookery
