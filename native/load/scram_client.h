// The client's side of SCRAM-SHA-1 (RFC 5802), with the expensive part (4,096 rounds of HMAC)
// remembered by account and salt, so that a load tool pays it once per account and not per login.
#pragma once

#include <string>
#include <string_view>

namespace rookery::load {

std::string base64(std::string_view bytes);
/// Decodes Base64; an empty string for text that is none.
std::string unbase64(std::string_view text);

class ScramClient {
 public:
  ScramClient(std::string user, std::string password);

  /// The client-first-message.
  std::string first();
  /// The client-final-message for the server's challenge; empty when the challenge is malformed.
  std::string final(std::string_view challenge);
  /// Whether the server has proved that it knows the password, too.
  [[nodiscard]] bool verify(std::string_view success) const;

 private:
  std::string user_;
  std::string password_;
  std::string nonce_;
  std::string first_bare_;
  std::string server_signature_;
};

}  // namespace rookery::load
