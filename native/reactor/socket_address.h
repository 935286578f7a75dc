// "address:port" to a socket address and back, without the resolver.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <string_view>

#include "reactor/network.h"

namespace rookery {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t length = 0;
  /// The address is "any" of its family: 0.0.0.0 or [::].
  bool any = false;

  [[nodiscard]] int family() const { return storage.ss_family; }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// Reads "127.0.0.1:5222", "[::1]:5222", "localhost:5222" or "*:5222" (any address, both families).
/// False with `error` otherwise.
bool parse_socket_address(std::string_view text, SocketAddress& out, std::string& error);

/// What to tell an operator when binding or listening failed with `code` (an errno).
std::string listen_error_text(std::string_view address, int code);

/// IPv4 becomes IPv4-mapped IPv6, so that limits by address compare 16 bytes.
PeerAddress to_peer_address(const sockaddr_storage& from);

}  // namespace rookery
