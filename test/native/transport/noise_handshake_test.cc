// The Noise handshake in both roles against vectors of other implementations, and what broken
// messages and bad keys get.
#include "transport/noise_handshake.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "native/support/json.h"
#include "native/support/source_folder.h"
#include "native/transport/noise_test_support.h"

namespace rookery::noise_test {
namespace {

using test::Json;

struct End {
  End(NoisePattern pattern, NoiseRole role, const std::string& secret, const std::string& ephemeral)
      : random(ephemeral),
        scratch({.random = &random}),
        keys(key_pair(scratch, secret)),
        handshake(pattern, role, keys) {}

  ChosenRandom random;
  TransportScratch scratch;
  NoiseKeyPair keys;
  NoiseHandshake handshake;
};

std::string seal(End& end, const NoiseKey& key, std::uint8_t nonce, std::string text) {
  const std::size_t size = text.size();
  text.append(kAeadTagBytes, '\0');
  const std::span<std::uint8_t> place(reinterpret_cast<std::uint8_t*>(text.data()), size);
  EXPECT_TRUE(end.scratch.aead().seal(AeadSuite::chacha20_sha256, key.data(),
                                      AeadNonce{0, 0, 0, 0, nonce}, {}, place));
  return text;
}

void run_vector(const Json& vector) {
  const NoisePattern pattern =
      vector["protocol_name"].string().substr(6, 2) == "XX" ? NoisePattern::xx : NoisePattern::ik;
  End initiator(pattern, NoiseRole::initiator, vector["init_static"].hex(),
                vector["init_ephemeral"].hex());
  End responder(pattern, NoiseRole::responder, vector["resp_static"].hex(),
                vector["resp_ephemeral"].hex());
  const NoiseKey remote = key_of(vector["init_remote_static"].hex());
  ASSERT_TRUE(initiator.handshake.begin(initiator.scratch, vector["init_prologue"].hex(), &remote));
  ASSERT_TRUE(responder.handshake.begin(responder.scratch, vector["resp_prologue"].hex()));

  End* writer = &initiator;
  End* reader = &responder;
  std::size_t index = 0;
  const std::vector<Json>& messages = vector["messages"].items();
  for (; !initiator.handshake.finished(); ++index, std::swap(writer, reader)) {
    std::string wire;
    std::string payload;
    ASSERT_TRUE(
        writer->handshake.write(writer->scratch, messages.at(index)["payload"].hex(), wire));
    EXPECT_EQ(wire, messages[index]["ciphertext"].hex());
    ASSERT_TRUE(reader->handshake.read(reader->scratch, wire, payload));
    EXPECT_EQ(payload, messages[index]["payload"].hex());
  }
  ASSERT_TRUE(responder.handshake.finished());
  EXPECT_EQ(initiator.handshake.hash(), responder.handshake.hash());
  if (!vector["handshake_hash"].is_null()) {
    EXPECT_EQ(text_of(responder.handshake.hash()), vector["handshake_hash"].hex());
  }
  EXPECT_EQ(responder.handshake.remote(), initiator.keys.open);
  EXPECT_EQ(initiator.handshake.remote(), responder.keys.open);

  NoiseKey keys[4];  // The initiator's to send and to receive, then the responder's.
  ASSERT_TRUE(initiator.handshake.split(initiator.scratch, keys[0], keys[1]));
  ASSERT_TRUE(responder.handshake.split(responder.scratch, keys[2], keys[3]));
  EXPECT_EQ(keys[0], keys[3]);
  EXPECT_EQ(keys[1], keys[2]);
  std::uint8_t nonces[2] = {0, 0};
  for (; index < messages.size(); ++index) {
    const std::size_t way = index % 2;
    EXPECT_EQ(seal(initiator, keys[way], nonces[way]++, messages[index]["payload"].hex()),
              messages[index]["ciphertext"].hex());
  }
}

TEST(NoiseHandshake, PublishedVectors) {
  const Json file = Json::load(test::source_path("test/native/transport/noise_vectors.json"));
  ASSERT_EQ(file["vectors"].items().size(), 4u);
  for (const Json& vector : file["vectors"].items()) {
    SCOPED_TRACE(vector["source"].string() + ": " + vector["protocol_name"].string());
    run_vector(vector);
  }
}

TEST(NoiseHandshake, StateIsSmall) { EXPECT_LE(sizeof(NoiseHandshake), 320u); }

/// A handshake of IK up to its first message.
struct Ik {
  Ik()
      : initiator(NoisePattern::ik, NoiseRole::initiator, std::string(32, 'a'),
                  std::string(32, 'b')),
        responder(NoisePattern::ik, NoiseRole::responder, std::string(32, 'd'),
                  std::string(32, 'e')) {
    EXPECT_TRUE(initiator.handshake.begin(initiator.scratch, "P", &responder.keys.open));
    EXPECT_TRUE(responder.handshake.begin(responder.scratch, "P"));
  }
  End initiator;
  End responder;
};

TEST(NoiseHandshake, EveryChangedByteOfAMessageIsFound) {
  Ik good;
  std::string wire;
  ASSERT_TRUE(good.initiator.handshake.write(good.initiator.scratch, "login", wire));
  for (std::size_t at = 0; at < wire.size(); ++at) {
    Ik other;
    std::string changed = wire;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    std::string payload = "before";
    EXPECT_FALSE(other.responder.handshake.read(other.responder.scratch, changed, payload)) << at;
    EXPECT_EQ(payload, "before");
    // It is over: not even the right message helps.
    EXPECT_FALSE(other.responder.handshake.read(other.responder.scratch, wire, payload));
    std::string out;
    EXPECT_FALSE(other.responder.handshake.write(other.responder.scratch, "", out));
    EXPECT_EQ(out, "");
    NoiseKey key;
    EXPECT_FALSE(other.responder.handshake.split(other.responder.scratch, key, key));
  }
}

TEST(NoiseHandshake, EveryShorterMessageIsRefused) {
  Ik good;
  std::string wire;
  ASSERT_TRUE(good.initiator.handshake.write(good.initiator.scratch, "", wire));
  for (std::size_t size = 0; size < wire.size(); ++size) {
    Ik other;
    std::string payload;
    EXPECT_FALSE(
        other.responder.handshake.read(other.responder.scratch, wire.substr(0, size), payload));
  }
}

TEST(NoiseHandshake, DifferentProloguesDoNotAgree) {
  End initiator(NoisePattern::ik, NoiseRole::initiator, "a", "b");
  End responder(NoisePattern::ik, NoiseRole::responder, "c", "d");
  ASSERT_TRUE(initiator.handshake.begin(initiator.scratch, "one", &responder.keys.open));
  ASSERT_TRUE(responder.handshake.begin(responder.scratch, "two"));
  std::string wire;
  std::string payload;
  ASSERT_TRUE(initiator.handshake.write(initiator.scratch, "", wire));
  EXPECT_FALSE(responder.handshake.read(responder.scratch, wire, payload));
}

TEST(NoiseHandshake, TurnsAreKept) {
  Ik pair;
  std::string out;
  std::string payload;
  EXPECT_FALSE(pair.responder.handshake.write(pair.responder.scratch, "", out));
  EXPECT_FALSE(
      pair.initiator.handshake.read(pair.initiator.scratch, std::string(96, 'x'), payload));
  EXPECT_EQ(out + payload, "");
}

constexpr auto kWhose = NoiseCrypto::Own::ephemeral_pair;

/// Points of small order (RFC 7748 section 6.1): every shared secret with them is zero.
TEST(NoiseCrypto, KeysOfSmallOrderAreRefused) {
  TransportScratch scratch;
  const NoiseKeyPair own = key_pair(scratch, std::string(32, 'x'));
  NoiseKey one{1};
  NoiseKey prime;  // p = 2^255 - 19, which is zero again.
  prime.fill(0xff);
  prime[0] = 0xed;
  prime[31] = 0x7f;
  const NoiseKey order_eight = key_of(
      "\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a"
      "\xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8\x00");
  for (const NoiseKey& peer : {NoiseKey{}, one, prime, order_eight}) {
    NoiseKey shared{};
    EXPECT_FALSE(scratch.noise().x25519(kWhose, own, peer, shared));
  }
  NoiseKey shared{};
  EXPECT_TRUE(scratch.noise().x25519(kWhose, own, own.open, shared));
}

TEST(NoiseCrypto, KeysAgree) {
  TransportScratch scratch;  // With OpenSSL's own generator.
  NoiseKeyPair one;
  NoiseKeyPair two;
  ASSERT_TRUE(scratch.noise().make_key_pair(one));
  ASSERT_TRUE(scratch.noise().make_key_pair(two));
  EXPECT_NE(one.open, two.open);
  NoiseKey first{};
  NoiseKey second{};
  ASSERT_TRUE(scratch.noise().x25519(NoiseCrypto::Own::static_pair, one, two.open, first));
  ASSERT_TRUE(scratch.noise().x25519(NoiseCrypto::Own::static_pair, two, one.open, second));
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace rookery::noise_test
