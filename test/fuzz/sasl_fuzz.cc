// Fuzzes SASL: whole exchanges of which the input is the client's side, one message a line. Nobody
// knows the password, so nobody may get in; with a client that knows it and whose messages the
// input spoils, only an unspoilt one may.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "session/sasl.h"
#include "session/scram_crypto.h"

namespace {

using namespace rookery;

void require(bool condition) {
  if (!condition) std::abort();
}

class FixedRandom : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = ++last_;
  }

 private:
  std::uint8_t last_ = 0;
};

constexpr std::string_view password = "a password that no input contains \x01\x02\x03";
constexpr std::uint32_t iterations = 2;  // The fuzzer has other work than PBKDF2.

const Credentials& account() {
  static const Credentials made{derive_scram_keys(false, password, "0123456789abcdef", iterations),
                                derive_scram_keys(true, password, "0123456789abcdef", iterations)};
  return made;
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t at = rest.find('\n');
  const std::string_view line = rest.substr(0, at);
  rest.remove_prefix(at == rest.npos ? rest.size() : at + 1);
  return line;
}

/// A stranger's exchange.
void try_stranger(SaslMechanism mechanism, bool plus_offered, bool known, std::string_view input) {
  FixedRandom random;
  SaslServer server(mechanism, "example.org", {"exporter", "end point", ""}, plus_offered, random);
  SaslStep step = server.start(take_line(input), true);
  for (int turn = 0; turn < 4 && step != SaslStep::failure; ++turn) {
    require(step != SaslStep::success);
    if (step == SaslStep::need_credentials) {
      require(!server.user().empty());
      // For PLAIN the made-up keys cost a whole PBKDF2.
      const bool real = known || mechanism == SaslMechanism::plain;
      step = server.credentials(real ? &account() : nullptr, {"secret"});
      if (step == SaslStep::challenge) require(server.payload().starts_with("r="));
    } else if (step == SaslStep::check_password) {
      require(mechanism == SaslMechanism::plain);
      const auto check = server.take_password_check();
      require(check != nullptr && server.take_password_check() == nullptr);
      step = server.password_checked(password_fits(*check));
    } else {
      step = server.respond(take_line(input));
    }
  }
  require(step == SaslStep::failure || step == SaslStep::challenge);
  require((step == SaslStep::failure) == (server.failure() != SaslFailure::none));
}

/// The last message of a client that knows the password.
std::string good_final(const std::string& gs2, const std::string& bare,
                       const std::string& challenge) {
  const auto hash = scram::Hash::sha1;
  const std::string nonce = challenge.substr(2, challenge.find(',') - 2);
  const std::string without = "c=" + base64_encode(gs2) + ",r=" + nonce;
  const std::string auth = bare + "," + challenge + "," + without;
  const scram::Digest salted =
      scram::salted_password(hash, password, "0123456789abcdef", iterations);
  scram::Digest proof = scram::hmac(hash, scram::digest_view(hash, salted), {"Client Key"});
  const scram::Digest stored = scram::digest(hash, {scram::digest_view(hash, proof)});
  const scram::Digest signature = scram::hmac(hash, scram::digest_view(hash, stored), {auth});
  for (std::size_t index = 0; index < proof.size(); ++index) proof[index] ^= signature[index];
  return without + ",p=" + base64_encode(scram::digest_view(hash, proof));
}

/// A friend's exchange, with the input put into the last message at some place.
void try_friend(std::size_t place, std::size_t cut, std::string_view input) {
  FixedRandom random;
  SaslServer server(SaslMechanism::scram_sha_1, "example.org", {}, false, random);
  const std::string bare = "n=juliet,r=abc";
  require(server.start("n,," + bare, true) == SaslStep::need_credentials);
  require(server.credentials(&account(), {"secret"}) == SaslStep::challenge);
  const std::string good = good_final("n,,", bare, server.payload());
  std::string spoilt = good;
  place %= spoilt.size() + 1;
  spoilt.replace(place, cut % (spoilt.size() - place + 1), input);
  require((server.respond(spoilt) == SaslStep::success) == (spoilt == good));
}

void try_base64(std::string_view input) {
  std::string out;
  require(base64_decode(base64_encode(input), out) && out == input);
  // A value has one spelling only, save that of nothing.
  if (base64_decode(input, out)) require(base64_encode(out) == input || input == "=");
  std::string prepared;
  if (saslprep_password(input, prepared)) require(!prepared.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 3, size - 3);
  static constexpr SaslMechanism mechanisms[] = {
      SaslMechanism::scram_sha_256_plus, SaslMechanism::scram_sha_1_plus,
      SaslMechanism::scram_sha_256, SaslMechanism::scram_sha_1, SaslMechanism::plain};
  try_stranger(mechanisms[data[0] % 5], (data[0] & 0x80) != 0, (data[0] & 0x40) != 0, input);
  try_friend(data[1], data[2], input);
  try_base64(input);
  return 0;
}
