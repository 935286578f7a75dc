// What one stanza costs in the codec, and one login in SASL: nanoseconds each, best and median of
// many short rounds (other work on the machine only ever makes a round slower). The first line
// measures the machine: a step of three dependent cycles, for figures from a busy or other machine.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "codec/compact_decoder.h"
#include "codec/compact_encoder.h"
#include "codec/jid.h"
#include "codec/stanza_scan.h"
#include "codec/stream_splitter.h"
#include "codec/xml_element.h"
#include "codec/xml_text.h"
#include "session/sasl.h"
#include "session/scram_crypto.h"

namespace {

using namespace rookery;

constexpr int rounds = 1000;
constexpr double round_seconds = 100e-6;

constexpr std::string_view header =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>";

/// A message as Conversations sends it, with a receipt request and an origin id.
constexpr std::string_view chat_message =
    "<message to='romeo.montague@example.org' id='6a0f1d2c-77ab-4c0d-9b1e-0f5f6b1c2d3e' "
    "type='chat'><body>Wherefore art thou? It is late, and the garden is dark.</body>"
    "<request xmlns='urn:xmpp:receipts'/><active xmlns='http://jabber.org/protocol/chatstates'/>"
    "<origin-id xmlns='urn:xmpp:sid:0' id='6a0f1d2c-77a'/></message>";

constexpr std::string_view plain_message =
    "<message to='u1234@example.org' id='m-000017' type='chat'><body>"
    "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
    "0123456789 </body></message>";

void keep(const void* value) { asm volatile("" : : "g"(value) : "memory"); }

template <typename Work>
void measure(const char* name, Work&& work) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> figures;
  std::size_t turns = 1;
  while (figures.size() < rounds) {
    const auto begin = Clock::now();
    for (std::size_t turn = 0; turn < turns; ++turn) work();
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    if (seconds < round_seconds) {
      turns *= 2;
      continue;
    }
    figures.push_back(seconds * 1e9 / static_cast<double>(turns));
  }
  std::sort(figures.begin(), figures.end());
  std::printf("%-52s %9.1f ns best %9.1f ns median\n", name, figures.front(),
              figures[figures.size() / 2]);
}

class CountingRandom : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(++count_);
  }

 private:
  unsigned count_ = 0;
};

void measure_splitter() {
  const SplitLimits limits{.max_bytes = 65536, .max_depth = 64};
  StreamSplitter splitter;
  splitter.feed(header, limits);
  measure("split: chat message with extensions, whole", [&] {
    const SplitResult result = splitter.feed(chat_message, limits);
    keep(&result);
  });
  measure("split: plain chat message, whole", [&] {
    const SplitResult result = splitter.feed(plain_message, limits);
    keep(&result);
  });
  measure("split: chat message with extensions, two chunks", [&] {
    splitter.feed(chat_message.substr(0, 130), limits);
    const SplitResult result = splitter.feed(chat_message.substr(130), limits);
    keep(&result);
  });
  std::string wide = "<message to='u1234@example.org'><body>";
  while (wide.size() < 4000) wide += "text that goes on without any markup in it, ";
  wide += "</body></message>";
  measure("split: message of 4,000 bytes", [&] {
    const SplitResult result = splitter.feed(wide, limits);
    keep(&result);
  });
}

void measure_scan() {
  const ScanLimits limits{.max_depth = 64, .max_attributes = 32};
  StanzaView view;
  const auto scan = [&](const char* name, const std::string& text) {
    if (scan_stanza(text, limits, view) != StreamError::none) std::abort();
    measure(name, [&] {
      scan_stanza(text, limits, view);
      keep(&view);
    });
  };
  scan("scan: chat message with extensions", std::string(chat_message));
  scan("scan: plain chat message", std::string(plain_message));
  scan("scan: the same in Greek",
       "<message to='u1234@example.org' id='m-000017' type='chat'><body>"
       "\u03BF\u03C5\u03C1\u03B1\u03BD\u03BF\u03C2 \u03BA\u03B1\u03B9 \u03B3\u03B7 "
       "\u03BA\u03B1\u03B9 "
       "\u03B8\u03B1\u03BB\u03B1\u03C3\u03C3\u03B1 \u03BA\u03B1\u03B9 "
       "\u03B1\u03B5\u03C1\u03B1\u03C2 "
       "\u03BA\u03B1\u03B9 \u03C6\u03C9\u03C4\u03B9\u03B1</body></message>");
  scan("scan: acknowledgement", "<a xmlns='urn:xmpp:sm:3' h='17'/>");
  scan("scan: presence", "<presence id='p1'><show>away</show><priority>5</priority></presence>");
}

void measure_text() {
  std::string out;
  const std::string_view body = "Wherefore art thou? It is \"late\", & the garden <dark>.";
  measure("escape 54 bytes", [&] {
    out.clear();
    append_escaped(out, body);
    keep(out.data());
  });
  std::string escaped;
  append_escaped(escaped, body);
  measure("unescape them", [&] {
    out.clear();
    append_unescaped(out, escaped);
    keep(out.data());
  });
  Jid jid;
  measure("address, ASCII", [&] { keep(&jid + parse_jid("Romeo@example.org/garden", jid)); });
  measure("address, Greek", [&] {
    keep(&jid + parse_jid("\u03C1\u03C9\u03BC\u03B1\u03B9\u03BF\u03C2@example.org/garden", jid));
  });
  XmlReader reader;
  XmlElement element;
  measure("tree of the chat message", [&] {
    if (!reader.read(chat_message, 16, element)) std::abort();
  });
}

