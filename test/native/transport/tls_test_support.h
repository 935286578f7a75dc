// What the TLS tests share beyond the two ends of a connection.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "native/transport/tls_peers.h"
#include "transport/ticket_keys.h"
#include "transport/tls_context.h"

namespace rookery::tls_test {

/// Making a key takes time, so most tests share this one.
inline const TestCertificate& shared_certificate() {
  static const TestCertificate certificate;
  return certificate;
}

inline std::unique_ptr<TlsContext> make_context(
    bool takeover = true, unsigned tickets = 1, std::shared_ptr<TicketKeys> keys = nullptr,
    const TestCertificate& certificate = shared_certificate()) {
  TlsOptions options;
  options.certificate_file = certificate.certificate_file();
  options.key_file = certificate.key_file();
  options.takeover = takeover;
  options.tickets = tickets;
  options.ticket_keys = std::move(keys);
  std::string error;
  std::unique_ptr<TlsContext> context = TlsContext::create(options, error);
  EXPECT_NE(context, nullptr) << error;
  return context;
}

}  // namespace rookery::tls_test
