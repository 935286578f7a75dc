// docs/protocol/vectors.json, section "handshake": both ends against every byte on the wire.
#include <gtest/gtest.h>

#include <string>

#include "native/support/json.h"
#include "native/transport/noise_test_support.h"

namespace rookery::noise_test {
namespace {

using test::Json;

/// One vector: a client and a server with its keys.
class Replay {
 public:
  explicit Replay(const Json& vector)
      : vector_(vector),
        pattern_(vector["pattern"].string() == "XX" ? NoisePattern::xx : NoisePattern::ik),
        server_random_(vector["server_ephemeral_secret"].hex()),
        client_random_(vector["client_ephemeral_secret"].hex()),
        client_keys_(key_pair(server_scratch_, vector["client_static_secret"].hex())) {
    std::string error;
    identity_ = NoiseIdentity::create(vector["server_static_secret"].hex(),
                                      vector["certificate"].hex(), error);
    EXPECT_NE(identity_, nullptr) << error;
  }

  void check_certificate() {
    const NoiseKey key = key_of(vector_["server_static_public"].hex());
    EXPECT_EQ(identity_->keys().open, key);
    const auto expires_s = static_cast<std::uint64_t>(vector_["expires"].number());
    const NoiseKey seed = key_of(vector_["identity_seed"].hex());
    EXPECT_EQ(make_noise_certificate(vector_["domain"].string(), expires_s, seed, key),
              vector_["certificate"].hex());
    const auto read = read_noise_certificate(vector_["certificate"].hex(), key);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->domain, vector_["domain"].string());
    EXPECT_EQ(read->expires_s, expires_s);
    EXPECT_EQ(text_of(read->identity_key), vector_["identity_public"].hex());
  }

  void run() {
    const bool ik = pattern_ == NoisePattern::ik;
    const std::vector<Json>& messages = vector_["messages"].items();
    const std::string login = messages.at(ik ? 0 : 2)["payload"].hex();
    NoiseTransport server(identity_);
    NoiseClient client(client_scratch_, pattern_, client_keys_, &identity_->keys().open);
    client.start(login);
    std::string from_client = client.take_wire();
    std::string from_server;
    ASSERT_EQ(from_client.substr(0, 6), vector_["prologue"].hex());
    for (std::size_t index = 0; index < messages.size(); ++index) {
      SCOPED_TRACE(index);
      const std::string payload = messages[index]["payload"].hex();
      const std::string wire = messages[index]["wire"].hex();
      if (messages[index]["from"].string() == "client") {
        if (server.established()) client.send(payload);
        from_client += client.take_wire();
        EXPECT_EQ(index == 0 ? from_client.substr(6) : from_client, wire);
        std::string plain;
        ASSERT_EQ(
            server.receive(server_scratch_, std::exchange(from_client, {}), plain, from_server),
            TransportStatus::ok);
        EXPECT_EQ(plain, index < (ik ? 2u : 3u) ? "" : payload);
      } else {
        answer(server, payload, from_server);
        EXPECT_EQ(from_server, wire);
        client.receive(std::exchange(from_server, {}));
        EXPECT_EQ(index == 1 ? client.server_payload() : client.take_plain(), payload);
      }
    }
    EXPECT_EQ(server.login_payload(), login);
    EXPECT_EQ(text_of(server.client_key()), vector_["client_static_public"].hex());
    EXPECT_EQ(text_of(client.hash()), vector_["handshake_hash"].hex());
  }

 private:
  /// The second message of XX went out by itself when the first came.
  void answer(NoiseTransport& server, const std::string& payload, std::string& out) {
    if (server.established()) {
      ASSERT_EQ(server.send(server_scratch_, payload, out), TransportStatus::ok);
    } else if (server.login_ready()) {
      ASSERT_EQ(server.answer(server_scratch_, payload, out), TransportStatus::ok);
    }
  }

  const Json& vector_;
  NoisePattern pattern_;
  ChosenRandom server_random_;
  ChosenRandom client_random_;
  TransportScratch server_scratch_{{.random = &server_random_}};
  TransportScratch client_scratch_{{.random = &client_random_}};
  NoiseKeyPair client_keys_;
  std::shared_ptr<const NoiseIdentity> identity_;
};

TEST(NoiseProtocolVectors, BothEnds) {
  const Json file = Json::load_vectors();
  ASSERT_EQ(file["handshake"].items().size(), 2u);
  for (const Json& vector : file["handshake"].items()) {
    SCOPED_TRACE(vector["name"].string());
    Replay replay(vector);
    replay.check_certificate();
    replay.run();
  }
}

}  // namespace
}  // namespace rookery::noise_test
