// The epoll Network seen from a client: accept, traffic, ends of streams, errors, addresses, sleep.
#include "reactor/epoll_network.h"

#include <netinet/tcp.h>

#include "native/reactor/reactor_fixture.h"

namespace rookery::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::uint64_t kListenerToken = 1;
constexpr std::uint64_t kConnectionToken = 2;

/// A shard's view of one connection to a client.
struct Pair {
  Network& network;
  int listener;
  ClientSocket& client;
  int descriptor;

  /// Sleeps until the connection has an event, and returns it.
  NetworkEvent next_event() const {
    NetworkEvent seen;
    run_until(
        network,
        [&](const NetworkEvent& event) {
          if (event.token == kConnectionToken) seen = event;
        },
        [&] { return seen.token != 0; });
    return seen;
  }
  /// Whether the connection has an event within `timeout_ms`.
  bool has_event(int timeout_ms) const {
    NetworkEvent events[8];
    network.arm();
    return network.wait(events, timeout_ms * 1000) != 0;
  }
  /// Sends until the socket takes no more; how much it took.
  std::size_t fill() const {
    const std::string block(64 * 1024, 'f');
    std::size_t total = 0;
    for (;;) {
      const IoResult sent = send_text(network, descriptor, block);
      if (sent.status != IoStatus::ok) return total;
      total += sent.bytes;
    }
  }
};

/// Runs `code` on a shard's thread with one accepted and watched connection.
void with_connection(const std::function<void(const Pair&)>& code, NetworkOptions options = {},
                     std::string_view address = "127.0.0.1:0") {
  const auto fabric = make_fabric(1);
  start_shard(
      *fabric, 0,
      [&](Network& network) {
        std::string error;
        const int listener = network.listen(address, kListenerToken, error);
        ASSERT_GE(listener, 0) << error;
        EXPECT_EQ(network.accept(listener).status, AcceptStatus::none);
        ClientSocket client(network.local_port(listener));
        ASSERT_TRUE(client.connected());
        const Accepted accepted = accept_one(network, listener);
        ASSERT_TRUE(network.watch(accepted.descriptor, kConnectionToken));
        code({network, listener, client, accepted.descriptor});
        network.close(accepted.descriptor);
      },
      options)
      .join();
}

TEST(EpollNetwork, MovesBytesBothWays) {
  with_connection([](const Pair& pair) {
    char buffer[64];
    EXPECT_EQ(pair.network.receive(pair.descriptor, buffer).status, IoStatus::would_block);
    ASSERT_TRUE(pair.client.write("to the shard"));
    EXPECT_TRUE(pair.next_event().readable);
    const IoResult got = pair.network.receive(pair.descriptor, buffer);
    EXPECT_EQ(got.status, IoStatus::ok);
    EXPECT_EQ(std::string_view(buffer, got.bytes), "to the shard");
    const iovec parts[] = {{const_cast<char*>("to the "), 7}, {const_cast<char*>("client"), 6}};
    EXPECT_EQ(pair.network.send(pair.descriptor, parts).bytes, 13u);
    EXPECT_EQ(pair.client.read(), "to the client");
  });
}

TEST(EpollNetwork, SaysWhoThePeerIs) {
  const auto fabric = make_fabric(1);
  start_shard(*fabric, 0, [](Network& network) {
    std::string error;
    // "*" is both families; an IPv4 peer looks the same on it as on an IPv4 listener.
    for (const char* address : {"127.0.0.1:0", "localhost:0", "*:0", "[::]:0", "0.0.0.0:0"}) {
      const int listener = network.listen(address, kListenerToken, error);
      ASSERT_GE(listener, 0) << error;
      const ClientSocket client(network.local_port(listener));
      ASSERT_TRUE(client.connected()) << address;
      const Accepted accepted = accept_one(network, listener);
      EXPECT_EQ(accepted.peer.text().substr(0, 10), "127.0.0.1:") << address;
      EXPECT_EQ(accepted.peer.text(), "127.0.0.1:" + std::to_string(accepted.peer.port));
      network.close(accepted.descriptor);
      network.close(listener);
    }
  }).join();
  PeerAddress v6;
  v6.ip[15] = 1;
  v6.port = 5222;
  EXPECT_EQ(v6.text(), "[::1]:5222");
}

TEST(EpollNetwork, ClosingSendsTheEndAtOnce) {
  with_connection([](const Pair& pair) {
    EXPECT_FALSE(pair.client.readable(20));
    pair.network.close(pair.descriptor);
    EXPECT_TRUE(pair.client.ends(1000));
  });
}

