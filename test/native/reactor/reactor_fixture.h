// What the reactor's tests share: a fabric with shard threads that run given code, and plain
// blocking sockets for the client's side.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "reactor/fabric.h"

namespace rookery::test {

/// A client's socket: blocking, closed at the end.
class ClientSocket {
 public:
  ClientSocket() = default;
  explicit ClientSocket(std::uint16_t port) {
    descriptor_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
  }
  ~ClientSocket() { close(); }
  ClientSocket(ClientSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ClientSocket& operator=(ClientSocket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  [[nodiscard]] bool connected() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  bool write(std::string_view text) const {
    return ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  /// Whether there is something to read (data, end or error) within `timeout_ms`.
  [[nodiscard]] bool readable(int timeout_ms) const {
    pollfd poller{descriptor_, POLLIN, 0};
    return poll(&poller, 1, timeout_ms) == 1;
  }
  /// What arrives next; empty at the end of the stream or after `timeout_ms`.
  [[nodiscard]] std::string read(int timeout_ms = 5000) const {
    if (!readable(timeout_ms)) return {};
    char buffer[4096];
    const ssize_t got = recv(descriptor_, buffer, sizeof buffer, 0);
    return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
  }
  /// True when the peer ends the stream within `timeout_ms`, and has sent nothing before.
  [[nodiscard]] bool ends(int timeout_ms) const {
    if (!readable(timeout_ms)) return false;
    char byte;
    return recv(descriptor_, &byte, 1, 0) == 0;
  }

 private:
  int descriptor_ = -1;
};

/// Runs `code` on a thread with the Network of `shard`; failures to make one fail the test.
inline std::thread start_shard(ReactorFabric& fabric, ShardId shard,
                               std::function<void(Network&)> code, NetworkOptions options = {}) {
  return std::thread([&fabric, shard, options, code = std::move(code)] {
    std::string error;
    const auto network = fabric.make_network(shard, options, error);
    ASSERT_NE(network, nullptr) << error;
    code(*network);
  });
}

inline std::unique_ptr<ReactorFabric> make_fabric(std::uint32_t shards) {
  std::string error;
  auto fabric = ReactorFabric::create(shards, error);
  EXPECT_NE(fabric, nullptr) << error;
  return fabric;
}

/// Waits on `network` until `done`, or fails after ten seconds.
inline void run_until(Network& network, const std::function<void(const NetworkEvent&)>& on_event,
                      const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  NetworkEvent events[64];
  while (!done()) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "nothing happened for ten seconds";
    network.arm();
    const std::size_t count = network.wait(events, 100'000);
    for (std::size_t index = 0; index < count; ++index) on_event(events[index]);
  }
}

inline IoResult send_text(Network& network, int descriptor, std::string_view text) {
  const iovec part{const_cast<char*>(text.data()), text.size()};
  return network.send(descriptor, std::span(&part, 1));
}

/// The next connection of `listener`, waiting for it if need be.
inline Accepted accept_one(Network& network, int listener) {
  Accepted accepted = network.accept(listener);
  run_until(
      network, [](const NetworkEvent&) {},
      [&] {
        if (accepted.status != AcceptStatus::accepted) accepted = network.accept(listener);
        return accepted.status == AcceptStatus::accepted;
      });
  return accepted;
}

}  // namespace rookery::test
