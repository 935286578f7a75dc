// What the tests of the Noise transport share: fixed keys, an identity, and the two ends of a
// connection in one process.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "load/noise_client.h"
#include "transport/noise_identity.h"
#include "transport/noise_transport.h"
#include "transport/transport_scratch.h"

namespace rookery::noise_test {

using load::frame_of;
using load::NoiseClient;
using load::prologue_of;

inline NoiseKey key_of(std::string_view bytes) {
  NoiseKey key{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), key.size()), key.begin());
  return key;
}

inline std::string text_of(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

/// "Random" bytes that a test chose: ephemeral keys, one after the other.
class ChosenRandom final : public Random {
 public:
  explicit ChosenRandom(std::string bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) {
      byte = static_cast<std::uint8_t>(bytes_[at_++ % bytes_.size()]);
    }
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

inline NoiseKeyPair key_pair(TransportScratch& scratch, std::string_view secret) {
  NoiseKeyPair pair;
  pair.secret = key_of(secret);
  EXPECT_TRUE(scratch.noise().complete(pair));
  return pair;
}

inline std::shared_ptr<const NoiseIdentity> make_identity() {
  TransportScratch scratch;
  const std::string secret(32, 's');
  const NoiseKey seed = key_of(std::string(32, 'i'));
  std::string error;
  auto identity = NoiseIdentity::create(
      secret, make_noise_certificate("example.org", 0, seed, key_pair(scratch, secret).open),
      error);
  EXPECT_NE(identity, nullptr) << error;
  return identity;
}

/// All connections of a server share one.
inline const std::shared_ptr<const NoiseIdentity>& shared_identity() {
  static const std::shared_ptr<const NoiseIdentity> identity = make_identity();
  return identity;
}

/// Both ends of one connection.
class NoisePair {
 public:
  explicit NoisePair(NoisePattern pattern, const TransportScratchOptions& options = {})
      : scratch(options),
        identity(shared_identity()),
        client_keys(key_pair(scratch, std::string(32, 'c'))),
        client(client_scratch, pattern, client_keys, &identity->keys().open),
        server(std::make_unique<NoiseTransport>(identity)) {}

  /// The client's bytes go to the server, `step` at a time (0: at once).
  TransportStatus to_server(std::string_view wire, std::size_t step = 0) {
    TransportStatus status = TransportStatus::ok;
    if (step == 0) step = wire.size();
    while (!wire.empty() && status == TransportStatus::ok) {
      status = server->receive(scratch, wire.substr(0, step), plain, out);
      wire.remove_prefix(std::min(step, wire.size()));
    }
    return status;
  }

  void to_client() { client.receive(std::exchange(out, {})); }

  /// Everything up to the server's answer, which the client has then got.
  void connect(std::string_view login = "login", std::string_view answer = "answer",
               std::size_t step = 0) {
    client.start(login);
    while (!server->login_ready()) {
      const std::string wire = client.take_wire();
      ASSERT_FALSE(wire.empty());
      ASSERT_EQ(to_server(wire, step), TransportStatus::ok);
      to_client();
    }
    ASSERT_EQ(server->login_payload(), login);
    ASSERT_EQ(text_of(server->client_key()), text_of(client_keys.open));
    if (server->answers_in_handshake()) {
      ASSERT_EQ(server->answer(scratch, answer, out), TransportStatus::ok);
    } else {
      ASSERT_EQ(server->send(scratch, answer, out), TransportStatus::ok);
    }
    to_client();
    server->forget_channel_binding();
    ASSERT_TRUE(server->established());
    ASSERT_TRUE(client.established());
    if (server->answers_in_handshake()) {
      ASSERT_EQ(client.server_payload(), answer);
    } else {
      ASSERT_EQ(client.take_plain(), answer);
      ASSERT_EQ(client.server_payload(), identity->certificate());
    }
  }

  TransportScratch scratch;
  TransportScratch client_scratch;
  std::shared_ptr<const NoiseIdentity> identity;
  NoiseKeyPair client_keys;
  NoiseClient client;
  std::unique_ptr<NoiseTransport> server;
  std::string plain;  ///< What the server has got.
  std::string out;    ///< What it has written.
};

}  // namespace rookery::noise_test