/// The compact encoding: time both ways, and how many bytes it saves.
void measure_compact() {
  constexpr std::string_view domain = "example.org";
  constexpr std::string_view receipt =
      "<message to='491701234567@example.org/d3' from='49170555666@example.org/d1' "
      "id='a1b2c3d4e5f6'><received xmlns='urn:xmpp:receipts' id='0f1e2d3c4b5a'/></message>";
  constexpr std::string_view marker =
      "<message to='491701234567@example.org/d3' from='49170555666@example.org/d1' "
      "id='a1b2c3d4e5f6'><displayed xmlns='urn:xmpp:chat-markers:0' id='0f1e2d3c4b5a'/></message>";
  constexpr std::string_view phones_message =
      "<message to='491701234567@example.org' id='a1b2c3d4e5f6' type='chat'><body>"
      "Wherefore art thou? It is late, and the garden is dark.</body>"
      "<request xmlns='urn:xmpp:receipts'/></message>";
  const struct {
    const char* name;
    std::string_view xml;
  } cases[] = {{"chat message with extensions", chat_message},
               {"plain chat message", plain_message},
               {"message between phones", phones_message},
               {"receipt", receipt},
               {"read marker", marker},
               {"acknowledgement", "<a xmlns='urn:xmpp:sm:3' h='17'/>"}};
  const CompactLimits limits{.max_depth = 40, .max_attributes = 64, .max_xml_bytes = 65536};
  for (const auto& each : cases) {
    std::string packed;
    std::string xml;
    measure((std::string("compact, encode: ") + each.name).c_str(), [&] {
      packed.clear();
      if (!append_element(packed, each.xml, domain, 65536)) std::abort();
      keep(packed.data());
    });
    measure("         decode", [&] {
      xml.clear();
      if (decode_element(packed, domain, limits, xml) != CompactError::none) std::abort();
      keep(xml.data());
    });
    std::printf("         %zu bytes of XML, a packet of %zu\n", each.xml.size(), packed.size() + 1);
  }
}

/// The client's proof, so that whole exchanges succeed.
std::string client_final(scram::Hash hash, const scram::Digest& client_key, const ScramKeys& keys,
                         const std::string& bare, const std::string& challenge) {
  const std::string nonce = challenge.substr(2, challenge.find(',') - 2);
  const std::string without = "c=biws,r=" + nonce;
  const std::string auth = bare + "," + challenge + "," + without;
  const std::string_view stored(reinterpret_cast<const char*>(keys.stored_key.data()),
                                scram::digest_bytes(hash));
  scram::Digest proof = scram::hmac(hash, stored, {auth});
  for (std::size_t index = 0; index < proof.size(); ++index) proof[index] ^= client_key[index];
  return without + ",p=" + base64_encode(scram::digest_view(hash, proof));
}

void measure_scram(const char* name, bool sha256) {
  const scram::Hash hash = sha256 ? scram::Hash::sha256 : scram::Hash::sha1;
  Credentials credentials;
  (sha256 ? credentials.sha256 : credentials.sha1) =
      derive_scram_keys(sha256, "pencil", "salt of sixteen!", 4096);
  const ScramKeys& keys = sha256 ? credentials.sha256 : credentials.sha1;
  const scram::Digest salted = scram::salted_password(hash, "pencil", keys.salt, 4096);
  const scram::Digest client_key =
      scram::hmac(hash, scram::digest_view(hash, salted), {"Client Key"});
  const std::string bare = "n=romeo,r=fyko+d2lbbFgONRv9qkxdawL";
  CountingRandom random;
  // The client's part of the work is measured by itself, to be taken off the whole.
  measure(name, [&] {
    SaslServer server(sha256 ? SaslMechanism::scram_sha_256 : SaslMechanism::scram_sha_1,
                      "example.org", {}, true, random);
    server.start("n,," + bare, true);
    server.credentials(&credentials, {"secret"});
    const std::string last = client_final(hash, client_key, keys, bare, server.payload());
    if (server.respond(last) != SaslStep::success) std::abort();
  });
  const std::string challenge =
      "r=fyko+d2lbbFgONRv9qkxdawLAAECAwQFBgcICQoLDA0ODxAR,s=QSXCR+Q6sek8bf92QSXC,i=4096";
  measure("  of which the client's part", [&] {
    const std::string last = client_final(hash, client_key, keys, bare, challenge);
    keep(last.data());
  });
}

/// Three cycles, whatever the machine does besides: a multiplication waits for the one before.
void measure_machine() {
  std::uint64_t product = 3;
  measure("machine: 100 dependent multiplications", [&] {
    for (int step = 0; step < 100; ++step) {
      product *= 0x9E3779B97F4A7C15u;
      asm volatile("" : "+r"(product));
    }
  });
}

}  // namespace

int main() {
  std::printf("chat message with extensions: %zu bytes, plain: %zu\n", chat_message.size(),
              plain_message.size());
  measure_machine();
  measure_splitter();
  measure_scan();
  measure_text();
  measure_compact();
  measure_scram("SCRAM-SHA-1 exchange, both sides", false);
  measure_scram("SCRAM-SHA-256 exchange, both sides", true);
  return 0;
}
