// The server's side of the compact protocol's transport: both patterns in every cut, the login in
// the middle of the handshake, refusals, frames, and what a broken peer gets.
#include "transport/noise_transport.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "native/transport/noise_test_support.h"

namespace rookery::noise_test {
namespace {

constexpr NoisePattern kPatterns[] = {NoisePattern::xx, NoisePattern::ik};

std::string refusal(NoiseRefusal cause) { return {0, 0, static_cast<char>(cause)}; }

class NoiseTransportTest : public testing::TestWithParam<NoisePattern> {};
INSTANTIATE_TEST_SUITE_P(Patterns, NoiseTransportTest, testing::ValuesIn(kPatterns),
                         [](const auto& instance) {
                           return instance.param == NoisePattern::xx ? "XX" : "IK";
                         });

TEST_P(NoiseTransportTest, LogsInWhateverTheCut) {
  for (const std::size_t step : {0u, 1u, 2u, 3u, 5u, 7u, 33u, 100u}) {
    SCOPED_TRACE(step);
    NoisePair pair(GetParam());
    pair.connect("who I am", "welcome", step);
    EXPECT_EQ(pair.server->version(), GetParam() == NoisePattern::xx ? "Noise_XX" : "Noise_IK");
    pair.client.send("hello ");
    pair.client.send("");
    pair.client.send("there");
    ASSERT_EQ(pair.to_server(pair.client.take_wire(), step), TransportStatus::ok);
    EXPECT_EQ(pair.plain, "hello there");
    EXPECT_EQ(pair.out, "");
  }
}

TEST_P(NoiseTransportTest, CutsLongTextsIntoFrames) {
  NoisePair pair(GetParam());
  pair.connect();
  std::string text;
  for (std::size_t index = 0; index < 150'000; ++index) text += static_cast<char>(index % 251);
  std::string out;
  ASSERT_EQ(pair.server->send(pair.scratch, text, out), TransportStatus::ok);
  EXPECT_EQ(out.size(), text.size() + 3 * 18);  // 65,519 bytes each, and the rest.
  EXPECT_EQ(out.substr(0, 2), "\xff\xff");
  pair.client.receive(out);
  EXPECT_EQ(pair.client.take_plain(), text);
  out.clear();
  ASSERT_EQ(pair.server->send(pair.scratch, "", out), TransportStatus::ok);
  EXPECT_EQ(out, "");

  // The largest frame the other way, in small pieces, with another behind it.
  pair.client.send(text.substr(0, 65'519));
  pair.client.send("end");
  ASSERT_EQ(pair.to_server(pair.client.take_wire(), 1000), TransportStatus::ok);
  EXPECT_EQ(pair.plain, text.substr(0, 65'519) + "end");
}

/// malloc's own account stands in noise_heap_test.cc.
TEST_P(NoiseTransportTest, HoldsNextToNothingAtRest) {
  NoisePair pair(GetParam());
  const std::size_t before = pair.server->heap_bytes();
  EXPECT_LE(before, 300u);
  pair.connect();
  EXPECT_LE(pair.server->heap_bytes(), 100u);
  pair.client.send(std::string(5000, 'x'));
  const std::string wire = pair.client.take_wire();
  ASSERT_EQ(pair.to_server(wire.substr(0, 3000)), TransportStatus::ok);
  EXPECT_GE(pair.server->heap_bytes(), 3000u);
  ASSERT_EQ(pair.to_server(wire.substr(3000)), TransportStatus::ok);
  EXPECT_LE(pair.server->heap_bytes(), 100u);
}

TEST(NoiseTransport, HandshakeLetsGoOfItsState) {
  NoisePair pair(NoisePattern::xx);
  pair.client.start("login");
  ASSERT_EQ(pair.to_server(pair.client.take_wire()), TransportStatus::ok);
  EXPECT_LE(pair.server->heap_bytes(), 800u);
  pair.to_client();
  ASSERT_EQ(pair.to_server(pair.client.take_wire()), TransportStatus::ok);
  EXPECT_LE(pair.server->heap_bytes(), 350u);  // The login waits, the handshake is over.
}

TEST(NoiseTransport, XxDecryptsWhatStandsBehindTheThirdMessage) {
  NoisePair pair(NoisePattern::xx);
  pair.client.start("login");
  ASSERT_EQ(pair.to_server(pair.client.take_wire()), TransportStatus::ok);
  EXPECT_FALSE(pair.server->established());
  EXPECT_FALSE(pair.server->login_ready());
  EXPECT_FALSE(pair.server->answers_in_handshake());
  pair.to_client();
  ASSERT_TRUE(pair.client.established());
  pair.client.send("early");
  ASSERT_EQ(pair.to_server(pair.client.take_wire()), TransportStatus::ok);
  EXPECT_TRUE(pair.server->established());
  EXPECT_TRUE(pair.server->login_ready());
  EXPECT_EQ(pair.server->login_payload(), "login");
  EXPECT_EQ(pair.plain, "early");
  // There is no handshake message left to answer in.
  EXPECT_EQ(pair.server->answer(pair.scratch, "answer", pair.out), TransportStatus::failed);
  EXPECT_EQ(pair.out, "");
  EXPECT_TRUE(pair.server->established());
}

TEST(NoiseTransport, IkSendsNothingBeforeTheAnswer) {
  NoisePair pair(NoisePattern::ik);
  EXPECT_EQ(pair.server->answer(pair.scratch, "", pair.out), TransportStatus::failed);
  pair.client.start("login");
  ASSERT_EQ(pair.to_server(pair.client.take_wire()), TransportStatus::ok);
  EXPECT_TRUE(pair.server->answers_in_handshake());
  EXPECT_TRUE(pair.server->login_ready());
  EXPECT_FALSE(pair.server->established());
  EXPECT_EQ(pair.server->send(pair.scratch, "x", pair.out), TransportStatus::failed);
  pair.server->forget_channel_binding();  // Too early: nothing is lost.
  EXPECT_EQ(pair.server->login_payload(), "login");
  EXPECT_EQ(pair.out, "");
  ASSERT_EQ(pair.server->answer(pair.scratch, "answer", pair.out), TransportStatus::ok);
  EXPECT_EQ(pair.server->login_payload(), "login");
  EXPECT_EQ(pair.server->answer(pair.scratch, "answer", pair.out), TransportStatus::failed);
  pair.to_client();
  EXPECT_EQ(pair.client.server_payload(), "answer");
}

TEST(NoiseTransport, IkRefusesBytesBeforeTheAnswer) {
  NoisePair pair(NoisePattern::ik);
  pair.client.start("login");
  EXPECT_EQ(pair.to_server(pair.client.take_wire() + 'x'), TransportStatus::failed);
  EXPECT_EQ(pair.out, refusal(NoiseRefusal::handshake));
  EXPECT_FALSE(pair.server->login_ready());
  EXPECT_EQ(pair.server->answer(pair.scratch, "answer", pair.out), TransportStatus::failed);
}

TEST(NoiseTransport, AnswerFitsIntoAHandshakeFrame) {
  for (const std::size_t size : {976u, 977u}) {
    NoisePair pair(NoisePattern::ik);
    pair.client.start("login");
    ASSERT_EQ(pair.to_server(pair.client.take_wire()), TransportStatus::ok);
    const bool fits = size == 976;
    EXPECT_EQ(pair.server->answer(pair.scratch, std::string(size, 'x'), pair.out),
              fits ? TransportStatus::ok : TransportStatus::failed);
    EXPECT_EQ(pair.out == refusal(NoiseRefusal::handshake), !fits);
  }
}

/// The scratch of another shard, and the first one gone.
TEST_P(NoiseTransportTest, MovesWhileTheLoginIsDecided) {
  NoisePair pair(GetParam());
  auto first = std::make_unique<TransportScratch>();
  auto second = std::make_unique<TransportScratch>();
  pair.client.start("login");
  while (!pair.server->login_ready()) {
    ASSERT_EQ(pair.server->receive(*first, pair.client.take_wire(), pair.plain, pair.out),
              TransportStatus::ok);
    pair.to_client();
  }
  first.reset();
  EXPECT_EQ(pair.server->login_payload(), "login");
  if (pair.server->answers_in_handshake()) {
    ASSERT_EQ(pair.server->answer(*second, "answer", pair.out), TransportStatus::ok);
  }
  pair.server->forget_channel_binding();
  pair.to_client();
  pair.client.send("hello");
  ASSERT_EQ(pair.server->receive(*second, pair.client.take_wire(), pair.plain, pair.out),
            TransportStatus::ok);
  EXPECT_EQ(pair.plain, "hello");
}

struct Bad {
  std::string wire;
  std::string answer;
};

TEST(NoiseTransport, RefusalsSayWhy) {
  const std::string xx = prologue_of(NoisePattern::xx);
  const std::string ik = prologue_of(NoisePattern::ik);
  const std::string handshake = refusal(NoiseRefusal::handshake);
  const Bad bads[] = {
      {"GET / HTTP/1.1\r\n\r\n", ""},  // Not for us: nothing is said.
      {"R\x16", ""},
      {std::string("RKY\0\x01\0", 6), refusal(NoiseRefusal::version)},
      {"RKY\x02", refusal(NoiseRefusal::version)},
      {std::string("RKY\x01\0", 5), refusal(NoiseRefusal::dictionary)},
      {"RKY\x01\x02", refusal(NoiseRefusal::dictionary)},
      {"RKY\x01\x01\x02", refusal(NoiseRefusal::pattern)},
      {xx + frame_of(""), handshake},
      {ik + frame_of(""), handshake},
      {xx + "\x04\x01", handshake},  // 1,025 bytes: known before they come.
      {xx + frame_of(std::string(31, 'e')), handshake},
      {xx + frame_of(std::string(33, 'e')), handshake},  // With a payload.
      {ik + frame_of(std::string(95, 'e')), handshake},
      {ik + frame_of(std::string(1024, 'e')), handshake},
      {ik + frame_of(std::string(96, '\0')), handshake},  // A key of small order.
      {xx + frame_of(std::string(32, '\0')), handshake},
  };
  for (const Bad& bad : bads) {
    for (const std::size_t step : {0u, 1u}) {
      NoisePair pair(NoisePattern::xx);
      EXPECT_EQ(pair.to_server(bad.wire, step), TransportStatus::failed);
      EXPECT_EQ(pair.out, bad.answer) << bad.wire;
      EXPECT_EQ(pair.server->refusal(),
                bad.answer.empty() ? NoiseRefusal::none : NoiseRefusal(bad.answer[2]));
      EXPECT_EQ(pair.to_server(bad.wire), TransportStatus::failed);
      EXPECT_EQ(pair.out, bad.answer);  // Once is enough.
      EXPECT_LE(pair.server->heap_bytes(), 100u);
    }
  }
}

TEST(NoiseTransport, BytesBehindABadPrologueAreNotLookedAt) {
  NoisePair pair(NoisePattern::xx);
  EXPECT_EQ(pair.to_server("RKY\x07" + std::string(5000, 'x')), TransportStatus::failed);
  EXPECT_EQ(pair.out, refusal(NoiseRefusal::version));
}

TEST(NoiseTransport, CallerMayRefuse) {
  NoisePair fresh(NoisePattern::ik);
  fresh.server->refuse(NoiseRefusal::busy, fresh.out);
  EXPECT_EQ(fresh.out, refusal(NoiseRefusal::busy));
  EXPECT_EQ(fresh.server->refusal(), NoiseRefusal::busy);
  EXPECT_EQ(fresh.to_server("R"), TransportStatus::failed);

  NoisePair waiting(NoisePattern::ik);
  waiting.client.start("login");
  ASSERT_EQ(waiting.to_server(waiting.client.take_wire()), TransportStatus::ok);
  waiting.server->refuse(NoiseRefusal::too_slow, waiting.out);
  waiting.to_client();
  EXPECT_EQ(waiting.client.refusal(), 6);

  NoisePair established(NoisePattern::ik);
  established.connect();
  established.server->refuse(NoiseRefusal::busy, established.out);
  EXPECT_EQ(established.out, "");
  EXPECT_EQ(established.server->send(established.scratch, "x", established.out),
            TransportStatus::ok);
}

TEST_P(NoiseTransportTest, ClientWithTheWrongServerKeyIsRefused) {
  NoisePair pair(GetParam());
  NoiseKey wrong = pair.client_keys.open;
  NoiseClient client(pair.client_scratch, GetParam(), pair.client_keys, &wrong);
  client.start("login");
  const TransportStatus status = pair.to_server(client.take_wire());
  if (GetParam() == NoisePattern::xx) {
    EXPECT_EQ(status, TransportStatus::ok);  // It does not need the key.
  } else {
    EXPECT_EQ(status, TransportStatus::failed);
    EXPECT_EQ(pair.out, refusal(NoiseRefusal::handshake));
  }
}

TEST_P(NoiseTransportTest, ChangedFramesEndTheConnection) {
  for (std::size_t at = 0; at < 2 + 5 + 16; ++at) {
    NoisePair pair(GetParam());
    pair.connect();
    pair.client.send("first");
    const std::string first = pair.client.take_wire();
    pair.client.send("other");
    std::string second = pair.client.take_wire();
    second[at] = static_cast<char>(second[at] ^ 0x80);
    // A longer length waits for its bytes, and then fails.
    const std::string rest(at == 0 ? 32768 : at == 1 ? 128 : 0, 'x');
    ASSERT_EQ(pair.to_server(first), TransportStatus::ok);
    EXPECT_EQ(pair.to_server(second + rest), TransportStatus::failed) << at;
    EXPECT_EQ(pair.plain, "first");
    EXPECT_EQ(pair.out, "");  // Nobody is told why.
    EXPECT_EQ(pair.server->refusal(), NoiseRefusal::none);
    EXPECT_EQ(pair.server->send(pair.scratch, "x", pair.out), TransportStatus::failed);
    EXPECT_EQ(pair.out, "");
  }
}

TEST_P(NoiseTransportTest, FramesShorterThanATagEndTheConnection) {
  for (std::size_t size = 0; size < 16; ++size) {
    NoisePair pair(GetParam());
    pair.connect();
    // The length alone decides.
    EXPECT_EQ(pair.to_server(frame_of(std::string(size, 'x')).substr(0, 2)),
              TransportStatus::failed);
  }
}

TEST_P(NoiseTransportTest, ReplayedAndReorderedFramesEndTheConnection) {
  NoisePair replayed(GetParam());
  replayed.connect();
  replayed.client.send("once");
  const std::string once = replayed.client.take_wire();
  EXPECT_EQ(replayed.to_server(once + once), TransportStatus::failed);
  EXPECT_EQ(replayed.plain, "once");

  NoisePair swapped(GetParam());
  swapped.connect();
  swapped.client.send("one");
  const std::string one = swapped.client.take_wire();
  swapped.client.send("two");
  EXPECT_EQ(swapped.to_server(swapped.client.take_wire() + one), TransportStatus::failed);
  EXPECT_EQ(swapped.plain, "");
}

TEST_P(NoiseTransportTest, NonceNeverWraps) {
  NoisePair pair(GetParam(), {.noise_frames = 300});  // More than a byte counts.
  pair.connect();
  const std::size_t sent_before = GetParam() == NoisePattern::xx ? 1 : 0;  // The answer.
  for (std::size_t frame = sent_before; frame < 300; ++frame) {
    ASSERT_EQ(pair.server->send(pair.scratch, "s", pair.out), TransportStatus::ok);
    pair.to_client();
  }
  ASSERT_EQ(pair.client.take_plain(), std::string(300 - sent_before, 's'));
  for (std::size_t frame = 0; frame < 300; ++frame) pair.client.send("c");
  ASSERT_EQ(pair.to_server(pair.client.take_wire()), TransportStatus::ok);
  ASSERT_EQ(pair.plain, std::string(300, 'c'));
  NoisePair other(GetParam(), {.noise_frames = 1});

  pair.client.send("c");
  EXPECT_EQ(pair.to_server(pair.client.take_wire()), TransportStatus::failed);
  EXPECT_EQ(pair.plain.size(), 300u);
  other.connect();
  if (GetParam() == NoisePattern::ik) other.server->send(other.scratch, "s", other.out);
  other.out.clear();
  EXPECT_EQ(other.server->send(other.scratch, "s", other.out), TransportStatus::failed);
  EXPECT_EQ(other.out, "");
}

TEST_P(NoiseTransportTest, SendsNothingAfterClose) {
  NoisePair pair(GetParam());
  pair.connect();
  pair.server->close(pair.scratch, pair.out);
  EXPECT_EQ(pair.server->send(pair.scratch, "x", pair.out), TransportStatus::closed);
  EXPECT_EQ(pair.out, "");
  pair.client.send("still read");
  EXPECT_EQ(pair.to_server(pair.client.take_wire()), TransportStatus::ok);
  EXPECT_EQ(pair.plain, "still read");
}

TEST_P(NoiseTransportTest, HasNoChannelBinding) {
  NoisePair pair(GetParam());
  pair.connect();
  EXPECT_EQ(pair.server->channel_binding("tls-exporter"), "");
  EXPECT_EQ(pair.server->take_over(pair.scratch), nullptr);
}

TEST_P(NoiseTransportTest, LoginIsForgotten) {
  NoisePair pair(GetParam());
  pair.connect();
  EXPECT_FALSE(pair.server->login_ready());
  EXPECT_EQ(pair.server->login_payload(), "");
  EXPECT_EQ(text_of(pair.server->client_key()), std::string(32, '\0'));
}

}  // namespace
}  // namespace rookery::noise_test
