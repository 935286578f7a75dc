// Socket addresses as text; see the header.
#include "reactor/socket_address.h"

#include <arpa/inet.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace rookery {

namespace {

constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool parse_port(std::string_view text, std::uint16_t& port) {
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, port);
  return code == std::errc() && stop == end && !text.empty();
}

bool fill_v4(const std::string& host, std::uint16_t port, SocketAddress& out) {
  auto* address = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (inet_pton(AF_INET, host.c_str(), &address->sin_addr) != 1) return false;
  address->sin_family = AF_INET;
  address->sin_port = htons(port);
  out.length = sizeof *address;
  out.any = address->sin_addr.s_addr == htonl(INADDR_ANY);
  return true;
}

bool fill_v6(const std::string& host, std::uint16_t port, SocketAddress& out) {
  auto* address = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET6, host.c_str(), &address->sin6_addr) != 1) return false;
  address->sin6_family = AF_INET6;
  address->sin6_port = htons(port);
  out.length = sizeof *address;
  out.any = IN6_IS_ADDR_UNSPECIFIED(&address->sin6_addr) != 0;
  return true;
}

}  // namespace

bool parse_socket_address(std::string_view text, SocketAddress& out, std::string& error) {
  out = {};
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon == std::string_view::npos || !parse_port(text.substr(colon + 1), port)) {
    error = std::string(text) + ": expected address:port with a port of 0 to 65535";
    return false;
  }
  std::string host(text.substr(0, colon));
  bool read = false;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    read = fill_v6(host.substr(1, host.size() - 2), port, out);
  } else if (host == "*") {
    read = fill_v6("::", port, out);
  } else {
    read = fill_v4(host == "localhost" ? "127.0.0.1" : host, port, out);
  }
  if (!read) {
    error = std::string(text) + ": not an IPv4 address, nor an IPv6 address in brackets";
  }
  return read;
}

std::string listen_error_text(std::string_view address, int code) {
  std::string text(address);
  switch (code) {
    case EADDRINUSE: return text + ": address already in use — is another server running?";
    case EADDRNOTAVAIL: return text + ": this machine has no such address";
    case EACCES: return text + ": permission denied — a port below 1024 needs a privilege";
    case EMFILE: return text + ": no descriptor left — raise the limit (ulimit -n)";
    default: return text + ": " + std::strerror(code);
  }
}

PeerAddress to_peer_address(const sockaddr_storage& from) {
  PeerAddress peer;
  if (from.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(from);
    std::memcpy(peer.ip, kMappedPrefix, sizeof kMappedPrefix);
    std::memcpy(peer.ip + sizeof kMappedPrefix, &address.sin_addr, 4);
    peer.port = ntohs(address.sin_port);
  } else if (from.ss_family == AF_INET6) {
    const auto& address = reinterpret_cast<const sockaddr_in6&>(from);
    std::memcpy(peer.ip, &address.sin6_addr, sizeof peer.ip);
    peer.port = ntohs(address.sin6_port);
  }
  return peer;
}

std::string PeerAddress::text() const {
  char host[INET6_ADDRSTRLEN] = "";
  if (std::memcmp(ip, kMappedPrefix, sizeof kMappedPrefix) == 0) {
    inet_ntop(AF_INET, ip + sizeof kMappedPrefix, host, sizeof host);
    return port == 0 ? host : std::string(host) + ":" + std::to_string(port);
  }
  inet_ntop(AF_INET6, ip, host, sizeof host);
  if (port == 0) return host;
  return "[" + std::string(host) + "]:" + std::to_string(port);
}

}  // namespace rookery
