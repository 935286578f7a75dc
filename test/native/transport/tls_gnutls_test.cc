// The TLS transports against GnuTLS as the client: another implementation, with other habits
// (records that carry padding, its own record size limits, key updates of its own).
#include <gnutls/gnutls.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "native/transport/tls_test_support.h"

namespace rookery::tls_test {
namespace {

constexpr const char* kTls13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3";
constexpr const char* kTls12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2";

class GnutlsClient {
 public:
  explicit GnutlsClient(const char* priority, const gnutls_datum_t* session_data = nullptr,
                        unsigned flags = 0) {
    gnutls_certificate_allocate_credentials(&credentials_);
    gnutls_init(&session_, GNUTLS_CLIENT | GNUTLS_NONBLOCK | flags);
    EXPECT_EQ(gnutls_priority_set_direct(session_, priority, nullptr), GNUTLS_E_SUCCESS);
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_);
    gnutls_transport_set_ptr(session_, this);
    gnutls_transport_set_push_function(session_, push);
    gnutls_transport_set_pull_function(session_, pull);
    gnutls_transport_set_pull_timeout_function(session_, ready);
    if (session_data != nullptr) {
      gnutls_session_set_data(session_, session_data->data, session_data->size);
    }
  }
  ~GnutlsClient() {
    gnutls_deinit(session_);
    gnutls_certificate_free_credentials(credentials_);
  }
  GnutlsClient(const GnutlsClient&) = delete;
  GnutlsClient& operator=(const GnutlsClient&) = delete;

