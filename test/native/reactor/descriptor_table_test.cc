// The shards' private descriptor tables: limits count for each shard alone, no table keeps
// another's sockets open, and a full table is an ordinary state.
#include <sys/syscall.h>

#include <atomic>

#include "native/reactor/reactor_fixture.h"
#include "reactor/epoll_network.h"

namespace rookery::test {
namespace {

/// Lowers the process's descriptor limit while it lives.
class LowLimit {
 public:
  explicit LowLimit(rlim_t descriptors) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit low{descriptors, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  }
  ~LowLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  LowLimit(const LowLimit&) = delete;
  LowLimit& operator=(const LowLimit&) = delete;

 private:
  rlimit before_{};
};

/// Clients in a table of their own, so that they do not count for the process under test.
class ClientCrowd {
 public:
  ClientCrowd(std::uint16_t port, std::size_t count)
      : thread_([this, port, count] {
          constexpr unsigned kUnshare = 1u << 1;
          syscall(SYS_close_range, 3u, ~0u, kUnshare);
          std::vector<ClientSocket> clients;
          for (std::size_t number = 0; number < count; ++number) {
            ClientSocket client(port);
            if (client.connected()) clients.push_back(std::move(client));
          }
          connected_.set_value(clients.size());
          leave_.get_future().wait();
        }) {}
  ~ClientCrowd() {
    leave_.set_value();
    thread_.join();
  }
  ClientCrowd(const ClientCrowd&) = delete;
  ClientCrowd& operator=(const ClientCrowd&) = delete;

  std::size_t connected() { return connected_.get_future().get(); }

