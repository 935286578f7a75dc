// The table of secrets shared with known devices: what it gives is what was remembered, whoever
// writes beside it, and a handshake with it is the handshake without it.
#include "transport/noise_shared_secrets.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "transport/noise_handshake.h"
#include "transport/transport_scratch.h"

namespace rookery {
namespace {

/// Two with the same first byte fall on the same entry.
NoiseKey key_of(std::uint8_t entry, std::uint8_t which) {
  NoiseKey key{};
  key[0] = entry;
  key[8] = which;
  key[31] = which;
  return key;
}

TEST(NoiseSharedSecrets, GivesWhatWasRememberedAndNothingElse) {
  NoiseSharedSecrets secrets;
  NoiseKey found{};
  EXPECT_FALSE(secrets.find(key_of(1, 1), found));
  secrets.remember(key_of(1, 1), key_of(7, 7));
  ASSERT_TRUE(secrets.find(key_of(1, 1), found));
  EXPECT_EQ(found, key_of(7, 7));
  EXPECT_FALSE(secrets.find(key_of(1, 2), found));
  secrets.remember(key_of(1, 2), key_of(8, 8));
  EXPECT_FALSE(secrets.find(key_of(1, 1), found));
  ASSERT_TRUE(secrets.find(key_of(1, 2), found));
  EXPECT_EQ(found, key_of(8, 8));
}

TEST(NoiseSharedSecrets, ReadersBesideWritersSeeWholeEntriesOnly) {
  NoiseSharedSecrets secrets;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::uint8_t writer = 1; writer <= 2; ++writer) {
    threads.emplace_back([&, writer] {
      for (int round = 0; round < 20'000; ++round) {
        const auto which = static_cast<std::uint8_t>(writer * 100 + round % 50);
        secrets.remember(key_of(1, which), key_of(which, which));
      }
      stop.store(true);
    });
  }
  std::uint64_t hits = 0;
  do {
    for (int which = 100; which < 250; ++which) {
      const auto byte = static_cast<std::uint8_t>(which);
      NoiseKey found{};
      if (!secrets.find(key_of(1, byte), found)) continue;
      ++hits;
      ASSERT_EQ(found, key_of(byte, byte));
    }
  } while (!stop.load());
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(hits, 0u);
}

/// One handshake of IK in which the responder uses `secrets`.
void shake_hands(NoiseSharedSecrets* secrets, const NoiseKeyPair& server,
                 const NoiseKeyPair& device, bool remember) {
  TransportScratch scratch;
  NoiseHandshake client(NoisePattern::ik, NoiseRole::initiator, device);
  NoiseHandshake answerer(NoisePattern::ik, NoiseRole::responder, server, secrets);
  std::string wire;
  std::string payload;
  ASSERT_TRUE(client.begin(scratch, "prologue", &server.open));
  ASSERT_TRUE(answerer.begin(scratch, "prologue"));
  ASSERT_TRUE(client.write(scratch, "hello", wire));
  ASSERT_TRUE(answerer.read(scratch, wire, payload));
  EXPECT_EQ(payload, "hello");
  EXPECT_EQ(answerer.remote(), device.open);
  if (remember) answerer.remember_peer();
  wire.clear();
  payload.clear();
  ASSERT_TRUE(answerer.write(scratch, "welcome", wire));
  ASSERT_TRUE(client.read(scratch, wire, payload));
  EXPECT_EQ(payload, "welcome");
  EXPECT_EQ(client.hash(), answerer.hash());
  NoiseKey client_sends{};
  NoiseKey client_receives{};
  NoiseKey server_sends{};
  NoiseKey server_receives{};
  ASSERT_TRUE(client.split(scratch, client_sends, client_receives));
  ASSERT_TRUE(answerer.split(scratch, server_sends, server_receives));
  EXPECT_EQ(client_sends, server_receives);
  EXPECT_EQ(client_receives, server_sends);
}

TEST(NoiseSharedSecrets, AHandshakeWithItIsTheHandshakeWithoutIt) {
  TransportScratch scratch;
  NoiseKeyPair server;
  NoiseKeyPair device;
  ASSERT_TRUE(scratch.noise().make_key_pair(server));
  ASSERT_TRUE(scratch.noise().make_key_pair(device));
  NoiseSharedSecrets secrets;
  NoiseKey shared{};
  shake_hands(&secrets, server, device, false);
  EXPECT_FALSE(secrets.find(device.open, shared)) << "only devices that are known are remembered";
  shake_hands(&secrets, server, device, true);
  EXPECT_TRUE(secrets.find(device.open, shared));
  shake_hands(&secrets, server, device, true);
  shake_hands(nullptr, server, device, false);
}

TEST(NoiseSharedSecrets, AKeyOfSmallOrderIsStillRefusedAndNotRemembered) {
  TransportScratch scratch;
  NoiseKeyPair server;
  ASSERT_TRUE(scratch.noise().make_key_pair(server));
  NoiseKey shared{};
  EXPECT_FALSE(scratch.noise().x25519(NoiseCrypto::Own::static_pair, server, NoiseKey{}, shared));
  EXPECT_TRUE(scratch.noise().x25519(NoiseCrypto::Own::static_pair, server, NoiseKey{9}, shared));
  EXPECT_EQ(shared, server.open);
}

}  // namespace
}  // namespace rookery
