// Large transfers, key updates by OpenSSL's client, orderly and disorderly ends, and connections
// that move between threads.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>

#include "native/transport/tls_test_support.h"

namespace rookery::tls_test {
namespace {

/// Bytes that tell their place in the stream.
class Pattern {
 public:
  std::string next(std::size_t size) {
    std::string out(size, '\0');
    for (char& byte : out) byte = take();
    return out;
  }
  /// Whether `text` continues the stream.
  bool matches(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [this](char byte) { return byte == take(); });
  }
  [[nodiscard]] std::uint64_t at() const { return at_; }

 private:
  char take() {
    const std::uint64_t here = at_++;
    return static_cast<char>(here ^ (here >> 8) ^ (here >> 17));
  }
  std::uint64_t at_ = 0;
};

/// Sizes from 1 byte to 100 KB, small ones as often as large ones.
std::size_t mixed_size(std::uint32_t& state) {
  state = state * 1664525u + 1013904223u;
  return std::size_t{1} + (state >> 8) % (std::size_t{1} << (1 + (state >> 4) % 17));
}

struct Transfer {
  int version;
  bool takeover;
  const char* suite;
  std::uint64_t bytes;
};

class TlsTransferTest : public testing::TestWithParam<Transfer> {};

TEST_P(TlsTransferTest, BothDirectionsInMixedSizesWithKeyUpdates) {
  const Transfer& param = GetParam();
  const auto context = make_context(param.takeover);
  // The server changes its own key often enough to be seen.
  TransportScratch scratch({.records_per_key = 500});
  Server server(*context, scratch);
  Client client({.version = param.version, .suites = param.suite});
  exchange(client, server);
  ASSERT_TRUE(client.established());
  Pattern up_sent, up_heard, down_sent, down_heard;
  std::uint32_t state = 1;
  for (int round = 0; up_heard.at() < param.bytes || down_heard.at() < param.bytes; ++round) {
    if (param.version == TLS1_3_VERSION && round % 50 == 49) {
      const int kind = round % 100 == 99 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
      ASSERT_EQ(SSL_key_update(client.ssl(), kind), 1);
    }
    client.write(up_sent.next(mixed_size(state)));
    const std::string wire = client.take_wire();
    const std::size_t cut = mixed_size(state) % (wire.size() + 1);
    ASSERT_EQ(server.receive(std::string_view(wire).substr(0, cut)), TransportStatus::ok);
    ASSERT_EQ(server.receive(std::string_view(wire).substr(cut)), TransportStatus::ok);
    ASSERT_TRUE(up_heard.matches(server.take_plain()));

    ASSERT_EQ(server.send(down_sent.next(mixed_size(state))), TransportStatus::ok);
    client.feed(server.take_wire());
    ASSERT_TRUE(down_heard.matches(client.read()));
    ASSERT_EQ(client.error(), SSL_ERROR_WANT_READ) << client.reason();
    ASSERT_EQ(up_heard.at(), up_sent.at());
    ASSERT_EQ(down_heard.at(), down_sent.at());
  }
}

constexpr std::uint64_t kMegabyte = 1 << 20;

INSTANTIATE_TEST_SUITE_P(
    Kinds, TlsTransferTest,
    testing::Values(Transfer{TLS1_3_VERSION, true, nullptr, 100 * kMegabyte},
                    Transfer{TLS1_3_VERSION, true, "TLS_CHACHA20_POLY1305_SHA256", 5 * kMegabyte},
                    Transfer{TLS1_3_VERSION, true, "TLS_AES_256_GCM_SHA384", 5 * kMegabyte},
                    Transfer{TLS1_3_VERSION, false, nullptr, 5 * kMegabyte},
                    Transfer{TLS1_2_VERSION, true, nullptr, 5 * kMegabyte}));

TEST(TlsKeyUpdate, AnsweredAndFollowedByTheClient) {
  for (const bool takeover : {true, false}) {
    const auto context = make_context(takeover);
    TransportScratch scratch;
    Server server(*context, scratch);
    Client client({});
    exchange(client, server);
    for (int round = 0; round < 20; ++round) {
      ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
      ASSERT_EQ(SSL_do_handshake(client.ssl()), 1);
      ASSERT_EQ(server.receive(client.take_wire()), TransportStatus::ok);
      const std::string answer = server.take_wire();
      // OpenSSL answers with its next data; the record layer does not wait for data.
      EXPECT_EQ(answer.empty(), !takeover);
      client.feed(answer);
      EXPECT_EQ(client.read(), "");
      ASSERT_EQ(client.error(), SSL_ERROR_WANT_READ);
      server.send("ping");
      client.feed(server.take_wire());
      ASSERT_EQ(client.read(), "ping");
      client.write("pong");
      server.receive(client.take_wire());
      ASSERT_EQ(server.take_plain(), "pong");
    }
  }
}

struct Kind {
  int version;
  bool takeover;
};
constexpr Kind kKinds[] = {{TLS1_2_VERSION, true}, {TLS1_3_VERSION, true}, {TLS1_3_VERSION, false}};

TEST(TlsClosing, BothSidesSeeTheOthersCloseNotify) {
  for (const Kind& kind : kKinds) {
    const auto context = make_context(kind.takeover);
    TransportScratch scratch;
    Server server(*context, scratch);
    Client client({.version = kind.version});
    exchange(client, server);
    server.send("last");
    server.close();
    server.close();
    EXPECT_EQ(server.send("too late"), TransportStatus::closed);
    client.feed(server.take_wire());
    EXPECT_EQ(client.read(), "last");
    EXPECT_EQ(client.error(), SSL_ERROR_ZERO_RETURN);
    SSL_shutdown(client.ssl());
    EXPECT_EQ(server.receive(client.take_wire()), TransportStatus::closed);
    EXPECT_EQ(server.take_wire(), "");
  }
}

TEST(TlsClosing, TheClientSeesWhyItWasRefused) {
  for (const Kind& kind : kKinds) {
    const auto context = make_context(kind.takeover);
    TransportScratch scratch;
    Server server(*context, scratch);
    Client client({.version = kind.version});
    exchange(client, server);
    client.write("garbled on its way");
    std::string wire = client.take_wire();
    wire.back() ^= 1;
    EXPECT_EQ(server.receive(wire), TransportStatus::failed);
    EXPECT_EQ(server.take_plain(), "");
    client.feed(server.take_wire());
    client.read();
    EXPECT_EQ(client.error(), SSL_ERROR_SSL);
    EXPECT_EQ(client.reason(), "sslv3 alert bad record mac");
  }
}

TEST(TlsClosing, TheClientsAlertEndsTheConnection) {
  for (const Kind& kind : kKinds) {
    const auto context = make_context(kind.takeover);
    TransportScratch scratch;
    Server server(*context, scratch);
    Client client({.version = kind.version});
    exchange(client, server);
    server.send("garbled on its way");
    std::string wire = server.take_wire();
    wire.back() ^= 1;
    client.feed(wire);
    client.read();
    EXPECT_EQ(client.error(), SSL_ERROR_SSL);
    const std::string alert = client.take_wire();
    ASSERT_NE(alert, "");
    EXPECT_EQ(server.receive(alert), TransportStatus::failed);
    EXPECT_EQ(server.take_wire(), "");
  }
}

TEST(TlsClosing, ATruncatedRecordYieldsNothing) {
  for (const Kind& kind : kKinds) {
    const auto context = make_context(kind.takeover);
    TransportScratch scratch;
    Server server(*context, scratch);
    Client client({.version = kind.version});
    exchange(client, server);
    client.write("cut short");
    const std::string wire = client.take_wire();
    EXPECT_EQ(server.receive(std::string_view(wire).substr(0, wire.size() - 1)),
              TransportStatus::ok);
    EXPECT_EQ(server.take_plain(), "");
    EXPECT_EQ(server.take_wire(), "");
  }
}

/// Each step of a connection's life runs on a thread of its own, with a scratch of its own.
TEST(TlsMoving, EveryCallOnAnotherThread) {
  for (const Kind& kind : kKinds) {
    const auto context = make_context(kind.takeover);
    TransportScratch first_scratch;
    Server server(*context, first_scratch);
    Client client({.version = kind.version});
    const auto elsewhere = [&](auto step) {
      std::thread([&] {
        TransportScratch scratch;
        server.move_to(scratch);
        step();
      }).join();
    };
    // The scratch of the thread before is gone each time, in the middle of the handshake too.
    for (int round = 0; round < 10 && !(client.established() && server.transport().established());
         ++round) {
      if (!client.established()) client.handshake();
      const std::string wire = client.take_wire();
      const std::size_t half = wire.size() / 2;
      elsewhere([&] { server.receive(std::string_view(wire).substr(0, half)); });
      elsewhere([&] { server.receive(std::string_view(wire).substr(half)); });
      client.feed(server.take_wire());
    }
    ASSERT_TRUE(client.established());
    client.read();
    for (int round = 0; round < 5; ++round) {
      client.write("question");
      const std::string wire = client.take_wire();
      elsewhere([&] { server.receive(std::string_view(wire).substr(0, 7)); });
      elsewhere([&] { server.receive(std::string_view(wire).substr(7)); });
      ASSERT_EQ(server.take_plain(), "question");
      elsewhere([&] { server.send("answer"); });
      client.feed(server.take_wire());
      ASSERT_EQ(client.read(), "answer");
    }
    elsewhere([&] { server.close(); });
    client.feed(server.take_wire());
    client.read();
    EXPECT_EQ(client.error(), SSL_ERROR_ZERO_RETURN);
  }
}

/// Two shards work at once, on connections whose SSL objects began on the other one.
TEST(TlsMoving, TwoShardsAtOnce) {
  const auto context = make_context(false);
  std::vector<std::unique_ptr<Server>> servers;
  std::vector<std::unique_ptr<Client>> clients;
  TransportScratch scratches[2];
  for (int index = 0; index < 20; ++index) {
    servers.push_back(std::make_unique<Server>(*context, scratches[index % 2]));
    clients.push_back(std::make_unique<Client>(
        Client::Options{.version = index % 4 < 2 ? TLS1_2_VERSION : TLS1_3_VERSION}));
    exchange(*clients.back(), *servers.back());
    ASSERT_TRUE(clients.back()->established());
  }
  const auto shard = [&](int which) {
    for (std::size_t index = 1 - which; index < servers.size(); index += 2) {
      servers[index]->move_to(scratches[which]);
      for (int round = 0; round < 50; ++round) {
        clients[index]->write("up");
        servers[index]->receive(clients[index]->take_wire());
        EXPECT_EQ(servers[index]->take_plain(), "up");
        servers[index]->send("down");
        clients[index]->feed(servers[index]->take_wire());
        EXPECT_EQ(clients[index]->read(), "down");
      }
    }
  };
  std::thread other(shard, 1);
  shard(0);
  other.join();
}

}  // namespace
}  // namespace rookery::tls_test
