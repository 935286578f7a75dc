// The client's side of SCRAM-SHA-1, with remembered salted passwords.
#include "load/scram_client.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <cstdlib>
#include <unordered_map>

namespace rookery::load {
namespace {

std::string hmac_sha1(std::string_view key, std::string_view text) {
  unsigned char digest[20];
  unsigned int length = sizeof digest;
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &length);
  return std::string(reinterpret_cast<char*>(digest), length);
}

std::string sha1(std::string_view text) {
  unsigned char digest[20];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return std::string(reinterpret_cast<char*>(digest), sizeof digest);
}

std::string field(std::string_view message, char name) {
  std::size_t start = 0;
  while (start < message.size()) {
    std::size_t end = message.find(',', start);
    if (end == std::string_view::npos) end = message.size();
    if (end - start >= 2 && message[start] == name && message[start + 1] == '=') {
      return std::string(message.substr(start + 2, end - start - 2));
    }
    start = end + 1;
  }
  return "";
}

struct Salted {
  std::string client_key;
  std::string server_key;
};

// One entry for each salt: salts are random per account, so the salt names the account.
const Salted& salted(const std::string& password, const std::string& salt, int iterations) {
  static std::unordered_map<std::string, Salted> remembered;
  Salted& entry = remembered[salt + "/" + std::to_string(iterations) + "/" + password];
  if (entry.client_key.empty()) {
    unsigned char key[20];
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                      reinterpret_cast<const unsigned char*>(salt.data()),
                      static_cast<int>(salt.size()), iterations, EVP_sha1(), sizeof key, key);
    const std::string salted_password(reinterpret_cast<char*>(key), sizeof key);
    entry.client_key = hmac_sha1(salted_password, "Client Key");
    entry.server_key = hmac_sha1(salted_password, "Server Key");
  }
  return entry;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::string unbase64(std::string_view text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (length < 0) return "";
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<std::size_t>(length) - padding);
  return out;
}

ScramClient::ScramClient(std::string user, std::string password)
    : user_(std::move(user)), password_(std::move(password)) {
  unsigned char random[18];
  RAND_bytes(random, sizeof random);
  nonce_ = base64(std::string_view(reinterpret_cast<char*>(random), sizeof random));
}

std::string ScramClient::first() {
  first_bare_ = "n=" + user_ + ",r=" + nonce_;
  return "n,," + first_bare_;
}

std::string ScramClient::final(std::string_view challenge) {
  const std::string nonce = field(challenge, 'r');
  const std::string salt = unbase64(field(challenge, 's'));
  const int iterations = std::atoi(field(challenge, 'i').c_str());
  if (nonce.rfind(nonce_, 0) != 0 || salt.empty() || iterations < 1) return "";
  const Salted& keys = salted(password_, salt, iterations);
  const std::string without_proof = "c=biws,r=" + nonce;
  std::string auth_message = first_bare_;
  auth_message.append(",").append(challenge).append(",").append(without_proof);
  const std::string signature = hmac_sha1(sha1(keys.client_key), auth_message);
  std::string proof = keys.client_key;
  for (std::size_t index = 0; index < proof.size(); ++index) proof[index] ^= signature[index];
  server_signature_ = hmac_sha1(keys.server_key, auth_message);
  return without_proof + ",p=" + base64(proof);
}

bool ScramClient::verify(std::string_view success) const {
  return !server_signature_.empty() && unbase64(field(success, 'v')) == server_signature_;
}

}  // namespace rookery::load
