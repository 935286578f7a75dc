// Certificates of the compact protocol: what they say, and that nothing of them can be changed.
#include "transport/noise_identity.h"

#include <gtest/gtest.h>

#include <string>

#include "native/transport/noise_test_support.h"

namespace rookery::noise_test {
namespace {

class NoiseIdentityTest : public testing::Test {
 protected:
  std::string make(const std::string& domain, std::uint64_t expires_s = 0) {
    return make_noise_certificate(domain, expires_s, seed, keys.open);
  }

  TransportScratch scratch;
  std::string secret = std::string(32, 's');
  NoiseKeyPair keys = key_pair(scratch, secret);
  NoiseKey seed = key_of(std::string(32, 'i'));
};

TEST_F(NoiseIdentityTest, SaysWhatWasPutIn) {
  const std::string bytes = make("example.org", 1'800'000'000);
  ASSERT_EQ(bytes.size(), 1u + 8 + 1 + 11 + 32 + 64);
  const auto certificate = read_noise_certificate(bytes, keys.open);
  ASSERT_TRUE(certificate);
  EXPECT_EQ(certificate->domain, "example.org");
  EXPECT_EQ(certificate->expires_s, 1'800'000'000u);
  EXPECT_FALSE(certificate->expired(1'800'000'000));
  EXPECT_TRUE(certificate->expired(1'800'000'001));
  EXPECT_EQ(bytes.substr(21, 32), text_of(certificate->identity_key));
}

TEST_F(NoiseIdentityTest, ZeroMeansNoEnd) {
  const auto certificate = read_noise_certificate(make("a"), keys.open);
  ASSERT_TRUE(certificate);
  EXPECT_FALSE(certificate->expired(~std::uint64_t{0}));
}

TEST_F(NoiseIdentityTest, DomainHasOneTo255Bytes) {
  EXPECT_EQ(make(""), "");
  EXPECT_EQ(make(std::string(256, 'd')), "");
  const auto certificate = read_noise_certificate(make(std::string(255, 'd')), keys.open);
  ASSERT_TRUE(certificate);
  EXPECT_EQ(certificate->domain, std::string(255, 'd'));
}

TEST_F(NoiseIdentityTest, EveryChangedOrMissingByteIsFound) {
  const std::string bytes = make("example.org", 1);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(read_noise_certificate(changed, keys.open)) << at;
    EXPECT_FALSE(read_noise_certificate(bytes.substr(0, at), keys.open)) << at;
  }
  EXPECT_FALSE(read_noise_certificate(bytes + 'x', keys.open));
}

TEST_F(NoiseIdentityTest, HoldsForItsKeyOnly) {
  const std::string bytes = make("example.org");
  EXPECT_TRUE(read_noise_certificate(bytes, keys.open));
  EXPECT_FALSE(read_noise_certificate(bytes, key_of(std::string(32, 'o'))));
}

TEST_F(NoiseIdentityTest, IdentityIsCheckedWhenItIsMade) {
  std::string error;
  EXPECT_EQ(NoiseIdentity::create("short", make("a"), error), nullptr);
  EXPECT_EQ(error, "the static key of the compact protocol has not 32 bytes");
  EXPECT_EQ(NoiseIdentity::create(std::string(32, 'o'), make("a"), error), nullptr);
  EXPECT_EQ(error, "the certificate of the compact protocol is not one of the static key");
  const auto identity = NoiseIdentity::create(secret, make("a"), error);
  ASSERT_NE(identity, nullptr);
  EXPECT_EQ(identity->keys().open, keys.open);
  EXPECT_EQ(identity->certificate(), make("a"));
}

}  // namespace
}  // namespace rookery::noise_test