TEST(EpollNetwork, FinishingKeepsTheOtherDirection) {
  with_connection([](const Pair& pair) {
    send_text(pair.network, pair.descriptor, "last words");
    pair.network.finish(pair.descriptor);
    EXPECT_EQ(pair.client.read(), "last words");
    EXPECT_TRUE(pair.client.ends(1000));
    ASSERT_TRUE(pair.client.write("answer"));
    EXPECT_TRUE(pair.next_event().readable);
    char buffer[16];
    EXPECT_EQ(pair.network.receive(pair.descriptor, buffer).bytes, 6u);
  });
}

TEST(EpollNetwork, SeesThePeersEndAndReset) {
  with_connection([](const Pair& pair) {
    pair.client.close();
    EXPECT_TRUE(pair.next_event().readable);
    char buffer[16];
    EXPECT_EQ(pair.network.receive(pair.descriptor, buffer).status, IoStatus::closed);
  });
  with_connection([](const Pair& pair) {
    const linger reset{1, 0};
    setsockopt(pair.client.descriptor(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    // Even when nothing is watched, a reset is told.
    pair.network.rewatch(pair.descriptor, kConnectionToken, false, false);
    pair.client.close();
    EXPECT_TRUE(pair.next_event().hangup);
    char buffer[16];
    EXPECT_EQ(pair.network.receive(pair.descriptor, buffer).status, IoStatus::failed);
    EXPECT_EQ(send_text(pair.network, pair.descriptor, "x").status, IoStatus::failed);
  });
}

TEST(EpollNetwork, WatchesOnlyWhatItIsTold) {
  with_connection([](const Pair& pair) {
    pair.network.rewatch(pair.descriptor, kConnectionToken, false, false);
    ASSERT_TRUE(pair.client.write("unread"));
    EXPECT_FALSE(pair.has_event(30)) << "a paused connection causes no wake-up";
    pair.network.rewatch(pair.descriptor, kConnectionToken, false, true);
    NetworkEvent event = pair.next_event();
    EXPECT_TRUE(event.writable);
    EXPECT_FALSE(event.readable);
    pair.network.rewatch(pair.descriptor, kConnectionToken, true, false);
    event = pair.next_event();
    EXPECT_TRUE(event.readable);
    EXPECT_FALSE(event.writable);
  });
}

TEST(EpollNetwork, APausedConnectionWhoseClientLeavesCausesNoSpin) {
  with_connection([](const Pair& pair) {
    pair.network.rewatch(pair.descriptor, kConnectionToken, false, false);
    pair.client.close();
    EXPECT_FALSE(pair.has_event(30));
  });
}

TEST(EpollNetwork, AFullSocketBlocksAndBecomesWritableAgain) {
  with_connection([](const Pair& pair) {
    const std::size_t sent = pair.fill();
    EXPECT_GT(sent, 0u);
    EXPECT_EQ(send_text(pair.network, pair.descriptor, "x").status, IoStatus::would_block);
    EXPECT_GT(pair.network.unacknowledged(pair.descriptor), 0u);
    pair.network.rewatch(pair.descriptor, kConnectionToken, true, true);
    EXPECT_FALSE(pair.has_event(10));
    std::size_t read = 0;
    while (read < sent) read += pair.client.read().size();
    EXPECT_TRUE(pair.next_event().writable);
  });
}

TEST(EpollNetwork, CountsWhatThePeerHasNotAcknowledged) {
  with_connection([](const Pair& pair) {
    EXPECT_EQ(pair.network.unacknowledged(pair.descriptor), 0u);
    send_text(pair.network, pair.descriptor, "acknowledged by the peer's kernel");
    EXPECT_EQ(pair.client.read(), "acknowledged by the peer's kernel");
    EXPECT_EQ(pair.network.unacknowledged(pair.descriptor), 0u);
  });
}

TEST(EpollNetwork, AResetDoesNotAcknowledgeWhatWasLost) {
  with_connection([](const Pair& pair) {
    pair.fill();
    ASSERT_GT(pair.network.unacknowledged(pair.descriptor), 0u);
    pair.client.close();  // With unread bytes this is a reset.
    EXPECT_TRUE(pair.next_event().hangup);
    EXPECT_GT(pair.network.unacknowledged(pair.descriptor), 0u);
  });
}

TEST(EpollNetwork, LeavesDeadPeersToTheKernel) {
  NetworkOptions options;
  options.keepalive_idle_s = 111;
  options.keepalive_interval_s = 22;
  options.keepalive_probes = 3;
  options.user_timeout_ms = 44'000;
  with_connection(
      [](const Pair& pair) {
        const auto option = [&](int level, int name) {
          int value = -1;
          socklen_t length = sizeof value;
          getsockopt(pair.descriptor, level, name, &value, &length);
          return value;
        };
        EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
        EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPIDLE), 111);
        EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPINTVL), 22);
        EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPCNT), 3);
        EXPECT_EQ(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 44'000);
        EXPECT_EQ(option(IPPROTO_TCP, TCP_NODELAY), 1);
      },
      options);
}

