// SASL: the vectors of RFC 5802, RFC 7677 and others, whole exchanges against a client written
// here, and every way in which a message can be wrong.
#include "session/sasl.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "session/scram_crypto.h"

namespace rookery {
namespace {

using std::string_view_literals::operator""sv;

/// Yields a given text's bytes, then counts up.
class FixedRandom : public Random {
 public:
  explicit FixedRandom(std::string bytes = {}) : bytes_(std::move(bytes)) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) {
      byte = at_ < bytes_.size() ? static_cast<std::uint8_t>(bytes_[at_])
                                 : static_cast<std::uint8_t>(at_);
      ++at_;
    }
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

std::string decoded(std::string_view text) {
  std::string out;
  EXPECT_TRUE(base64_decode(text, out)) << text;
  return out;
}

Credentials account(std::string_view password) {
  Credentials made;
  made.sha1 = derive_scram_keys(false, password, "salt of sixteen!", 4096);
  made.sha256 = derive_scram_keys(true, password, "salt of sixteen?", 4096);
  return made;
}

/// The client's side of SCRAM.
class Client {
 public:
  Client(bool sha256, std::string user, std::string password, std::string gs2 = "n,,",
         std::string binding = {})
      : hash_(sha256 ? scram::Hash::sha256 : scram::Hash::sha1),
        password_(std::move(password)),
        gs2_(std::move(gs2)),
        binding_(std::move(binding)),
        bare_("n=" + std::move(user) + ",r=clientnonce") {}

  std::string first() const { return gs2_ + bare_; }
  const std::string& nonce() const { return nonce_; }
  const std::string& salt() const { return salt_; }

  std::string final(const std::string& challenge, std::string extension = {}) {
    nonce_ = field(challenge, "r=");
    salt_ = decoded(field(challenge, "s="));
    const auto iterations = static_cast<std::uint32_t>(std::stoul(field(challenge, "i=")));
    const std::string without = "c=" + base64_encode(gs2_ + binding_) + ",r=" + nonce_ + extension;
    const std::string auth = bare_ + "," + challenge + "," + without;
    const scram::Digest salted = scram::salted_password(hash_, password_, salt_, iterations);
    scram::Digest key = scram::hmac(hash_, scram::digest_view(hash_, salted), {"Client Key"});
    const scram::Digest stored = scram::digest(hash_, {scram::digest_view(hash_, key)});
    const scram::Digest signature = scram::hmac(hash_, scram::digest_view(hash_, stored), {auth});
    for (std::size_t index = 0; index < key.size(); ++index) key[index] ^= signature[index];
    const scram::Digest server =
        scram::hmac(hash_, scram::digest_view(hash_, salted), {"Server Key"});
    verifier_ = "v=" + base64_encode(scram::digest_view(
                           hash_, scram::hmac(hash_, scram::digest_view(hash_, server), {auth})));
    return without + ",p=" + base64_encode(scram::digest_view(hash_, key));
  }
  const std::string& verifier() const { return verifier_; }