  gnutls_session_t session() { return session_; }
  void feed(std::string_view wire) { in_.append(wire); }
  std::string take_wire() { return std::exchange(out_, {}); }
  int handshake() { return gnutls_handshake(session_); }
  void write(std::string_view plain) {
    while (!plain.empty()) {
      const ssize_t sent = gnutls_record_send(session_, plain.data(), plain.size());
      ASSERT_GT(sent, 0) << gnutls_strerror(static_cast<int>(sent));
      plain.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  std::string read() {
    std::string plain;
    std::string buffer(20000, '\0');
    // GnuTLS says "again" after each message that is no data, too.
    std::size_t left = 0;
    do {
      left = in_.size();
      result_ = gnutls_record_recv(session_, buffer.data(), buffer.size());
      if (result_ > 0) plain.append(buffer.data(), static_cast<std::size_t>(result_));
    } while (result_ > 0 || (result_ == GNUTLS_E_AGAIN && in_.size() != left));
    return plain;
  }
  /// Of the latest read(): GNUTLS_E_AGAIN, 0 for close_notify, or an error.
  [[nodiscard]] ssize_t result() const { return result_; }
  std::string binding(gnutls_channel_binding_t type) {
    gnutls_datum_t data{};
    if (gnutls_session_channel_binding(session_, type, &data) != GNUTLS_E_SUCCESS) return "none";
    std::string out(reinterpret_cast<char*>(data.data), data.size);
    gnutls_free(data.data);
    return out;
  }

 private:
  static ssize_t push(gnutls_transport_ptr_t self, const void* data, std::size_t size) {
    static_cast<GnutlsClient*>(self)->out_.append(static_cast<const char*>(data), size);
    return static_cast<ssize_t>(size);
  }
  static ssize_t pull(gnutls_transport_ptr_t self, void* data, std::size_t size) {
    auto* const client = static_cast<GnutlsClient*>(self);
    if (client->in_.empty()) {
      gnutls_transport_set_errno(client->session_, EAGAIN);
      return -1;
    }
    const std::size_t got = std::min(size, client->in_.size());
    std::memcpy(data, client->in_.data(), got);
    client->in_.erase(0, got);
    return static_cast<ssize_t>(got);
  }
  static int ready(gnutls_transport_ptr_t self, unsigned) {
    return static_cast<GnutlsClient*>(self)->in_.empty() ? 0 : 1;
  }

  gnutls_certificate_credentials_t credentials_ = nullptr;
  gnutls_session_t session_ = nullptr;
  std::string in_;
  std::string out_;
  ssize_t result_ = 0;
};

void connect(GnutlsClient& client, Server& server) {
  int result = GNUTLS_E_AGAIN;
  for (int round = 0; round < 10 && result == GNUTLS_E_AGAIN; ++round) {
    result = client.handshake();
    server.receive(client.take_wire());
    client.feed(server.take_wire());
  }
  ASSERT_EQ(result, GNUTLS_E_SUCCESS) << gnutls_strerror(result);
  ASSERT_TRUE(server.transport().established());
}

/// One message each way.
void talk(GnutlsClient& client, Server& server, std::string_view up, std::string_view down) {
  client.write(up);
  ASSERT_EQ(server.receive(client.take_wire()), TransportStatus::ok);
  ASSERT_EQ(server.take_plain(), up);
  ASSERT_EQ(server.send(down), TransportStatus::ok);
  client.feed(server.take_wire());
  ASSERT_EQ(client.read(), down);
  ASSERT_EQ(client.result(), GNUTLS_E_AGAIN);
}

struct GnutlsCase {
  const char* priority;
  bool takeover;
};

class TlsGnutlsTest : public testing::TestWithParam<GnutlsCase> {
 protected:
  TlsGnutlsTest() : context_(make_context(GetParam().takeover, 2)) {}

  std::unique_ptr<TlsContext> context_;
  TransportScratch scratch_;
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, TlsGnutlsTest,
    testing::Values(GnutlsCase{kTls13, true}, GnutlsCase{kTls13, false}, GnutlsCase{kTls12, true},
                    GnutlsCase{"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM", true},
                    GnutlsCase{"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305",
                               true}));

TEST_P(TlsGnutlsTest, TalksAndCloses) {
  Server server(*context_, scratch_);
  GnutlsClient client(GetParam().priority);
  connect(client, server);
  for (int round = 0; round < 10; ++round) talk(client, server, "up", "down");
  server.close();
  client.feed(server.take_wire());
  client.read();
  EXPECT_EQ(client.result(), 0);
  gnutls_bye(client.session(), GNUTLS_SHUT_WR);
  EXPECT_EQ(server.receive(client.take_wire()), TransportStatus::closed);
}

TEST_P(TlsGnutlsTest, LargeTransfers) {
  Server server(*context_, scratch_);
  GnutlsClient client(GetParam().priority);
  connect(client, server);
  std::string text(300000, '\0');
  for (std::size_t at = 0; at < text.size(); ++at) text[at] = static_cast<char>(at * 7 + at / 251);
  for (int round = 0; round < 20; ++round) talk(client, server, text, text);
}

TEST_P(TlsGnutlsTest, ChannelBindingsAgree) {
  Server server(*context_, scratch_);
  GnutlsClient client(GetParam().priority);
  connect(client, server);
  Transport& transport = server.transport();
  EXPECT_EQ(transport.channel_binding("tls-server-end-point"),
            client.binding(GNUTLS_CB_TLS_SERVER_END_POINT));
  if (gnutls_protocol_get_version(client.session()) == GNUTLS_TLS1_3) {
    EXPECT_EQ(transport.channel_binding("tls-exporter"), client.binding(GNUTLS_CB_TLS_EXPORTER));
  } else {
    EXPECT_EQ(transport.channel_binding("tls-unique"), client.binding(GNUTLS_CB_TLS_UNIQUE));
  }
}

TEST_P(TlsGnutlsTest, Resumes) {
  Server server(*context_, scratch_);
  GnutlsClient client(GetParam().priority);
  connect(client, server);
  talk(client, server, "up", "down");  // The tickets are read with the first data.
  gnutls_datum_t data{};
  ASSERT_EQ(gnutls_session_get_data2(client.session(), &data), GNUTLS_E_SUCCESS);
  Server again(*context_, scratch_);
  GnutlsClient returning(GetParam().priority, &data);
  gnutls_free(data.data);
  connect(returning, again);
  EXPECT_NE(gnutls_session_is_resumed(returning.session()), 0);
  talk(returning, again, "back", "welcome");
}

TEST_P(TlsGnutlsTest, TheClientSeesAForgedRecordRefused) {
  Server server(*context_, scratch_);
  GnutlsClient client(GetParam().priority);
  connect(client, server);
  client.write("forged");
  std::string wire = client.take_wire();
  wire.back() ^= 1;
  EXPECT_EQ(server.receive(wire), TransportStatus::failed);
  client.feed(server.take_wire());
  client.read();
  EXPECT_EQ(client.result(), GNUTLS_E_FATAL_ALERT_RECEIVED);
  EXPECT_EQ(gnutls_alert_get(client.session()), GNUTLS_A_BAD_RECORD_MAC);
}

TEST_P(TlsGnutlsTest, AFatalAlertOfTheClientEndsTheConnection) {
  Server server(*context_, scratch_);
  GnutlsClient client(GetParam().priority);
  connect(client, server);
  gnutls_alert_send(client.session(), GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
  EXPECT_EQ(server.receive(client.take_wire()), TransportStatus::failed);
  EXPECT_EQ(server.take_wire(), "");
}

class TlsGnutls13Test : public TlsGnutlsTest {};

INSTANTIATE_TEST_SUITE_P(Kinds, TlsGnutls13Test,
                         testing::Values(GnutlsCase{kTls13, true}, GnutlsCase{kTls13, false}));

TEST_P(TlsGnutls13Test, KeyUpdatesBothWays) {
  Server server(*context_, scratch_);
  GnutlsClient client(GetParam().priority);
  connect(client, server);
  for (int round = 0; round < 10; ++round) {
    // With GNUTLS_KU_PEER the server is asked to change its key as well.
    ASSERT_EQ(gnutls_session_key_update(client.session(), round % 2 == 0 ? GNUTLS_KU_PEER : 0),
              GNUTLS_E_SUCCESS);
    talk(client, server, "new key", "yours too");
  }
}

TEST_P(TlsGnutls13Test, TheServersOwnKeyUpdate) {
  TransportScratch scratch({.records_per_key = 5});
  Server server(*context_, scratch);
  GnutlsClient client(GetParam().priority);
  connect(client, server);
  for (int round = 0; round < 40; ++round) talk(client, server, "up", "down");
}

TEST_P(TlsGnutls13Test, PaddedRecords) {
  Server server(*context_, scratch_);
  GnutlsClient client(GetParam().priority, nullptr, GNUTLS_SAFE_PADDING_CHECK);
  connect(client, server);
  for (std::size_t padding = 0; padding < 3000; padding += 307) {
    ASSERT_EQ(gnutls_record_send2(client.session(), "padded", 6, padding, 0), 6);
    ASSERT_EQ(server.receive(client.take_wire()), TransportStatus::ok);
    ASSERT_EQ(server.take_plain(), "padded");
  }
}

TEST_P(TlsGnutls13Test, ASmallRecordSizeOfTheClient) {
  Server server(*context_, scratch_);
  GnutlsClient client(GetParam().priority);
  ASSERT_EQ(gnutls_record_set_max_size(client.session(), 512), GNUTLS_E_SUCCESS);
  connect(client, server);
  talk(client, server, std::string(5000, 'u'), std::string(400, 'd'));
}

TEST_P(TlsGnutls13Test, FalseStartDataBehindFinished) {
  Server server(*context_, scratch_);
  GnutlsClient client(GetParam().priority);
  ASSERT_EQ(client.handshake(), GNUTLS_E_AGAIN);
  server.receive(client.take_wire());
  client.feed(server.take_wire());
  ASSERT_EQ(client.handshake(), GNUTLS_E_SUCCESS);
  client.write("with the Finished");
  ASSERT_EQ(server.receive(client.take_wire()), TransportStatus::ok);
  EXPECT_EQ(server.take_plain(), "with the Finished");
}

}  // namespace
}  // namespace rookery::tls_test