 private:
  std::promise<std::size_t> connected_;
  std::promise<void> leave_;
  std::thread thread_;
};

/// Accepts until `count` connections are there.
std::vector<int> accept_many(Network& network, int listener, std::size_t count) {
  std::vector<int> descriptors;
  run_until(
      network, [](const NetworkEvent&) {},
      [&] {
        for (;;) {
          const Accepted accepted = network.accept(listener);
          EXPECT_NE(accepted.status, AcceptStatus::exhausted);
          if (accepted.status != AcceptStatus::accepted) break;
          descriptors.push_back(accepted.descriptor);
        }
        return descriptors.size() >= count;
      });
  return descriptors;
}

TEST(DescriptorTable, TheLimitCountsForEachShard) {
  constexpr std::size_t kLimit = 200;
  constexpr std::size_t kEach = 160;
  const LowLimit limit(kLimit);
  NetworkOptions options;
  options.reserved_descriptors = 4;
  const auto fabric = make_fabric(2);
  std::atomic<std::size_t> held{0};
  std::promise<void> release;
  const auto released = release.get_future().share();
  const auto shard = [&](Network& network) {
    std::string error;
    const int listener = network.listen("127.0.0.1:0", 1, error);
    ASSERT_GE(listener, 0) << error;
    ClientCrowd crowd(network.local_port(listener), kEach);
    EXPECT_EQ(crowd.connected(), kEach);
    const std::vector<int> descriptors = accept_many(network, listener, kEach);
    held += descriptors.size();
    released.wait();
    for (const int descriptor : descriptors) network.close(descriptor);
  };
  std::thread first = start_shard(*fabric, 0, shard, options);
  std::thread second = start_shard(*fabric, 1, shard, options);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (held < 2 * kEach && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(held, 2 * kEach) << "more than the process's limit of " << kLimit
                             << ", all open at once";
  release.set_value();
  first.join();
  second.join();
}

TEST(DescriptorTable, NoOtherTableHoldsAConnectionOpen) {
  const auto fabric = make_fabric(2);
  std::promise<std::uint16_t> port;
  std::promise<void> second_is_up;
  std::thread first = start_shard(*fabric, 0, [&](Network& network) {
    std::string error;
    const int listener = network.listen("127.0.0.1:0", 1, error);
    port.set_value(network.local_port(listener));
    const int descriptor = accept_one(network, listener).descriptor;
    // The other shard copies its table while this connection is open.
    second_is_up.get_future().wait();
    network.close(descriptor);
  });
  const ClientSocket client(port.get_future().get());
  ASSERT_TRUE(client.connected());
  std::promise<void> leave;
  std::thread second = start_shard(*fabric, 1, [&](Network&) {
    second_is_up.set_value();
    leave.get_future().wait();
  });
  EXPECT_TRUE(client.ends(2000)) << "the end of the stream arrives while all threads live";
  leave.set_value();
  first.join();
  second.join();
}

TEST(DescriptorTable, AShardKeepsNoCopyOfTheProcessesSockets) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const auto fabric = make_fabric(2);
  std::promise<void> up;
  std::promise<void> leave;
  std::thread shard = start_shard(*fabric, 0, [&](Network&) {
    up.set_value();
    leave.get_future().wait();
  });
  up.get_future().wait();
  ::close(pair[0]);
  pollfd poller{pair[1], POLLIN, 0};
  EXPECT_EQ(poll(&poller, 1, 2000), 1) << "the other end has closed";
  ::close(pair[1]);
  leave.set_value();
  shard.join();
}

TEST(DescriptorTable, AFullTableIsSaidAndTheListenerCanBeReopened) {
  const LowLimit limit(100);
  NetworkOptions options;
  options.reserved_descriptors = 10;
  const auto fabric = make_fabric(1);
  start_shard(
      *fabric, 0,
      [](Network& network) {
        std::string error;
        int listener = network.listen("127.0.0.1:0", 1, error);
        ASSERT_GE(listener, 0) << error;
        const std::uint16_t port = network.local_port(listener);
        ClientCrowd crowd(port, 92);
        EXPECT_EQ(crowd.connected(), 92u);
        std::vector<int> descriptors;
        AcceptStatus status = AcceptStatus::accepted;
        while (status == AcceptStatus::accepted) {
          const Accepted accepted = network.accept(listener);
          status = accepted.status;
          if (status == AcceptStatus::accepted) descriptors.push_back(accepted.descriptor);
        }
        EXPECT_EQ(status, AcceptStatus::exhausted);
        EXPECT_GT(descriptors.size(), 70u);
        EXPECT_LT(descriptors.size(), 90u) << "the reserve is kept";

        network.close(listener);
        NetworkEvent events[8];
        network.arm();
        EXPECT_EQ(network.wait(events, 20'000), 0u) << "a dropped listener causes no wake-ups";
        network.close(descriptors.back());
        network.close(descriptors[0]);
        listener = network.listen("127.0.0.1:" + std::to_string(port), 1, error);
        ASSERT_GE(listener, 0) << error;
        const ClientSocket late(port);
        ASSERT_TRUE(late.connected());
        EXPECT_GE(accept_one(network, listener).descriptor, 0);
      },
      options)
      .join();
}

TEST(DescriptorTable, TheKernelsLimitIsSaidAsWell) {
  const LowLimit limit(64);
  NetworkOptions options;
  options.reserved_descriptors = 0;
  const auto fabric = make_fabric(1);
  start_shard(
      *fabric, 0,
      [](Network& network) {
        std::string error;
        const int listener = network.listen("127.0.0.1:0", 1, error);
        const ClientSocket client(network.local_port(listener));
        // What the Network does not know of: it learns of the limit from the kernel.
        while (dup(listener) >= 0) {
        }
        EXPECT_EQ(network.accept(listener).status, AcceptStatus::exhausted);
        EXPECT_LT(network.listen("127.0.0.1:0", 1, error), 0);
        EXPECT_NE(error.find("no descriptor left"), std::string::npos) << error;
      },
      options)
      .join();
}

TEST(DescriptorTable, AnArrivalThatFindsTheTableFullKeepsItsPayload) {
  const LowLimit limit(64);
  const auto fabric = make_fabric(2);
  std::promise<void> full;
  std::promise<void> arrived;
  int payload = 99;
  std::thread receiver = start_shard(*fabric, 1, [&](Network& network) {
    while (dup(0) >= 0) {
    }
    full.set_value();
    Arrival arrival;
    run_until(
        network, [](const NetworkEvent&) {}, [&] { return network.take_arrival(arrival); });
    EXPECT_EQ(arrival.descriptor, -1);
    EXPECT_EQ(arrival.payload, &payload);
    arrived.set_value();
  });
  NetworkOptions options;
  options.reserved_descriptors = 4;
  std::thread sender = start_shard(
      *fabric, 0,
      [&](Network& network) {
        std::string error;
        const int listener = network.listen("127.0.0.1:0", 1, error);
        const ClientSocket client(network.local_port(listener));
        const int descriptor = accept_one(network, listener).descriptor;
        full.get_future().wait();
        ASSERT_EQ(network.hand_over(1, descriptor, &payload), HandOver::gone);
        arrived.get_future().wait();
        EXPECT_TRUE(client.ends(2000)) << "the connection is gone, and its peer is told";
      },
      options);
  sender.join();
  receiver.join();
}

TEST(DescriptorTable, NothingIsHandedToAFullTable) {
  const LowLimit limit(64);
  NetworkOptions options;
  options.reserved_descriptors = 30;
  const auto fabric = make_fabric(2);
  std::promise<std::uint32_t> room_of_receiver;
  std::promise<void> leave;
  std::thread receiver = start_shard(
      *fabric, 1,
      [&](Network& network) {
        room_of_receiver.set_value(network.room(1));
        leave.get_future().wait();
        Arrival arrival;
        while (network.take_arrival(arrival)) network.close(arrival.descriptor);
        EXPECT_GT(network.room(1), 0u) << "what is closed is room again";
      },
      options);
  const std::uint32_t room = room_of_receiver.get_future().get();
  ASSERT_GT(room, 0u);
  std::thread sender = start_shard(
      *fabric, 0,
      [&](Network& network) {
        std::string error;
        const int listener = network.listen("127.0.0.1:0", 1, error);
        const ClientSocket client(network.local_port(listener));
        const int descriptor = accept_one(network, listener).descriptor;
        std::uint32_t handed = 0;
        HandOver last = HandOver::gone;
        while (handed < 64) {
          const int copy = dup(descriptor);
          last = network.hand_over(1, copy, nullptr);
          if (last != HandOver::gone) {
            ::close(copy);
            break;
          }
          ++handed;
        }
        EXPECT_EQ(last, HandOver::full);
        EXPECT_EQ(handed, room + options.reserved_descriptors) << "arrivals may use the reserve";
        EXPECT_EQ(network.room(1), 0u);
        network.close(descriptor);
        EXPECT_TRUE(client.connected());
      },
      options);
  sender.join();
  leave.set_value();
  receiver.join();
}

TEST(DescriptorTable, AFabricThatCannotHaveItsDescriptorsSaysSo) {
  const LowLimit limit(40);
  std::string error;
  EXPECT_EQ(ReactorFabric::create(64, error), nullptr);
  EXPECT_NE(error.find("Too many open files"), std::string::npos) << error;
}

TEST(DescriptorTable, ManyFabricsLeaveNoDescriptorBehind) {
  const int before = dup(0);
  ::close(before);
  for (int turn = 0; turn < 20; ++turn) make_fabric(12);
  const int after = dup(0);
  ::close(after);
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace rookery::test