 private:
  static std::string field(const std::string& text, const std::string& key) {
    const std::size_t at = text.find(key);
    return text.substr(at + 2, text.find(',', at) - at - 2);
  }
  scram::Hash hash_;
  std::string password_, gs2_, binding_, bare_, nonce_, salt_, verifier_;
};

const ChannelBindings bindings{"exporter bytes", "end point bytes", "unique bytes"};

struct Server {
  explicit Server(SaslMechanism mechanism, bool plus_offered = false, ChannelBindings offered = {})
      : sasl(mechanism, "example.org", std::move(offered), plus_offered, random) {}
  FixedRandom random;
  SaslServer sasl;
};

void expect_first_fails(SaslMechanism mechanism, std::string_view message, SaslFailure failure,
                        bool plus_offered = false) {
  Server server(mechanism, plus_offered, bindings);
  EXPECT_EQ(server.sasl.start(message, true), SaslStep::failure) << message;
  EXPECT_EQ(sasl_failure_name(server.sasl.failure()), sasl_failure_name(failure)) << message;
  EXPECT_EQ(server.sasl.respond("x"), SaslStep::failure);
}

TEST(Base64, VectorsOfRfc4648) {
  const std::map<std::string, std::string> vectors = {{"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(base64_encode(plain), text);
    EXPECT_EQ(decoded(text), plain);
  }
  EXPECT_EQ(decoded("="), "");
  EXPECT_EQ(decoded(base64_encode("\0\xFF\x80"sv)), "\0\xFF\x80"sv);
}

TEST(Base64, RefusesWhatIsNotBase64) {
  for (const std::string_view text :
       {"Z"sv, "Zg"sv, "Zg="sv, "Zg==="sv, "Z==="sv, "===="sv, "=="sv, "Zg==Zg=="sv, "Zm9v "sv,
        "Zm9\n"sv, "Zm-_"sv, "Zh=="sv, "Zm9="sv, "Z=9v"sv, "Zm\0v"sv, "Zm9\xFF"sv}) {
    std::string out;
    EXPECT_FALSE(base64_decode(text, out)) << text;
  }
}

TEST(ScramCrypto, Vectors) {
  const auto hex = [](scram::Hash hash, const scram::Digest& digest) {
    std::string out;
    for (const char byte : scram::digest_view(hash, digest)) {
      const char* digits = "0123456789abcdef";
      out += digits[(byte >> 4) & 15];
      out += digits[byte & 15];
    }
    return out;
  };
  // FIPS 180, RFC 2202, RFC 4231 (with a key longer than a block), RFC 6070.
  EXPECT_EQ(hex(scram::Hash::sha1, scram::digest(scram::Hash::sha1, {"a", "bc"})),
            "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(scram::Hash::sha1,
                scram::hmac(scram::Hash::sha1, "Jefe", {"what do ya want ", "for nothing?"})),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(hex(scram::Hash::sha256,
                scram::hmac(scram::Hash::sha256, std::string(131, '\xAA'),
                            {"Test Using Larger Than Block-Size Key - Hash Key First"})),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(
      hex(scram::Hash::sha1, scram::salted_password(scram::Hash::sha1, "password", "salt", 4096)),
      "4b007901b765489abead49d926f721d065a429c1");
}

TEST(SaslServer, ChallengeAndVerifierByteForByte) {
  const Credentials keys{derive_scram_keys(false, "pencil", decoded("QSXCR+Q6sek8bf92"), 4096), {}};
  Client client(false, "user", "pencil");
  Server server(SaslMechanism::scram_sha_1);
  EXPECT_EQ(server.sasl.start(client.first(), true), SaslStep::need_credentials);
  EXPECT_EQ(server.sasl.user(), "user");
  EXPECT_EQ(server.sasl.credentials(&keys, {"secret"}), SaslStep::challenge);
  EXPECT_EQ(server.sasl.payload(),
            "r=clientnonceAAECAwQFBgcICQoLDA0ODxAR,s=QSXCR+Q6sek8bf92,i=4096");
  EXPECT_EQ(server.sasl.respond(client.final(server.sasl.payload())), SaslStep::success);
  EXPECT_EQ(server.sasl.payload(), client.verifier());
}

TEST(SaslServer, KeysFitTheVectorsOfTheRfcs) {
  struct Vector {
    SaslMechanism mechanism;
    std::string client_nonce, server_nonce, salt, proof, verifier;
  };
  // The server's nonces in the RFCs are not such as we make, so the vectors are checked on the
  // keys: the proof leads to StoredKey, and ServerKey to the verifier.
  const std::vector<Vector> vectors = {
      {SaslMechanism::scram_sha_1, "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j",
       "QSXCR+Q6sek8bf92", "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
      {SaslMechanism::scram_sha_256, "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
       "W22ZaJ0SNY7soEsUEjb6gQ==", "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
       "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="}};
  for (const Vector& vector : vectors) {
    const bool sha256 = vector.mechanism == SaslMechanism::scram_sha_256;
    const auto hash = sha256 ? scram::Hash::sha256 : scram::Hash::sha1;
    const ScramKeys keys = derive_scram_keys(sha256, "pencil", decoded(vector.salt), 4096);
    const std::string nonce = vector.client_nonce + vector.server_nonce;
    const std::string auth = "n=user,r=" + vector.client_nonce + ",r=" + nonce +
                             ",s=" + vector.salt + ",i=4096,c=biws,r=" + nonce;
    const auto view = [&](const auto& key) {
      return std::string_view(reinterpret_cast<const char*>(key.data()), scram::digest_bytes(hash));
    };
    const scram::Digest server = scram::hmac(hash, view(keys.server_key), {auth});
    EXPECT_EQ("v=" + base64_encode(view(server)), vector.verifier);
    scram::Digest client = scram::hmac(hash, view(keys.stored_key), {auth});
    const std::string proof = decoded(vector.proof);
    for (std::size_t index = 0; index < proof.size(); ++index) {
      client[index] ^= static_cast<unsigned char>(proof[index]);
    }
    EXPECT_EQ(view(scram::digest(hash, {view(client)})), view(keys.stored_key));
  }
}

TEST(SaslServer, AllScramMechanismsSucceed) {
  struct Case {
    SaslMechanism mechanism;
    std::string gs2, binding;
  };
  const std::vector<Case> cases = {
      {SaslMechanism::scram_sha_1, "n,,", ""},
      {SaslMechanism::scram_sha_256, "y,,", ""},
      {SaslMechanism::scram_sha_256, "n,a=juliet@example.org,", ""},
      {SaslMechanism::scram_sha_1_plus, "p=tls-exporter,,", bindings.tls_exporter},
      {SaslMechanism::scram_sha_256_plus, "p=tls-server-end-point,a=juliet@Example.org,",
       bindings.tls_server_end_point},
      {SaslMechanism::scram_sha_256_plus, "p=tls-unique,,", bindings.tls_unique}};
  const Credentials keys = account("r0m30myr0m30");
  for (const Case& each : cases) {
    const bool sha256 = each.mechanism == SaslMechanism::scram_sha_256 ||
                        each.mechanism == SaslMechanism::scram_sha_256_plus;
    for (const bool good : {true, false}) {
      Client client(sha256, "Juliet", good ? "r0m30myr0m30" : "wrong", each.gs2, each.binding);
      Server server(each.mechanism, false, bindings);
      ASSERT_EQ(server.sasl.start(client.first(), true), SaslStep::need_credentials) << each.gs2;
      EXPECT_EQ(server.sasl.user(), "juliet");
      ASSERT_EQ(server.sasl.credentials(&keys, {"secret"}), SaslStep::challenge);
      const SaslStep end = server.sasl.respond(client.final(server.sasl.payload(), ",x=y"));
      EXPECT_EQ(end, good ? SaslStep::success : SaslStep::failure) << each.gs2;
      if (good) {
        EXPECT_EQ(server.sasl.payload(), client.verifier());
      } else {
        EXPECT_EQ(server.sasl.failure(), SaslFailure::not_authorized);
        EXPECT_EQ(server.sasl.payload(), "");
      }
      EXPECT_EQ(server.sasl.respond("again"), SaslStep::failure);
    }
  }
}

TEST(SaslServer, AsksForTheInitialResponse) {
  const Credentials keys = account("x");
  Client client(false, "juliet", "x");
  Server server(SaslMechanism::scram_sha_1);
  EXPECT_EQ(server.sasl.start({}, false), SaslStep::challenge);
  EXPECT_EQ(server.sasl.payload(), "");
  EXPECT_EQ(server.sasl.respond(client.first()), SaslStep::need_credentials);
  EXPECT_EQ(server.sasl.credentials(&keys, {"secret"}), SaslStep::challenge);
  EXPECT_EQ(server.sasl.respond(client.final(server.sasl.payload())), SaslStep::success);
}

TEST(SaslServer, RefusesBadFirstMessages) {
  const SaslMechanism sha1 = SaslMechanism::scram_sha_1;
  const SaslMechanism plus = SaslMechanism::scram_sha_1_plus;
  for (const std::string_view message : {""sv,
                                         "n"sv,
                                         "n,"sv,
                                         "n,,"sv,
                                         "n,,n=u"sv,
                                         "n,,n=u,"sv,
                                         "n,,n=u,r="sv,
                                         "n,,r=x,n=u"sv,
                                         "n,,n=,r=x"sv,
                                         "n,,m=1,n=u,r=x"sv,
                                         "n,,n=u=,r=x"sv,
                                         "n,,n=u=2c,r=x"sv,
                                         "n,,n=u,r=a b"sv,
                                         "n,,n=u,r=\xC3\xA9"sv,
                                         "n,,n=u,r=x,"
                                         ","sv,
                                         "n,,n=u,r=x,1=2"sv,
                                         "n,,n=u,r=x,y"sv,
                                         "N,,n=u,r=x"sv,
                                         "z,,n=u,r=x"sv,
                                         "p,,n=u,r=x"sv,
                                         "p=tls-exporter,,n=u,r=x"sv,
                                         "n,b=x,n=u,r=x"sv,
                                         "n,a=,n=u,r=x"sv,
                                         ",,n=u,r=x"sv,
                                         "n=,,n=u,r=x"sv,
                                         "y=1,,n=u,r=x"sv}) {
    expect_first_fails(sha1, message, SaslFailure::malformed_request);
  }
  expect_first_fails(sha1, "n,,n=u,r=" + std::string(300, 'x'), SaslFailure::malformed_request);
  expect_first_fails(sha1, "n,,n=" + std::string(9000, 'u') + ",r=x",
                     SaslFailure::malformed_request);
  expect_first_fails(sha1, "n,,n=a@b,r=x", SaslFailure::not_authorized);
  expect_first_fails(sha1, "n,,n=\xFF,r=x", SaslFailure::not_authorized);
  expect_first_fails(sha1, "n,a=romeo@example.org,n=u,r=x", SaslFailure::invalid_authzid);
  expect_first_fails(sha1, "n,a=u@other.org,n=u,r=x", SaslFailure::invalid_authzid);
  expect_first_fails(sha1, "n,a=u@example.org/r,n=u,r=x", SaslFailure::invalid_authzid);
  for (const std::string_view message :
       {"n,,n=u,r=x", "y,,n=u,r=x", "p=tls-none,,n=u,r=x", "p=,,n=u,r=x"}) {
    expect_first_fails(plus, message, SaslFailure::malformed_request);
  }
  // A binding type that we know, but that this connection does not have.
  Server server(plus, true, {.tls_server_end_point = "x"});
  EXPECT_EQ(server.sasl.start("p=tls-exporter,,n=u,r=x", true), SaslStep::failure);
}

TEST(SaslServer, SeesTheDowngrade) {
  expect_first_fails(SaslMechanism::scram_sha_256, "y,,n=u,r=x", SaslFailure::not_authorized, true);
  Server server(SaslMechanism::scram_sha_256, true, bindings);
  EXPECT_EQ(server.sasl.start("n,,n=u,r=x", true), SaslStep::need_credentials);
}

/// Runs an exchange with a good password whose last message `change` has spoilt.
template <typename Change>
SaslFailure spoilt(Change&& change, std::string gs2 = "p=tls-exporter,,",
                   std::string binding = bindings.tls_exporter) {
  static const Credentials keys = account("pw");
  Client client(true, "juliet", "pw", gs2, binding);
  Server server(SaslMechanism::scram_sha_256_plus, true, bindings);
  EXPECT_EQ(server.sasl.start(client.first(), true), SaslStep::need_credentials);
  EXPECT_EQ(server.sasl.credentials(&keys, {"secret"}), SaslStep::challenge);
  const SaslStep step = server.sasl.respond(change(client.final(server.sasl.payload())));
  EXPECT_EQ(step == SaslStep::failure, server.sasl.failure() != SaslFailure::none);
  return server.sasl.failure();
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos);
  return text.replace(at, from.size(), to);
}

TEST(SaslServer, RefusesBadFinalMessages) {
  using Text = std::string;
  EXPECT_EQ(spoilt([](Text text) { return text; }), SaslFailure::none);
  EXPECT_EQ(spoilt([](Text) { return Text(); }), SaslFailure::malformed_request);
  EXPECT_EQ(spoilt([](Text text) { return text.substr(0, text.find(",p=")); }),
            SaslFailure::malformed_request);
  EXPECT_EQ(spoilt([](Text text) { return replaced(text, ",r=", ",m=x,r="); }),
            SaslFailure::malformed_request);
  EXPECT_EQ(spoilt([](Text text) { return replaced(text, ",p=", ",m=x,p="); }),
            SaslFailure::malformed_request);
  EXPECT_EQ(spoilt([](Text text) { return replaced(text, ",p=", ",,p="); }),
            SaslFailure::malformed_request);
  EXPECT_EQ(spoilt([](Text text) { return text + ",x=y"; }), SaslFailure::malformed_request);
  EXPECT_EQ(spoilt([](Text text) { return text + text; }), SaslFailure::malformed_request);
  EXPECT_EQ(spoilt([](Text text) { return replaced(text, "r=client", "r=Client"); }),
            SaslFailure::not_authorized);
  EXPECT_EQ(spoilt([](Text text) { return replaced(text, ",p=", "x,p="); }),
            SaslFailure::not_authorized);
  // An extension that the proof does not cover.
  EXPECT_EQ(spoilt([](Text text) { return replaced(text, ",p=", ",x=y,p="); }),
            SaslFailure::not_authorized);
  EXPECT_EQ(spoilt([](Text text) { return replaced(text, "c=", "c=AAAA"); }),
            SaslFailure::not_authorized);
  EXPECT_EQ(spoilt([](Text text) { return replaced(text, "c=", "c=!"); }),
            SaslFailure::not_authorized);
  EXPECT_EQ(spoilt([](Text text) { return text.substr(0, text.find(",p=")) + ",p=AAAA"; }),
            SaslFailure::malformed_request);
  EXPECT_EQ(spoilt([](Text text) {
              return text.substr(0, text.find(",p=")) +
                     ",p=" + base64_encode(std::string(32, '\0'));
            }),
            SaslFailure::not_authorized);
  EXPECT_EQ(spoilt([](Text) { return Text(9000, 'x'); }), SaslFailure::malformed_request);
  // Bound to another connection.
  EXPECT_EQ(spoilt([](Text text) { return text; }, "p=tls-exporter,,", "other bytes"),
            SaslFailure::not_authorized);
}

TEST(SaslServer, StrangersLookLikeUsers) {
  std::vector<std::string> salts;
  const Credentials only_sha1{account("x").sha1, {}};
  for (const auto& [user, keys] : std::vector<std::pair<std::string, const Credentials*>>{
           {"ghost", nullptr}, {"ghost", nullptr}, {"other", nullptr}, {"ghost", &only_sha1}}) {
    Client client(true, user, "x");
    Server server(SaslMechanism::scram_sha_256);
    ASSERT_EQ(server.sasl.start(client.first(), true), SaslStep::need_credentials);
    ASSERT_EQ(server.sasl.credentials(keys, {"secret"}), SaslStep::challenge);
    EXPECT_NE(server.sasl.payload().find(",i=4096"), std::string::npos);
    EXPECT_EQ(server.sasl.respond(client.final(server.sasl.payload())), SaslStep::failure);
    EXPECT_EQ(server.sasl.failure(), SaslFailure::not_authorized);
    EXPECT_EQ(client.salt().size(), scram_salt_bytes);
    salts.push_back(client.salt());
  }
  EXPECT_EQ(salts[0], salts[1]);
  EXPECT_EQ(salts[0], salts[3]);
  EXPECT_NE(salts[0], salts[2]);
  Client client(true, "ghost", "x");
  Server server(SaslMechanism::scram_sha_256);
  server.sasl.start(client.first(), true);
  server.sasl.credentials(nullptr, {"another secret"});
  client.final(server.sasl.payload());
  EXPECT_NE(client.salt(), salts[0]);
}

TEST(SaslServer, StrangersHaveTheKeysOfNewAccounts) {
  for (const bool plain : {false, true}) {
    for (const bool exists : {false, true}) {
      Credentials keys;
      const std::string salt = "a salt of twenty-two b";
      keys.sha256 = derive_scram_keys(true, "right", salt, 20'000);
      Server server(plain ? SaslMechanism::plain : SaslMechanism::scram_sha_256);
      Client client(true, "user", "wrong");
      const std::string first = plain ? std::string("\0user\0wrong"sv) : client.first();
      ASSERT_EQ(server.sasl.start(first, true), SaslStep::need_credentials);
      const MadeUpKeys made_up{"secret", 20'000, salt.size()};
      const SaslStep step = server.sasl.credentials(exists ? &keys : nullptr, made_up);
      if (plain) {
        ASSERT_EQ(step, SaslStep::check_password);
        const auto check = server.sasl.take_password_check();
        EXPECT_TRUE(check->sha256);
        EXPECT_EQ(check->keys.iterations, 20'000u);
        EXPECT_EQ(check->keys.salt.size(), salt.size());
        EXPECT_EQ(server.sasl.password_checked(password_fits(*check)), SaslStep::failure);
      } else {
        ASSERT_EQ(step, SaslStep::challenge);
        EXPECT_TRUE(server.sasl.payload().ends_with(",i=20000"));
        const std::string last = client.final(server.sasl.payload());
        EXPECT_EQ(client.salt().size(), salt.size());
        EXPECT_EQ(server.sasl.respond(last), SaslStep::failure);
      }
      EXPECT_EQ(server.sasl.failure(), SaslFailure::not_authorized);
    }
  }
}

TEST(PasswordCheck, NoPasswordFitsMadeUpKeys) {
  PasswordCheck check;
  check.password = "x";
  check.keys = derive_scram_keys(true, "x", "salt", 2);
  EXPECT_FALSE(password_fits(check));
  check.known = true;
  EXPECT_TRUE(password_fits(check));
  check.keys.iterations = 3;
  EXPECT_FALSE(password_fits(check));
}

TEST(SaslServer, CallsOutOfOrderFail) {
  const Credentials keys = account("x");
  Server early(SaslMechanism::scram_sha_1);
  EXPECT_EQ(early.sasl.credentials(&keys, {"s"}), SaslStep::failure);
  Server twice(SaslMechanism::plain);
  EXPECT_EQ(twice.sasl.start("\0u\0x"sv, true), SaslStep::need_credentials);
  EXPECT_EQ(twice.sasl.respond("\0u\0x"sv), SaslStep::failure);
  Server unasked(SaslMechanism::plain);
  EXPECT_EQ(unasked.sasl.start("\0u\0x"sv, true), SaslStep::need_credentials);
  EXPECT_EQ(unasked.sasl.password_checked(true), SaslStep::failure);
  Server none(SaslMechanism::none);
  EXPECT_EQ(none.sasl.start({}, false), SaslStep::failure);
  EXPECT_EQ(none.sasl.failure(), SaslFailure::invalid_mechanism);
}

TEST(SaslServer, Plain) {
  const Credentials both = account("tr\u00E8s secret");
  const Credentials weak{both.sha1, {}};
  struct Case {
    std::string_view message;
    const Credentials* keys;
    bool good;
  };
  const std::vector<Case> cases = {{"\0juliet\0tr\u00E8s secret"sv, &both, true},
                                   {"\0Juliet\0tre\u0300s\u00A0secret"sv, &both, true},
                                   {"juliet@example.org\0juliet\0tr\u00E8s secret"sv, &weak, true},
                                   {"\0juliet\0tres secret"sv, &both, false},
                                   {"\0juliet\0tres secret"sv, &weak, false},
                                   {"\0juliet\0tr\u00E8s secret"sv, nullptr, false}};
  for (const Case& each : cases) {
    Server server(SaslMechanism::plain);
    ASSERT_EQ(server.sasl.start(each.message, true), SaslStep::need_credentials);
    EXPECT_EQ(server.sasl.user(), "juliet");
    EXPECT_NE(server.sasl.password(), "");
    ASSERT_EQ(server.sasl.credentials(each.keys, {"s"}), SaslStep::check_password);
    const std::unique_ptr<PasswordCheck> check = server.sasl.take_password_check();
    ASSERT_NE(check, nullptr);
    EXPECT_EQ(server.sasl.take_password_check(), nullptr);
    EXPECT_EQ(server.sasl.password_checked(password_fits(*check)),
              each.good ? SaslStep::success : SaslStep::failure)
        << each.message;
    EXPECT_EQ(server.sasl.payload(), "");
  }
}

TEST(SaslServer, RefusesBadPlain) {
  const SaslMechanism plain = SaslMechanism::plain;
  for (const std::string_view message :
       {""sv, "\0"sv, "\0u"sv, "\0u\0"sv, "\0\0p"sv, "u\0p"sv, "\0u\0p\0"sv}) {
    expect_first_fails(plain, message, SaslFailure::malformed_request);
  }
  expect_first_fails(plain, "romeo@example.org\0u\0p"sv, SaslFailure::invalid_authzid);
  expect_first_fails(plain, "\0u v\0p"sv, SaslFailure::not_authorized);
  expect_first_fails(plain, "\0u\0\xFF"sv, SaslFailure::not_authorized);
}

TEST(SaslServer, MechanismNames) {
  for (const std::string_view name :
       {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"}) {
    EXPECT_EQ(sasl_mechanism_name(sasl_mechanism(name)), name);
  }
  EXPECT_EQ(sasl_mechanism("SCRAM-SHA-512"), SaslMechanism::none);
  EXPECT_EQ(sasl_mechanism(""), SaslMechanism::none);
  EXPECT_EQ(sasl_mechanism_name(SaslMechanism::none), "");
}

TEST(SaslPrep, ExamplesOfRfc4013) {
  const auto prepared = [](std::string_view text) {
    std::string out;
    return saslprep_password(text, out) ? out : "(refused)";
  };
  EXPECT_EQ(prepared("I\u00ADX"), "IX");
  EXPECT_EQ(prepared("user"), "user");
  EXPECT_EQ(prepared("USER"), "USER");
  EXPECT_EQ(prepared("\u00AA"), "a");
  EXPECT_EQ(prepared("\u2168"), "IX");
  EXPECT_EQ(prepared("\x07"), "(refused)");
  EXPECT_EQ(prepared("a\u00A0b"), "a b");
  EXPECT_EQ(prepared(""), "(refused)");
  EXPECT_EQ(prepared("\u00AD"), "(refused)");
  EXPECT_EQ(prepared("\xFF"), "(refused)");
}

}  // namespace
}  // namespace rookery
