// The handshake and the takeover, against OpenSSL as the client: versions, suites, tickets,
// resumption, channel binding, ALPN, and what is pipelined behind the client's Finished.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <memory>
#include <string>
#include <string_view>
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

/// The client's last flight and `plain` behind it, not yet delivered. The client is done.
std::string last_flight(Client& client, Server& server, std::string_view plain) {
  client.handshake();
  server.receive(client.take_wire());
  client.feed(server.take_wire());
  client.handshake();
  EXPECT_TRUE(client.established());
  if (!plain.empty()) client.write(plain);
  return client.take_wire();
}

TEST(TlsPipelining, DataBehindFinishedIsNotLost) {
  for (const bool takeover : {true, false}) {
    for (const bool swaps : {true, false}) {
      const auto context = make_context(takeover, 2);
      TransportScratch scratch;
      Server server(*context, scratch);
      server.set_swaps(swaps);
      Client client({});
      const std::string wire = last_flight(client, server, "pipelined");
      ASSERT_EQ(server.receive(wire), TransportStatus::ok);
      EXPECT_EQ(server.take_plain(), "pipelined");
      server.send("heard");
      std::string heard;
      exchange(client, server, &heard);
      EXPECT_EQ(heard, "heard");
    }
  }
}

TEST(TlsPipelining, EveryCutOfTheLastFlightWorks) {
  const auto context = make_context(true, 1);
  TransportScratch scratch;
  for (std::size_t cut = 0;; ++cut) {
    Server server(*context, scratch);
    Client client({});
    const std::string wire = last_flight(client, server, "pipelined");
    if (cut > wire.size()) break;
    ASSERT_EQ(server.receive(std::string_view(wire).substr(0, cut)), TransportStatus::ok) << cut;
    ASSERT_EQ(server.receive(std::string_view(wire).substr(cut)), TransportStatus::ok) << cut;
    ASSERT_EQ(server.take_plain(), "pipelined") << cut;
  }
}

TEST(TlsPipelining, CloseNotifyBehindFinished) {
  const auto context = make_context();
  TransportScratch scratch;
  Server server(*context, scratch);
  Client client({});
  std::string wire = last_flight(client, server, "bye");
  SSL_shutdown(client.ssl());
  wire += client.take_wire();
  EXPECT_EQ(server.receive(wire), TransportStatus::closed);
  EXPECT_EQ(server.take_plain(), "bye");
}

TEST(TlsPipelining, ByteAtATime) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto context = make_context();
    TransportScratch scratch;
    Server server(*context, scratch);
    Client client({.version = version});
    for (int round = 0; round < 10; ++round) {
      if (!client.established()) client.handshake();
      for (const char byte : client.take_wire()) {
        ASSERT_EQ(server.receive({&byte, 1}), TransportStatus::ok);
      }
      for (const char byte : server.take_wire()) client.feed({&byte, 1});
      if (client.established()) client.read();
    }
    ASSERT_TRUE(server.transport().established());
    client.write("slow");
    for (const char byte : client.take_wire()) server.receive({&byte, 1});
    EXPECT_EQ(server.take_plain(), "slow");
  }
}

TEST(TlsResumption, WorksOnAnotherShardsContext) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const bool takeover : {true, false}) {
      const std::shared_ptr<TicketKeys> keys = TicketKeys::create();
      const auto first = make_context(takeover, 1, keys);
      const auto second = make_context(takeover, 1, keys);
      TransportScratch scratch;
      Server server(*first, scratch);
      Client client({.version = version});
      exchange(client, server);
      ASSERT_EQ(client.sessions().size(), 1u);

      Server again(*second, scratch);
      Client returning({.version = version, .session = client.sessions()[0]});
      exchange(returning, again);
      ASSERT_TRUE(returning.established());
      EXPECT_EQ(SSL_session_reused(returning.ssl()), 1);
      returning.write("back");
      again.receive(returning.take_wire());
      EXPECT_EQ(again.take_plain(), "back");
    }
  }
}

