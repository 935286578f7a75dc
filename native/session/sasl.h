// The server's side of SASL: SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677) with their -PLUS
// forms, and PLAIN (RFC 4616). No I/O and no lookup of its own: it says when it needs a user's
// keys, and goes on when it is given them. Lives only while a login is under way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"

namespace rookery {

/// What accounts have unless they were imported with something else.
inline constexpr std::uint32_t default_scram_iterations = 4096;
inline constexpr std::size_t scram_salt_bytes = 16;

/// What a server keeps of a password for one SCRAM hash.
struct ScramKeys {
  std::uint32_t iterations = 0;  ///< Zero: the account has no keys for this hash.
  std::string salt;
  std::array<std::uint8_t, 32> stored_key{};  ///< The first 20 bytes for SHA-1.
  std::array<std::uint8_t, 32> server_key{};
};

struct Credentials {
  ScramKeys sha1;
  ScramKeys sha256;

  /// Whether any password can be right.
  [[nodiscard]] bool any() const { return sha1.iterations != 0 || sha256.iterations != 0; }
};

/// How the keys of an account that does not exist look, so that it cannot be told from one that
/// does: what new accounts have.
struct MadeUpKeys {
  std::string secret;  ///< The made-up salt of a name is derived with it: always the same one.
  std::uint32_t iterations = default_scram_iterations;
  std::size_t salt_bytes = scram_salt_bytes;  ///< At most 32.
};

/// A PLAIN password and the keys that it must fit. Comparing them costs a whole PBKDF2, so that it
/// is done by whoever has the time for it.
struct PasswordCheck {
  bool sha256 = true;
  bool known = false;  ///< Whether the keys are a real account's: no password fits made-up ones.
  std::string password;
  ScramKeys keys;

  PasswordCheck() = default;
  ~PasswordCheck();  ///< Wipes the password.
  PasswordCheck(const PasswordCheck&) = delete;
  PasswordCheck& operator=(const PasswordCheck&) = delete;
};
/// Whether the password is right. Takes the same time whether the account exists or not.
bool password_fits(const PasswordCheck& check);

enum class SaslMechanism : std::uint8_t {
  none,
  scram_sha_256_plus,
  scram_sha_1_plus,
  scram_sha_256,
  scram_sha_1,
  plain,
};

/// The mechanism of that name, or none.
SaslMechanism sasl_mechanism(std::string_view name);
std::string_view sasl_mechanism_name(SaslMechanism mechanism);

/// RFC 6120 section 6.5.
enum class SaslFailure : std::uint8_t {
  none,
  aborted,
  account_disabled,
  credentials_expired,
  encryption_required,
  incorrect_encoding,
  invalid_authzid,
  invalid_mechanism,
  malformed_request,
  mechanism_too_weak,
  not_authorized,
  temporary_auth_failure,
};
std::string_view sasl_failure_name(SaslFailure failure);

enum class SaslStep : std::uint8_t {
  challenge,         ///< Send `payload` (not yet Base64), wait for the response.
  need_credentials,  ///< Look up `user()`, then call credentials().
  check_password,    ///< Have take_password_check() compared, then call password_checked().
  success,           ///< `user()` is logged in; send `payload` with <success/>.
  failure,           ///< Send failure().
};

/// What the transport offers for channel binding; empty strings where there is none.
struct ChannelBindings {
  std::string tls_exporter;
  std::string tls_server_end_point;
  std::string tls_unique;
  [[nodiscard]] bool any() const {
    return !tls_exporter.empty() || !tls_server_end_point.empty() || !tls_unique.empty();
  }
};

class SaslServer {
 public:
  /// `plus_offered`: whether the features listed -PLUS mechanisms (for the downgrade check of RFC
  /// 5802 section 6, gs2 flag "y"). `domain`: what an authzid must agree with.
  SaslServer(SaslMechanism mechanism, std::string domain, ChannelBindings bindings,
             bool plus_offered, Random& random);
  ~SaslServer();

  /// The client's initial response (decoded), or `has_initial` false for none: an empty challenge.
  SaslStep start(std::string_view initial, bool has_initial);
  /// The client's next response, decoded.
  SaslStep respond(std::string_view response);
  /// The answer to need_credentials. Null when there is no such user: the exchange goes on with
  /// made-up keys and fails at its end like a wrong password, in the same time.
  SaslStep credentials(const Credentials* keys, const MadeUpKeys& made_up);
  /// After check_password, once.
  std::unique_ptr<PasswordCheck> take_password_check();
  /// The answer to check_password.
  SaslStep password_checked(bool fits);

  [[nodiscard]] const std::string& payload() const;
  [[nodiscard]] const std::string& user() const;  ///< Normalised localpart.
  [[nodiscard]] SaslFailure failure() const;
  [[nodiscard]] SaslMechanism mechanism() const;
  /// PLAIN only: the password as sent, for an external check. Empty otherwise.
  [[nodiscard]] std::string_view password() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Prepares a password as SASLprep does for the characters that people use: other spaces become the
/// ASCII one, what is mapped to nothing goes, NFKC. False when nothing is left, it is not UTF-8, or
/// it has a control character. To be applied before derive_scram_keys; PLAIN does so by itself.
bool saslprep_password(std::string_view password, std::string& out);

/// Derives the keys to store from a password (SASLprep'd by the caller where it matters).
ScramKeys derive_scram_keys(bool sha256, std::string_view password, std::string_view salt,
                            std::uint32_t iterations);

/// Base64 of RFC 4648; decode refuses bad characters and bad padding, and takes "=" as empty (RFC
/// 6120 section 6.4.2).
std::string base64_encode(std::string_view bytes);
bool base64_decode(std::string_view text, std::string& out);

}  // namespace rookery
