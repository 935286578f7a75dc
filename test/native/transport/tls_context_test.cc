// TlsContext and TicketKeys: what is said about files that cannot be used, and lifetimes.
#include "transport/tls_context.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "native/transport/tls_test_support.h"
#include "transport/ticket_keys.h"

namespace rookery::tls_test {
namespace {

std::string error_of(const std::string& certificate_file, const std::string& key_file) {
  TlsOptions options;
  options.certificate_file = certificate_file;
  options.key_file = key_file;
  std::string error;
  EXPECT_EQ(TlsContext::create(options, error), nullptr);
  return error;
}

TEST(TlsContextTest, NamesTheFileThatIsMissing) {
  const TestCertificate& good = shared_certificate();
  EXPECT_EQ(error_of("/nowhere/cert.pem", good.key_file()),
            "/nowhere/cert.pem: No such file or directory");
  EXPECT_EQ(error_of(good.certificate_file(), "/nowhere/key.pem"),
            "/nowhere/key.pem: No such file or directory");
}

TEST(TlsContextTest, NamesTheFileThatIsNotPem) {
  const TestCertificate good;
  const std::string bad = good.directory() + "/bad.pem";
  std::ofstream(bad) << "this is no certificate\n";
  EXPECT_EQ(error_of(bad, good.key_file()).find(bad + ": not a usable PEM certificate chain: "),
            0u);
  EXPECT_EQ(error_of(good.certificate_file(), bad)
                .find(bad + ": not a usable PEM key without a passphrase: "),
            0u);
  EXPECT_NE(error_of(good.directory(), good.key_file()), "");
}

TEST(TlsContextTest, SaysThatKeyAndCertificateDoNotBelongTogether) {
  const TestCertificate other;
  const TestCertificate rsa(TestCertificate::Kind::rsa);
  const TestCertificate& good = shared_certificate();
  for (const TestCertificate* wrong : {&other, &rsa}) {
    EXPECT_EQ(
        error_of(good.certificate_file(), wrong->key_file()),
        wrong->key_file() + ": does not belong to the certificate in " + good.certificate_file());
  }
}

TEST(TlsContextTest, AsksNobodyForAPassphrase) {
  const TestCertificate good;
  std::FILE* const in = std::fopen(good.key_file().c_str(), "r");
  EVP_PKEY* const key = PEM_read_PrivateKey(in, nullptr, nullptr, nullptr);
  std::fclose(in);
  const std::string encrypted = good.directory() + "/encrypted.pem";
  std::FILE* const out = std::fopen(encrypted.c_str(), "w");
  const unsigned char passphrase[] = "secret";
  PEM_write_PrivateKey(out, key, EVP_aes_128_cbc(), passphrase, 6, nullptr, nullptr);
  std::fclose(out);
  EVP_PKEY_free(key);
  EXPECT_EQ(error_of(good.certificate_file(), encrypted)
                .find(encrypted + ": not a usable PEM key without a passphrase: "),
            0u);
}

TEST(TlsContextTest, ConnectionsOutliveTheirContext) {
  TransportScratch scratch;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto context = make_context();
    Server server(*context, scratch);
    context.reset();
    Client client({.version = version});
    exchange(client, server);
    ASSERT_TRUE(client.established());
    EXPECT_EQ(client.sessions().size(), 1u);
    client.write("still here");
    server.receive(client.take_wire());
    EXPECT_EQ(server.take_plain(), "still here");
  }
}

TEST(TicketKeysTest, RotationKeepsThePreviousKeys) {
  const std::shared_ptr<TicketKeys> keys = TicketKeys::create();
  const TicketKeySet first = keys->keys();
  EXPECT_FALSE(first.has_previous);
  ASSERT_TRUE(keys->rotate());
  const TicketKeySet second = keys->keys();
  EXPECT_TRUE(second.has_previous);
  EXPECT_EQ(second.previous.name, first.current.name);
  EXPECT_EQ(second.previous.cipher_key, first.current.cipher_key);
  EXPECT_NE(second.current.name, first.current.name);
  EXPECT_NE(second.current.mac_key, first.current.mac_key);
}

}  // namespace
}  // namespace rookery::tls_test