TEST(TlsResumption, SurvivesOneRotationOfTheKeysAndNotTwo) {
  const std::shared_ptr<TicketKeys> keys = TicketKeys::create();
  const auto context = make_context(true, 1, keys);
  TransportScratch scratch;
  Server server(*context, scratch);
  Client client({});
  exchange(client, server);
  ASSERT_EQ(client.sessions().size(), 1u);
  for (const int resumed : {1, 0}) {
    ASSERT_TRUE(keys->rotate());
    Server again(*context, scratch);
    Client returning({.session = client.sessions()[0]});
    exchange(returning, again);
    ASSERT_TRUE(returning.established());
    EXPECT_EQ(SSL_session_reused(returning.ssl()), resumed);
  }
}

TEST(TlsResumption, ForeignTicketKeysMeanAFullHandshake) {
  const auto first = make_context();
  const auto second = make_context();
  TransportScratch scratch;
  Server server(*first, scratch);
  Client client({});
  exchange(client, server);
  Server again(*second, scratch);
  Client returning({.session = client.sessions().at(0)});
  exchange(returning, again);
  ASSERT_TRUE(returning.established());
  EXPECT_EQ(SSL_session_reused(returning.ssl()), 0);
}

std::string client_exporter(Client& client) {
  std::string out(32, '\0');
  SSL_export_keying_material(client.ssl(), reinterpret_cast<unsigned char*>(out.data()), out.size(),
                             "EXPORTER-Channel-Binding", 24, nullptr, 0, 0);
  return out;
}

TEST(TlsChannelBinding, AgreesWithTheClientInTls13) {
  for (const bool takeover : {true, false}) {
    const auto context = make_context(takeover);
    TransportScratch scratch;
    Server server(*context, scratch);
    Client client({});
    EXPECT_EQ(server.transport().channel_binding("tls-exporter"), "");
    exchange(client, server);
    EXPECT_EQ(server.transport().channel_binding("tls-exporter"), client_exporter(client));
    EXPECT_EQ(server.transport().channel_binding("tls-server-end-point"),
              context->server_end_point());
    // Not defined for TLS 1.3; some clients bind to it all the same.
    char finished[64];
    const std::size_t size = SSL_get_finished(client.ssl(), finished, sizeof finished);
    EXPECT_EQ(server.transport().channel_binding("tls-unique"), std::string(finished, size));
    server.transport().forget_channel_binding();
    EXPECT_EQ(server.transport().channel_binding("tls-exporter"), "");
    EXPECT_EQ(server.transport().channel_binding("tls-server-end-point"), "");
    EXPECT_EQ(server.transport().channel_binding("tls-unique"), "");
  }
}

TEST(TlsChannelBinding, AgreesWithTheClientInTls12) {
  const std::shared_ptr<TicketKeys> keys = TicketKeys::create();
  const auto context = make_context(true, 1, keys);
  TransportScratch scratch;
  SSL_SESSION* session = nullptr;
  std::vector<std::unique_ptr<Client>> clients;
  for (const int resumed : {0, 1}) {
    Server server(*context, scratch);
    clients.push_back(
        std::make_unique<Client>(Client::Options{.version = TLS1_2_VERSION, .session = session}));
    Client& client = *clients.back();
    exchange(client, server);
    ASSERT_EQ(SSL_session_reused(client.ssl()), resumed);
    char finished[64];
    const std::size_t size = resumed == 1
                                 ? SSL_get_peer_finished(client.ssl(), finished, sizeof finished)
                                 : SSL_get_finished(client.ssl(), finished, sizeof finished);
    EXPECT_EQ(server.transport().channel_binding("tls-unique"), std::string(finished, size));
    EXPECT_EQ(server.transport().channel_binding("tls-exporter"), "");
    if (resumed == 0) session = client.sessions().at(0);
  }
}

