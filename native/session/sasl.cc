// The SASL exchanges. Everything that a peer sends is parsed strictly and compared in constant time
// where it is a proof; whether the user exists shows neither in the answers nor in the time they
// take.
#include "session/sasl.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "codec/jid.h"
#include "codec/precis.h"
#include "session/scram_crypto.h"

namespace rookery {
namespace {

// A SCRAM message has a user name, a nonce and a proof; PLAIN has two names and a password. Longer
// ones than this are no login.
constexpr std::size_t max_message_bytes = 8192;
constexpr std::size_t max_client_nonce_bytes = 256;
constexpr std::size_t server_nonce_bytes = 18;  // 24 characters of Base64.

struct MechanismName {
  SaslMechanism mechanism;
  std::string_view name;
};
constexpr MechanismName mechanism_names[] = {
    {SaslMechanism::scram_sha_256_plus, "SCRAM-SHA-256-PLUS"},
    {SaslMechanism::scram_sha_1_plus, "SCRAM-SHA-1-PLUS"},
    {SaslMechanism::scram_sha_256, "SCRAM-SHA-256"},
    {SaslMechanism::scram_sha_1, "SCRAM-SHA-1"},
    {SaslMechanism::plain, "PLAIN"},
};

enum class Stage : std::uint8_t { initial, lookup, check, client_final, done };

bool is_plus(SaslMechanism mechanism) {
  return mechanism == SaslMechanism::scram_sha_256_plus ||
         mechanism == SaslMechanism::scram_sha_1_plus;
}

scram::Hash hash_of(SaslMechanism mechanism) {
  return mechanism == SaslMechanism::scram_sha_256 || mechanism == SaslMechanism::scram_sha_256_plus
             ? scram::Hash::sha256
             : scram::Hash::sha1;
}

/// Takes the text up to the next comma, and the comma.
std::string_view take_field(std::string_view& rest) {
  const std::size_t comma = rest.find(',');
  const std::string_view field = rest.substr(0, comma);
  rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
  return field;
}

/// Decodes a saslname: no comma, and `=` only as `=2C` or `=3D`.
bool decode_saslname(std::string_view text, std::string& out) {
  out.clear();
  while (!text.empty()) {
    if (text.front() != '=') {
      out += text.front();
      text.remove_prefix(1);
    } else if (text.starts_with("=2C") || text.starts_with("=3D")) {
      out += text[1] == '2' ? ',' : '=';
      text.remove_prefix(3);
    } else {
      return false;
    }
  }
  return !out.empty();
}

/// Printable ASCII without the comma.
bool is_nonce(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char each) {
    return each > ' ' && each < '\x7F' && each != ',';
  });
}

/// An extension that we do not know: a letter, `=`, and a value.
bool is_extension(std::string_view field) {
  return field.size() >= 3 && field[1] == '=' &&
         ((field[0] >= 'a' && field[0] <= 'z') || (field[0] >= 'A' && field[0] <= 'Z'));
}

}  // namespace

SaslMechanism sasl_mechanism(std::string_view name) {
  for (const MechanismName& each : mechanism_names) {
    if (each.name == name) return each.mechanism;
  }
  return SaslMechanism::none;
}

std::string_view sasl_mechanism_name(SaslMechanism mechanism) {
  for (const MechanismName& each : mechanism_names) {
    if (each.mechanism == mechanism) return each.name;
  }
  return "";
}

std::string_view sasl_failure_name(SaslFailure failure) {
  switch (failure) {
    case SaslFailure::none: return "";
    case SaslFailure::aborted: return "aborted";
    case SaslFailure::account_disabled: return "account-disabled";
    case SaslFailure::credentials_expired: return "credentials-expired";
    case SaslFailure::encryption_required: return "encryption-required";
    case SaslFailure::incorrect_encoding: return "incorrect-encoding";
    case SaslFailure::invalid_authzid: return "invalid-authzid";
    case SaslFailure::invalid_mechanism: return "invalid-mechanism";
    case SaslFailure::malformed_request: return "malformed-request";
    case SaslFailure::mechanism_too_weak: return "mechanism-too-weak";
    case SaslFailure::not_authorized: return "not-authorized";
    case SaslFailure::temporary_auth_failure: return "temporary-auth-failure";
  }
  return "";
}

