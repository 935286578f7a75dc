// The server's end of one compact connection on standard input and output, for the interoperability
// tests: it answers the login with "welcome", the login and the client's key in hexadecimal, and
// echoes whatever comes after it.
// Usage: noise_echo STATIC_KEY CERTIFICATE [STEP]   (hexadecimal; STEP: bytes a receive())
// Ends with 0 when its input does, with 1 when the transport has failed, with 2 without a server.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "transport/noise_identity.h"
#include "transport/noise_transport.h"
#include "transport/transport_scratch.h"

namespace rookery {
namespace {

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    out += static_cast<char>(std::strtoul(std::string(hex.substr(at, 2)).c_str(), nullptr, 16));
  }
  return out;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

class Echo {
 public:
  explicit Echo(std::shared_ptr<const NoiseIdentity> identity) : transport_(std::move(identity)) {}

  TransportStatus feed(std::string_view wire, std::string& out) {
    std::string plain;
    TransportStatus status = transport_.receive(scratch_, wire, plain, out);
    if (status == TransportStatus::ok && transport_.login_ready()) status = answer(out);
    if (status == TransportStatus::ok && !plain.empty()) {
      status = transport_.send(scratch_, plain, out);
    }
    return status;
  }

 private:
  TransportStatus answer(std::string& out) {
    const std::string text = "welcome " + std::string(transport_.login_payload()) + ' ' +
                             to_hex(transport_.client_key());
    const TransportStatus status = transport_.answers_in_handshake()
                                       ? transport_.answer(scratch_, text, out)
                                       : transport_.send(scratch_, text, out);
    transport_.forget_channel_binding();
    return status;
  }

  TransportScratch scratch_;
  NoiseTransport transport_;
};

int serve(int count, char** values) {
  std::string error = "usage: noise_echo STATIC_KEY CERTIFICATE [STEP]";
  std::shared_ptr<const NoiseIdentity> identity;
  if (count >= 3) identity = NoiseIdentity::create(from_hex(values[1]), from_hex(values[2]), error);
  if (identity == nullptr) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 2;
  }
  const std::size_t step = count > 3 ? std::strtoul(values[3], nullptr, 10) : 65536;
  Echo echo(std::move(identity));
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got <= 0) return 0;
    std::string_view wire(buffer.data(), static_cast<std::size_t>(got));
    std::string out;
    TransportStatus status = TransportStatus::ok;
    while (!wire.empty() && status == TransportStatus::ok) {
      status = echo.feed(wire.substr(0, step), out);
      wire.remove_prefix(std::min(step, wire.size()));
    }
    if (!write_all(out) || status != TransportStatus::ok) return 1;
  }
}

}  // namespace
}  // namespace rookery

int main(int count, char** values) { return rookery::serve(count, values); }