TEST(TlsChannelBinding, EndPointIsTheHashOfTheCertificate) {
  const auto context = make_context();
  TransportScratch scratch;
  Server server(*context, scratch);
  Client client({});
  exchange(client, server);
  X509* const certificate = SSL_get1_peer_certificate(client.ssl());
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), hash, &size);
  X509_free(certificate);
  EXPECT_EQ(context->server_end_point(), std::string(reinterpret_cast<char*>(hash), size));
}

TEST(TlsAlpn, TakesXmppClientAndForgivesEverythingElse) {
  const auto context = make_context();
  TransportScratch scratch;
  for (const auto& [offered, expected] : std::vector<std::pair<const char*, std::string>>{
           {"xmpp-client", "xmpp-client"}, {"h2", ""}, {nullptr, ""}}) {
    Server server(*context, scratch);
    Client client({.alpn = offered});
    exchange(client, server);
    ASSERT_TRUE(client.established());
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.ssl(), &chosen, &size);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), expected);
  }
}

TEST(TlsHandshakeKinds, HelloRetryRequest) {
  const auto context = make_context(true, 2);
  TransportScratch scratch;
  Server server(*context, scratch);
  // The client's key share is for a group that the server does not take.
  Client client({.groups = "X448:P-256"});
  exchange(client, server);
  ASSERT_TRUE(client.established());
  ASSERT_TRUE(server.taken_over());
  client.write("second try");
  server.receive(client.take_wire());
  EXPECT_EQ(server.take_plain(), "second try");
}

TEST(TlsHandshakeKinds, MaxFragmentLengthHoldsAfterTheTakeover) {
  const auto context = make_context();
  TransportScratch scratch;
  Server server(*context, scratch);
  Client client({});
  SSL_set_tlsext_max_fragment_length(client.ssl(), TLSEXT_max_fragment_length_512);
  exchange(client, server);
  ASSERT_TRUE(server.taken_over());
  // A client that asked for 512 refuses longer records.
  server.send(std::string(5000, 'x'));
  std::string heard;
  exchange(client, server, &heard);
  EXPECT_EQ(heard.size(), 5000u);
  EXPECT_EQ(client.error(), SSL_ERROR_WANT_READ);
}

TEST(TlsHandshakeKinds, RsaCertificate) {
  const TestCertificate certificate(TestCertificate::Kind::rsa);
  const auto context = make_context(true, 1, nullptr, certificate);
  TransportScratch scratch;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Server server(*context, scratch);
    Client client({.version = version});
    exchange(client, server);
    EXPECT_TRUE(client.established());
  }
}

TEST(TlsHandshakeKinds, OldVersionsAreRefusedWithAnAlert) {
  const auto context = make_context();
  TransportScratch scratch;
  Server server(*context, scratch);
  Client client({.version = TLS1_1_VERSION});
  SSL_set_security_level(client.ssl(), 0);
  SSL_set_cipher_list(client.ssl(), "ALL:@SECLEVEL=0");
  exchange(client, server);
  EXPECT_EQ(server.status(), TransportStatus::failed);
  EXPECT_EQ(client.reason(), "tlsv1 alert protocol version");
}

TEST(TlsHandshakeKinds, RenegotiationIsRefused) {
  const auto context = make_context();
  TransportScratch scratch;
  Server server(*context, scratch);
  Client client({.version = TLS1_2_VERSION});
  exchange(client, server);
  ASSERT_TRUE(client.established());
  SSL_renegotiate(client.ssl());
  client.handshake();
  const TransportStatus status = server.receive(client.take_wire());
  const std::string reply = server.take_wire();
  // OpenSSL answers with the warning no_renegotiation; the client gives up.
  EXPECT_EQ(status, TransportStatus::ok);
  client.feed(reply);
  client.handshake();
  EXPECT_EQ(client.error(), SSL_ERROR_SSL);
}

