// The tests' own client of the compact protocol against transport and codec of the server: a login
// of either pattern, packets both ways, acknowledgements.
#include "load/compact_client.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "native/transport/noise_test_support.h"

namespace rookery::load {
namespace {

constexpr const char* kSuccess =
    "<success xmlns='urn:rookery:compact:1' resource='d3' id='s1' max='262144' "
    "domain='example.org' time='1764000000000'/>";

class CompactClientTest : public testing::TestWithParam<NoisePattern> {
 protected:
  [[nodiscard]] CompactDevice device() const {
    return {&keys_, GetParam() == NoisePattern::ik ? &identity_->keys().open : nullptr,
            "491701234567", 3};
  }

  /// To the server and back, until neither has anything to say.
  void exchange(CompactClient& client) {
    std::string wire;
    while (!(wire = client.take_wire()).empty()) {
      ASSERT_EQ(server_.receive(scratch_, wire, plain_, out_), TransportStatus::ok);
      hear(client);
    }
  }

  void hear(CompactClient& client) {
    client.receive(std::exchange(out_, {}),
                   [&](std::string_view xml) { heard_.emplace_back(xml); });
  }

  void answer(CompactClient& client, const std::string& xml) {
    std::string encoded;
    if (server_.answers_in_handshake()) {
      ASSERT_TRUE(append_element(encoded, xml, {}, 976));
      ASSERT_EQ(server_.answer(scratch_, encoded, out_), TransportStatus::ok);
    } else {
      ASSERT_TRUE(append_packet(encoded, xml, {}, 976));
      ASSERT_EQ(server_.send(scratch_, encoded, out_), TransportStatus::ok);
    }
    hear(client);
  }

  void send(CompactClient& client, const std::string& xml) {
    std::string encoded;
    ASSERT_TRUE(append_packet(encoded, xml, "example.org", 10'000));
    ASSERT_EQ(server_.send(scratch_, encoded, out_), TransportStatus::ok);
    hear(client);
  }

  std::string decoded(std::string_view packet, std::string_view domain = {}) {
    std::string xml;
    EXPECT_EQ(decode_element(packet, domain, {10, 20, 10'000}, xml), CompactError::none);
    return xml;
  }

  TransportScratch scratch_;
  TransportScratch client_scratch_;
  std::shared_ptr<const NoiseIdentity> identity_ = noise_test::shared_identity();
  NoiseKeyPair keys_ = noise_test::key_pair(scratch_, std::string(32, 'c'));
  NoiseTransport server_{identity_};
  std::string plain_;
  std::string out_;
  std::vector<std::string> heard_;
};
INSTANTIATE_TEST_SUITE_P(Patterns, CompactClientTest,
                         testing::Values(NoisePattern::xx, NoisePattern::ik),
                         [](const auto& instance) {
                           return instance.param == NoisePattern::xx ? "XX" : "IK";
                         });

TEST_P(CompactClientTest, LogsInAndTalks) {
  CompactClient client(client_scratch_, device());
  client.start("s0", 17);
  exchange(client);
  ASSERT_TRUE(server_.login_ready());
  const std::string login = decoded(server_.login_payload());
  for (const char* part : {"urn:rookery:compact:1", "491701234567", "3", "s0", "17"}) {
    EXPECT_NE(login.find(part), login.npos) << login;
  }
  answer(client, kSuccess);
  ASSERT_EQ(client.state(), CompactClient::State::ready);
  EXPECT_EQ(client.stream(), "s1");
  EXPECT_EQ(client.domain(), "example.org");
  EXPECT_FALSE(client.resumed());
  exchange(client);
  // The proof of an IK login is a packet of nothing when there is nothing else to say.
  EXPECT_EQ(plain_, GetParam() == NoisePattern::ik ? std::string(1, '\0') : "");
  plain_.clear();

  client.send("<message to='a@example.org' id='1'><body>hello</body></message>");
  client.acknowledge();  // Of nothing.
  exchange(client);
  ASSERT_FALSE(plain_.empty());
  EXPECT_EQ(static_cast<std::size_t>(plain_[0]), plain_.size() - 1);
  const std::string message = decoded(std::string_view(plain_).substr(1), "example.org");
  EXPECT_NE(message.find("a@example.org"), message.npos);
  EXPECT_NE(message.find("<body>hello</body>"), message.npos);
  EXPECT_EQ(client.sent(), 1u);

  plain_.clear();
  heard_.clear();
  send(client, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
  send(client, "<message from='a@example.org/d1'><body>and you?</body></message>");
  out_.clear();
  EXPECT_EQ(client.safe(), 1u);
  EXPECT_EQ(client.received(), 1u);
  EXPECT_EQ(heard_.size(), 2u);
  client.acknowledge();
  client.acknowledge();
  exchange(client);
  const std::string acknowledged = decoded(std::string_view(plain_).substr(1));
  EXPECT_EQ(static_cast<std::size_t>(plain_[0]), plain_.size() - 1);
  EXPECT_NE(acknowledged.find("h='1'"), acknowledged.npos) << acknowledged;
}

TEST_P(CompactClientTest, KnowsARefusal) {
  CompactClient client(client_scratch_, device());
  client.start();
  exchange(client);
  answer(client, "<failure xmlns='urn:rookery:compact:1'><not-authorized/></failure>");
  EXPECT_EQ(client.state(), CompactClient::State::refused);
  ASSERT_EQ(heard_.size(), 1u);
  EXPECT_NE(heard_[0].find("not-authorized"), heard_[0].npos);
}

TEST_P(CompactClientTest, KnowsARefusalOfTheTransport) {
  CompactClient client(client_scratch_, device());
  client.start();
  server_.refuse(NoiseRefusal::busy, out_);
  hear(client);
  EXPECT_EQ(client.state(), CompactClient::State::refused);
  EXPECT_EQ(client.refusal(), 5);
}

}  // namespace
}  // namespace rookery::load