struct SaslServer::State {
  State(SaslMechanism mechanism_in, std::string domain_in, ChannelBindings bindings_in,
        bool plus_offered_in, Random& random_in)
      : mechanism(mechanism_in),
        plus_offered(plus_offered_in),
        domain(std::move(domain_in)),
        bindings(std::move(bindings_in)),
        random(random_in) {}
  ~State() {
    OPENSSL_cleanse(password.data(), password.size());
    OPENSSL_cleanse(prepared_password.data(), prepared_password.size());
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  SaslStep fail(SaslFailure why);
  SaslStep initial_response(std::string_view message);
  SaslStep plain_initial(std::string_view message);
  SaslStep plain_credentials(const Credentials* keys, const MadeUpKeys& made_up);
  SaslStep plain_checked(bool fits);
  SaslStep scram_client_first(std::string_view message);
  SaslStep scram_credentials(const Credentials* keys, const MadeUpKeys& made_up);
  SaslStep scram_client_final(std::string_view message);
  SaslFailure channel_binding_flag(std::string_view flag);
  SaslFailure authorization_identity(std::string_view authzid) const;
  bool take_keys(const ScramKeys* keys, scram::Hash hash, const MadeUpKeys& made_up);
  [[nodiscard]] bool binding_matches(std::string_view field) const;
  SaslStep scram_proof(std::string_view without_proof, std::string_view proof);

  SaslMechanism mechanism;
  bool plus_offered;
  Stage stage = Stage::initial;
  SaslFailure failure = SaslFailure::none;
  bool known = false;  ///< Whether the keys are a real account's.
  std::string domain;
  ChannelBindings bindings;
  Random& random;
  std::string user;
  std::string password;
  std::string prepared_password;
  std::string payload;
  std::unique_ptr<PasswordCheck> check;

  std::string gs2_header;
  const std::string* binding_data = nullptr;  ///< Of the binding type that the client has chosen.
  std::string client_first_bare;
  std::string nonce;  ///< The client's, and ours behind it.
  ScramKeys keys;
};

SaslStep SaslServer::State::fail(SaslFailure why) {
  stage = Stage::done;
  failure = why;
  payload.clear();
  return SaslStep::failure;
}

SaslStep SaslServer::State::initial_response(std::string_view message) {
  if (message.size() > max_message_bytes) return fail(SaslFailure::malformed_request);
  switch (mechanism) {
    case SaslMechanism::none: return fail(SaslFailure::invalid_mechanism);
    case SaslMechanism::plain: return plain_initial(message);
    default: return scram_client_first(message);
  }
}

/// Empty, or the bare address of the user who logs in (RFC 6120 section 6.3.8).
SaslFailure SaslServer::State::authorization_identity(std::string_view authzid) const {
  if (authzid.empty()) return SaslFailure::none;
  Jid jid;
  if (!parse_jid(authzid, jid) || jid.local != user || jid.domain != domain || !jid.is_bare()) {
    return SaslFailure::invalid_authzid;
  }
  return SaslFailure::none;
}

SaslStep SaslServer::State::plain_initial(std::string_view message) {
  const std::size_t first = message.find('\0');
  if (first == message.npos) return fail(SaslFailure::malformed_request);
  const std::size_t second = message.find('\0', first + 1);
  if (second == message.npos) return fail(SaslFailure::malformed_request);
  const std::string_view authzid = message.substr(0, first);
  const std::string_view authcid = message.substr(first + 1, second - first - 1);
  const std::string_view secret = message.substr(second + 1);
  if (authcid.empty() || secret.empty() || secret.find('\0') != secret.npos) {
    return fail(SaslFailure::malformed_request);
  }
  if (!normalise_localpart(authcid, user)) return fail(SaslFailure::not_authorized);
  const SaslFailure refused = authorization_identity(authzid);
  if (refused != SaslFailure::none) return fail(refused);
  password = secret;
  if (!saslprep_password(secret, prepared_password)) return fail(SaslFailure::not_authorized);
  stage = Stage::lookup;
  return SaslStep::need_credentials;
}

SaslStep SaslServer::State::plain_credentials(const Credentials* credentials,
                                              const MadeUpKeys& made_up) {
  // The stronger hash when the account has it; one that is not there has neither.
  const bool weak_only = credentials != nullptr && credentials->sha256.iterations == 0 &&
                         credentials->sha1.iterations != 0;
  const scram::Hash hash = weak_only ? scram::Hash::sha1 : scram::Hash::sha256;
  const ScramKeys* chosen = credentials == nullptr ? nullptr
                            : weak_only            ? &credentials->sha1
                                                   : &credentials->sha256;
  known = take_keys(chosen, hash, made_up);
  check = std::make_unique<PasswordCheck>();
  check->sha256 = !weak_only;
  check->known = known;
  check->password = std::move(prepared_password);
  check->keys = keys;
  stage = Stage::check;
  return SaslStep::check_password;
}

SaslStep SaslServer::State::plain_checked(bool fits) {
  if (!fits) return fail(SaslFailure::not_authorized);
  stage = Stage::done;
  payload.clear();
  return SaslStep::success;
}

/// Copies an account's keys, or makes some up that no password fits. The return tells which.
bool SaslServer::State::take_keys(const ScramKeys* real, scram::Hash hash,
                                  const MadeUpKeys& made_up) {
  // The made-up salt is computed in either case, so that both take the same time.
  const std::string_view label = hash == scram::Hash::sha1 ? "salt SHA-1 " : "salt SHA-256 ";
  const scram::Digest salt = scram::hmac(scram::Hash::sha256, made_up.secret, {label, user});
  if (real != nullptr && real->iterations != 0) {
    keys = *real;
    return true;
  }
  keys.iterations = made_up.iterations;
  keys.salt.assign(reinterpret_cast<const char*>(salt.data()),
                   std::min(made_up.salt_bytes, salt.size()));
  keys.stored_key.fill(0);
  keys.server_key.fill(0);
  return false;
}

/// The first field of a GS2 header (RFC 5802 section 6).
SaslFailure SaslServer::State::channel_binding_flag(std::string_view flag) {
  binding_data = nullptr;
  if (flag == "n") {
    return is_plus(mechanism) ? SaslFailure::malformed_request : SaslFailure::none;
  }
  if (flag == "y") {
    if (is_plus(mechanism)) return SaslFailure::malformed_request;
    // The client could bind and thinks that we cannot: someone has taken -PLUS out of our list.
    return plus_offered ? SaslFailure::not_authorized : SaslFailure::none;
  }
  if (!flag.starts_with("p=") || !is_plus(mechanism)) return SaslFailure::malformed_request;
  const std::string_view type = flag.substr(2);
  if (type == "tls-exporter") binding_data = &bindings.tls_exporter;
  if (type == "tls-server-end-point") binding_data = &bindings.tls_server_end_point;
  if (type == "tls-unique") binding_data = &bindings.tls_unique;
  // A type that we do not know, or that this connection cannot give.
  if (binding_data == nullptr || binding_data->empty()) return SaslFailure::malformed_request;
  return SaslFailure::none;
}

SaslStep SaslServer::State::scram_client_first(std::string_view message) {
  std::string_view rest = message;
  const SaslFailure refused = channel_binding_flag(take_field(rest));
  if (refused != SaslFailure::none) return fail(refused);
  const std::string_view authzid_field = take_field(rest);
  std::string authzid;
  if (!authzid_field.empty() &&
      (!authzid_field.starts_with("a=") || !decode_saslname(authzid_field.substr(2), authzid))) {
    return fail(SaslFailure::malformed_request);
  }
  gs2_header = message.substr(0, message.size() - rest.size());
  client_first_bare = rest;

  // An "m=" in place of the name is an extension that must be understood; we know none.
  const std::string_view name_field = take_field(rest);
  const std::string_view nonce_field = take_field(rest);
  std::string name;
  if (!name_field.starts_with("n=") || !decode_saslname(name_field.substr(2), name) ||
      !nonce_field.starts_with("r=") || !is_nonce(nonce_field.substr(2)) ||
      nonce_field.size() > max_client_nonce_bytes + 2 || gs2_header.back() != ',') {
    return fail(SaslFailure::malformed_request);
  }
  while (!rest.empty()) {
    if (!is_extension(take_field(rest))) return fail(SaslFailure::malformed_request);
  }
  if (!normalise_localpart(name, user)) return fail(SaslFailure::not_authorized);
  const SaslFailure wrong_identity = authorization_identity(authzid);
  if (wrong_identity != SaslFailure::none) return fail(wrong_identity);
  nonce = nonce_field.substr(2);
  stage = Stage::lookup;
  return SaslStep::need_credentials;
}

SaslStep SaslServer::State::scram_credentials(const Credentials* credentials,
                                              const MadeUpKeys& made_up) {
  const scram::Hash hash = hash_of(mechanism);
  const ScramKeys* real = credentials == nullptr      ? nullptr
                          : hash == scram::Hash::sha1 ? &credentials->sha1
                                                      : &credentials->sha256;
  known = take_keys(real, hash, made_up);
  std::array<std::uint8_t, server_nonce_bytes> raw{};
  random.fill(raw);
  nonce += base64_encode({reinterpret_cast<const char*>(raw.data()), raw.size()});
  payload =
      "r=" + nonce + ",s=" + base64_encode(keys.salt) + ",i=" + std::to_string(keys.iterations);
  stage = Stage::client_final;
  return SaslStep::challenge;
}

/// The "c" field must be the GS2 header as it was sent, and the connection's binding data behind
/// it.
bool SaslServer::State::binding_matches(std::string_view field) const {
  std::string sent;
  if (!field.starts_with("c=") || !base64_decode(field.substr(2), sent)) return false;
  std::string expected = gs2_header;
  if (binding_data != nullptr) expected += *binding_data;
  return sent.size() == expected.size() &&
         CRYPTO_memcmp(sent.data(), expected.data(), sent.size()) == 0;
}

SaslStep SaslServer::State::scram_client_final(std::string_view message) {
  if (message.size() > max_message_bytes) return fail(SaslFailure::malformed_request);
  const std::size_t proof_at = message.rfind(",p=");
  if (proof_at == message.npos) return fail(SaslFailure::malformed_request);
  const std::string_view without_proof = message.substr(0, proof_at);
  const std::string_view proof_text = message.substr(proof_at + 3);
  std::string_view rest = without_proof;
  const std::string_view binding_field = take_field(rest);
  const std::string_view nonce_field = take_field(rest);
  if (!binding_field.starts_with("c=") || !nonce_field.starts_with("r=") ||
      without_proof.back() == ',') {
    return fail(SaslFailure::malformed_request);
  }
  while (!rest.empty()) {
    // An "m" must be understood, and we know none; the proof comes once and last.
    const std::string_view field = take_field(rest);
    if (!is_extension(field) || field[0] == 'm' || field[0] == 'p') {
      return fail(SaslFailure::malformed_request);
    }
  }
  std::string proof;
  if (!base64_decode(proof_text, proof) ||
      proof.size() != scram::digest_bytes(hash_of(mechanism))) {
    return fail(SaslFailure::malformed_request);
  }
  if (!binding_matches(binding_field) || nonce_field.substr(2) != nonce) {
    return fail(SaslFailure::not_authorized);
  }
  return scram_proof(without_proof, proof);
}

SaslStep SaslServer::State::scram_proof(std::string_view without_proof, std::string_view proof) {
  const scram::Hash hash = hash_of(mechanism);
  const std::size_t size = scram::digest_bytes(hash);
  // What we sent last is still in `payload`: the AuthMessage is the three with commas between.
  const std::initializer_list<std::string_view> auth_message = {client_first_bare, ",", payload,
                                                                ",", without_proof};
  const scram::Digest signature =
      scram::hmac(hash, scram::digest_view(hash, keys.stored_key), auth_message);
  scram::Digest client_key{};
  for (std::size_t index = 0; index < size; ++index) {
    client_key[index] =
        static_cast<std::uint8_t>(static_cast<unsigned char>(proof[index]) ^ signature[index]);
  }
  const scram::Digest stored = scram::digest(hash, {scram::digest_view(hash, client_key)});
  const scram::Digest server_signature =
      scram::hmac(hash, scram::digest_view(hash, keys.server_key), auth_message);
  OPENSSL_cleanse(client_key.data(), client_key.size());
  const bool equal = CRYPTO_memcmp(stored.data(), keys.stored_key.data(), size) == 0;
  if (!equal || !known) return fail(SaslFailure::not_authorized);
  payload = "v=" + base64_encode(scram::digest_view(hash, server_signature));
  stage = Stage::done;
  return SaslStep::success;
}

SaslServer::SaslServer(SaslMechanism mechanism, std::string domain, ChannelBindings bindings,
                       bool plus_offered, Random& random)
    : state_(std::make_unique<State>(mechanism, std::move(domain), std::move(bindings),
                                     plus_offered, random)) {}
SaslServer::~SaslServer() = default;

SaslStep SaslServer::start(std::string_view initial, bool has_initial) {
  if (state_->stage != Stage::initial) return state_->fail(SaslFailure::malformed_request);
  if (has_initial) return state_->initial_response(initial);
  if (state_->mechanism == SaslMechanism::none) {
    return state_->fail(SaslFailure::invalid_mechanism);
  }
  state_->payload.clear();
  return SaslStep::challenge;
}

SaslStep SaslServer::respond(std::string_view response) {
  if (state_->stage == Stage::initial) return state_->initial_response(response);
  if (state_->stage == Stage::client_final) return state_->scram_client_final(response);
  return state_->fail(SaslFailure::malformed_request);
}

SaslStep SaslServer::credentials(const Credentials* keys, const MadeUpKeys& made_up) {
  if (state_->stage != Stage::lookup) return state_->fail(SaslFailure::malformed_request);
  return state_->mechanism == SaslMechanism::plain ? state_->plain_credentials(keys, made_up)
                                                   : state_->scram_credentials(keys, made_up);
}

std::unique_ptr<PasswordCheck> SaslServer::take_password_check() {
  return std::move(state_->check);
}

SaslStep SaslServer::password_checked(bool fits) {
  if (state_->stage != Stage::check) return state_->fail(SaslFailure::malformed_request);
  return state_->plain_checked(fits);
}

const std::string& SaslServer::payload() const { return state_->payload; }
const std::string& SaslServer::user() const { return state_->user; }
SaslFailure SaslServer::failure() const { return state_->failure; }
SaslMechanism SaslServer::mechanism() const { return state_->mechanism; }
std::string_view SaslServer::password() const { return state_->password; }

PasswordCheck::~PasswordCheck() { OPENSSL_cleanse(password.data(), password.size()); }

bool password_fits(const PasswordCheck& check) {
  const scram::Hash hash = check.sha256 ? scram::Hash::sha256 : scram::Hash::sha1;
  const scram::DerivedKeys derived =
      scram::derive_keys(hash, check.password, check.keys.salt, check.keys.iterations);
  const bool equal = CRYPTO_memcmp(derived.stored_key.data(), check.keys.stored_key.data(),
                                   scram::digest_bytes(hash)) == 0;
  return equal && check.known;
}

ScramKeys derive_scram_keys(bool sha256, std::string_view password, std::string_view salt,
                            std::uint32_t iterations) {
  const scram::DerivedKeys derived = scram::derive_keys(
      sha256 ? scram::Hash::sha256 : scram::Hash::sha1, password, salt, iterations);
  ScramKeys keys;
  keys.iterations = iterations;
  keys.salt = salt;
  keys.stored_key = derived.stored_key;
  keys.server_key = derived.server_key;
  return keys;
}

}  // namespace rookery