TEST(TlsHostileHandshake, GarbageFails) {
  const auto context = make_context();
  TransportScratch scratch;
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100, '\0'), std::string(100, '\xff'),
        std::string("<?xml version='1.0'?><stream:stream to='localhost'>"),
        std::string{22, 3, 1, 0, 4, 1, 0, 0, 0}, std::string{22, 3, 1, 0, 4, 2, 0, 0, 0},
        std::string{21, 3, 1, 0, 2, 2, 40}, std::string{23, 3, 3, 0, 1, 0}}) {
    Server server(*context, scratch);
    EXPECT_EQ(server.receive(garbage), TransportStatus::failed);
    EXPECT_EQ(server.receive("more"), TransportStatus::failed);
    EXPECT_EQ(server.send("x"), TransportStatus::failed);
    EXPECT_FALSE(server.transport().established());
    EXPECT_EQ(server.transport().version(), "");
    server.take_wire();
    server.close();
    EXPECT_EQ(server.take_wire(), "");
  }
}

TEST(TlsHostileHandshake, AnUnfinishedClientHelloCostsOnlyItsBytes) {
  const auto context = make_context();
  TransportScratch scratch;
  Server server(*context, scratch);
  EXPECT_LE(server.transport().heap_bytes(), 256u);
  Client client({});
  client.handshake();
  const std::string hello = client.take_wire();
  ASSERT_EQ(server.receive(std::string_view(hello).substr(0, hello.size() - 1)),
            TransportStatus::ok);
  EXPECT_LE(server.transport().heap_bytes(), 256u + 2 * hello.size());
  ASSERT_EQ(server.receive(std::string_view(hello).substr(hello.size() - 1)), TransportStatus::ok);
  client.feed(server.take_wire());
  exchange(client, server);
  EXPECT_TRUE(client.established());
}

TEST(TlsHostileHandshake, AnOversizedClaimIsRefusedAtItsHeader) {
  const auto context = make_context();
  TransportScratch scratch;
  Server server(*context, scratch);
  EXPECT_EQ(server.receive(std::string{22, 3, 1, 0x40, 0, 1, 0, 0x40, 1}), TransportStatus::failed);
  EXPECT_EQ(server.take_wire(), (std::string{21, 3, 3, 0, 2, 2, 47}));
}

TEST(TlsHostileHandshake, HelloInRecordsOfOneByteEachWorksUpToABound) {
  const auto context = make_context();
  TransportScratch scratch;
  Client client({});
  client.handshake();
  const std::string hello = client.take_wire();
  std::string fragmented;
  for (const char byte : std::string_view(hello).substr(5)) {
    fragmented += std::string{22, 3, 1, 0, 1, byte};
  }
  Server server(*context, scratch);
  ASSERT_EQ(server.receive(fragmented), TransportStatus::ok);
  client.feed(server.take_wire());
  exchange(client, server);
  EXPECT_TRUE(client.established());

  Server flooded(*context, scratch);
  TransportStatus status = flooded.receive(std::string{22, 3, 1, 0, 4, 1, 0, 0x3f, 0});
  const std::string part = {22, 3, 1, 0, 1, 'x'};
  std::size_t sent = 0;
  for (; status == TransportStatus::ok && sent < 100000; sent += part.size()) {
    status = flooded.receive(part);
  }
  EXPECT_EQ(status, TransportStatus::failed);
  EXPECT_LE(sent, 2 * 16384u + 12);
}

TEST(TlsHostileHandshake, ABadFinishedIsRefused) {
  const auto context = make_context();
  TransportScratch scratch;
  Server server(*context, scratch);
  Client client({});
  std::string wire = last_flight(client, server, "");
  wire.back() ^= 1;
  EXPECT_EQ(server.receive(wire), TransportStatus::failed);
  EXPECT_FALSE(server.transport().established());
  EXPECT_EQ(server.transport().take_over(scratch), nullptr);
  client.feed(server.take_wire());
  client.read();
  EXPECT_EQ(client.reason(), "sslv3 alert bad record mac");
}

}  // namespace
}  // namespace rookery::tls_test