TEST(EpollNetwork, SaysWhatIsWrongWithAnAddress) {
  const auto fabric = make_fabric(1);
  start_shard(*fabric, 0, [](Network& network) {
    const auto error_of = [&](std::string_view address) {
      std::string error;
      EXPECT_LT(network.listen(address, kListenerToken, error), 0) << address;
      return error;
    };
    for (const char* bad : {"", "5222", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "::1:x",
                            "127.0.0.1:52 22", "127.0.0.1:-1"}) {
      EXPECT_NE(error_of(bad).find("expected address:port"), std::string::npos) << bad;
    }
    for (const char* bad : {"300.1.1.1:1", "[::1:1", "::1:5222", "example:5222", ":5222"}) {
      EXPECT_NE(error_of(bad).find("not an IPv4 address"), std::string::npos) << bad;
    }
    EXPECT_EQ(error_of("192.0.2.1:5222"), "192.0.2.1:5222: this machine has no such address");
  }).join();
}

TEST(EpollNetwork, NoticesAnotherServerOnTheAddress) {
  const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(other, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  ASSERT_EQ(listen(other, 1), 0);
  socklen_t length = sizeof name;
  getsockname(other, reinterpret_cast<sockaddr*>(&name), &length);
  const std::string address = "127.0.0.1:" + std::to_string(ntohs(name.sin_port));
  const std::string expected = address + ": address already in use — is another server running?";

  std::string error;
  EXPECT_FALSE(ReactorFabric::address_is_free(address, error));
  EXPECT_EQ(error, expected);
  const auto fabric = make_fabric(1);
  start_shard(*fabric, 0, [&](Network& network) {
    std::string text;
    EXPECT_LT(network.listen(address, kListenerToken, text), 0);
    EXPECT_EQ(text, expected);
  }).join();
  ::close(other);
  EXPECT_TRUE(ReactorFabric::address_is_free(address, error)) << error;
}

TEST(EpollNetwork, NoticesAnotherServerThatSharesPorts) {
  with_connection([](const Pair& pair) {
    const std::string address =
        "127.0.0.1:" + std::to_string(pair.network.local_port(pair.listener));
    std::string error;
    EXPECT_FALSE(ReactorFabric::address_is_free(address, error));
  });
}

TEST(EpollNetwork, SleepsAsLongAsItIsTold) {
  const auto fabric = make_fabric(1);
  start_shard(*fabric, 0, [](Network& network) {
    NetworkEvent events[4];
    for (const int timeout_us : {300, 2'500, 30'000}) {
      const auto start = steady_clock::now();
      network.arm();
      EXPECT_EQ(network.wait(events, timeout_us), 0u);
      EXPECT_GE(steady_clock::now() - start, std::chrono::microseconds(timeout_us));
    }
    const auto start = steady_clock::now();
    EXPECT_EQ(network.wait(events, 10'000'000), 0u) << "not announced: only a look";
    EXPECT_LT(steady_clock::now() - start, milliseconds(5'000));
  }).join();
}

TEST(EpollNetwork, EventsThatFindNoRoomComeWithTheNextWait) {
  const auto fabric = make_fabric(1);
  start_shard(*fabric, 0, [](Network& network) {
    std::string error;
    const int listener = network.listen("127.0.0.1:0", kListenerToken, error);
    std::vector<ClientSocket> clients;
    std::vector<bool> seen(10, false);
    for (std::uint64_t number = 0; number < seen.size(); ++number) {
      clients.emplace_back(network.local_port(listener));
      const int descriptor = accept_one(network, listener).descriptor;
      network.watch(descriptor, 100 + number);
      ASSERT_TRUE(clients.back().write("x"));
    }
    NetworkEvent events[3];
    for (int turn = 0; turn < 20; ++turn) {
      const std::size_t count = network.wait(events, 0);
      ASSERT_LE(count, 3u);
      for (std::size_t at = 0; at < count; ++at) seen[events[at].token - 100] = true;
    }
    EXPECT_EQ(seen, std::vector<bool>(10, true));
  }).join();
}

}  // namespace
}  // namespace rookery::test
