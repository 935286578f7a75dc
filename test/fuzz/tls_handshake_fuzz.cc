// Fuzzes the TLS transport from its first byte: the bytes of the input, cut into pieces, with or
// without a real ClientHello before them. The first input byte chooses: the version of the real
// client, how far its handshake goes before the raw bytes begin, and how they are cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "native/transport/tls_peers.h"
#include "transport/tls_context.h"
#include "transport/transport_scratch.h"

namespace rookery {
namespace {

using tls_test::Client;
using tls_test::Server;
using tls_test::TestCertificate;

void require(bool condition) {
  if (!condition) std::abort();
}

std::unique_ptr<TlsContext> make_context(bool takeover) {
  static const TestCertificate certificate;
  TlsOptions options;
  options.certificate_file = certificate.certificate_file();
  options.key_file = certificate.key_file();
  options.takeover = takeover;
  std::string error;
  std::unique_ptr<TlsContext> context = TlsContext::create(options, error);
  require(context != nullptr);
  return context;
}

/// Delivers `wire` in pieces of `step` bytes (0: at once) and checks what must hold of any input.
void deliver(Server& server, std::string_view wire, std::size_t step) {
  if (step == 0) step = wire.size();
  while (!wire.empty()) {
    const TransportStatus before = server.status();
    const TransportStatus after = server.receive(wire.substr(0, step));
    wire.remove_prefix(std::min(step, wire.size()));
    if (before == TransportStatus::failed) require(after == TransportStatus::failed);
    if (!server.transport().established()) require(server.plain().empty());
    if (after != TransportStatus::ok && before != TransportStatus::ok) return;
  }
}

void run(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<TlsContext> contexts[] = {make_context(false), make_context(true)};
  static TransportScratch scratch;
  const std::uint8_t mode = data[0];
  const std::size_t step = data[1] % 64;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 2, size - 2);
  Server server(*contexts[mode & 1], scratch);
  const int stage = (mode >> 1) % 4;
  if (stage > 0) {
    Client client({.version = (mode & 8) != 0 ? TLS1_2_VERSION : TLS1_3_VERSION,
                   .groups = (mode & 16) != 0 ? "X448:P-256" : nullptr});
    // One, two or all flights of a real client come first.
    for (int flight = 0; flight < stage || (stage == 3 && !client.established()); ++flight) {
      client.handshake();
      server.receive(client.take_wire());
      client.feed(server.take_wire());
      require(server.status() == TransportStatus::ok);
    }
  }
  deliver(server, wire, step);
  server.send("answer");
  server.close();
}

}  // namespace
}  // namespace rookery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2) rookery::run(data, size);
  return 0;
}
