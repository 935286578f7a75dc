// The handshake and the takeover, against OpenSSL as the client: versions, suites, tickets,
// resumption, channel binding, ALPN, and what is pipelined behind the client's Finished.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>
#include <utility>
#include <vector>

#include "native/transport/tls_test_support.h"

namespace rookery::tls_test {
namespace {

struct Case {
  int version;
  bool takeover;
  unsigned tickets;
  const char* suite;
};

class TlsHandshakeTest : public testing::TestWithParam<Case> {};

TEST_P(TlsHandshakeTest, ConnectsAndTalksBothWays) {
  const Case& param = GetParam();
  const auto context = make_context(param.takeover, param.tickets);
  TransportScratch scratch;
  Server server(*context, scratch);
  Client client({.version = param.version, .suites = param.suite});
  exchange(client, server);
  ASSERT_TRUE(client.established());
  ASSERT_TRUE(server.transport().established());
  EXPECT_EQ(server.taken_over(), param.takeover && param.version == TLS1_3_VERSION);
  EXPECT_EQ(server.transport().version(), SSL_get_version(client.ssl()));
  if (param.suite != nullptr) {
    EXPECT_STREQ(SSL_get_cipher_name(client.ssl()), param.suite);
  }

  for (int round = 0; round < 3; ++round) {
    client.write("hello");
    ASSERT_EQ(server.receive(client.take_wire()), TransportStatus::ok);
    EXPECT_EQ(server.take_plain(), "hello");
    ASSERT_EQ(server.send("world"), TransportStatus::ok);
    std::string heard;
    exchange(client, server, &heard);
    EXPECT_EQ(heard, "world");
  }
  if (param.version == TLS1_3_VERSION) {
    EXPECT_EQ(client.sessions().size(), param.tickets);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Versions, TlsHandshakeTest,
    testing::Values(Case{TLS1_2_VERSION, true, 1, nullptr}, Case{TLS1_3_VERSION, false, 2, nullptr},
                    Case{TLS1_3_VERSION, true, 0, nullptr}, Case{TLS1_3_VERSION, true, 1, nullptr},
                    Case{TLS1_3_VERSION, true, 2, "TLS_AES_128_GCM_SHA256"},
                    Case{TLS1_3_VERSION, true, 1, "TLS_CHACHA20_POLY1305_SHA256"},
                    Case{TLS1_3_VERSION, true, 2, "TLS_AES_256_GCM_SHA384"}));

}  // namespace
}  // namespace rookery::tls_test
