// Live connections on their way between shards: under traffic, when the way is full, and when the
// receiver has ended.
#include <atomic>
#include <cstdlib>

#include "native/reactor/reactor_fixture.h"
#include "reactor/epoll_network.h"

namespace rookery::test {
namespace {

constexpr std::uint64_t kListenerToken = 1;

/// A connection that echoes and moves on after every few reads.
struct Traveller {
  int descriptor = -1;
  std::uint32_t moves = 0;
  std::size_t echoed = 0;
};

/// One shard of travellers: takes arrivals, echoes what comes, and sends each on to the next shard.
class EchoShard {
 public:
  EchoShard(Network& network, ShardId shard, std::uint32_t shards, std::atomic<bool>& stop)
      : network_(network), shard_(shard), shards_(shards), stop_(stop) {}

  void run() {
    NetworkEvent events[64];
    while (!stop_) {
      network_.arm();
      Arrival arrival;
      while (network_.take_arrival(arrival)) welcome(arrival);
      const std::size_t count = network_.wait(events, waiting_.empty() ? 50'000 : 100);
      for (std::size_t at = 0; at < count; ++at) {
        auto* traveller = reinterpret_cast<Traveller*>(events[at].token);
        if (events[at].token != kListenerToken) echo(*traveller);
      }
      retry();
    }
  }

  void welcome(const Arrival& arrival) {
    auto* traveller = static_cast<Traveller*>(arrival.payload);
    ASSERT_GE(arrival.descriptor, 0);
    traveller->descriptor = arrival.descriptor;
    ASSERT_TRUE(network_.watch(traveller->descriptor, reinterpret_cast<std::uintptr_t>(traveller)));
  }

  std::uint64_t moves() const { return moves_; }

 private:
  void echo(Traveller& traveller) {
    char buffer[1024];
    const IoResult got = network_.receive(traveller.descriptor, buffer);
    if (got.status == IoStatus::would_block) return;
    if (got.status != IoStatus::ok) {
      network_.close(traveller.descriptor);
      return;
    }
    const IoResult sent = send_text(network_, traveller.descriptor, {buffer, got.bytes});
    ASSERT_EQ(sent.bytes, got.bytes) << "the client reads as it writes";
    traveller.echoed += got.bytes;
    move_on(traveller);
  }

  void move_on(Traveller& traveller) {
    // The payload belongs to the receiver as soon as it is sent.
    const int descriptor = traveller.descriptor;
    ++traveller.moves;
    if (network_.hand_over((shard_ + 1) % shards_, descriptor, &traveller) == HandOver::gone) {
      ++moves_;
    } else {
      network_.rewatch(descriptor, reinterpret_cast<std::uintptr_t>(&traveller), false, false);
      waiting_.push_back(&traveller);
    }
  }

  void retry() {
    const std::vector<Traveller*> waiting = std::exchange(waiting_, {});
    for (Traveller* traveller : waiting) move_on(*traveller);
  }

  Network& network_;
  ShardId shard_;
  std::uint32_t shards_;
  std::atomic<bool>& stop_;
  std::vector<Traveller*> waiting_;
  std::uint64_t moves_ = 0;
};

/// Writes a pattern of `total` bytes in uneven pieces and checks that it comes back whole.
void converse(std::uint16_t port, std::size_t total, unsigned seed, std::atomic<int>& failures) {
  const ClientSocket client(port);
  std::size_t written = 0;
  std::size_t read = 0;
  const auto byte_at = [seed](std::size_t at) { return static_cast<char>((at * 7 + seed) % 251); };
  while (read < total) {
    while (written < total && written - read < 8'000) {
      std::string piece;
      const std::size_t length = 1 + (written * 31 + seed) % 900;
      while (piece.size() < length && written + piece.size() < total) {
        piece += byte_at(written + piece.size());
      }
      if (!client.write(piece)) break;
      written += piece.size();
    }
    const std::string got = client.read();
    if (got.empty()) {
      ++failures;
      return;
    }
    for (const char byte : got) {
      if (byte != byte_at(read++)) {
        ++failures;
        return;
      }
    }
  }
}

TEST(HandOver, LiveConnectionsMoveUnderTrafficAndLoseNothing) {
  constexpr std::uint32_t kShards = 3;
  constexpr std::size_t kConnections = 12;
  constexpr std::size_t kBytes = 300'000;
  const auto fabric = make_fabric(kShards);
  std::vector<Traveller> travellers(kConnections);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> moves{0};
  std::promise<std::uint16_t> port;
  std::vector<std::thread> shards;
  for (ShardId shard = 0; shard < kShards; ++shard) {
    shards.push_back(start_shard(*fabric, shard, [&, shard](Network& network) {
      EchoShard echo(network, shard, kShards, stop);
      if (shard == 0) {
        std::string error;
        const int listener = network.listen("127.0.0.1:0", kListenerToken, error);
        port.set_value(network.local_port(listener));
        for (Traveller& traveller : travellers) {
          echo.welcome({accept_one(network, listener).descriptor, &traveller});
        }
        network.close(listener);
      }
      echo.run();
      moves += echo.moves();
    }));
  }
  const std::uint16_t listening = port.get_future().get();
  std::atomic<int> failures{0};
  std::vector<std::thread> clients;
  for (unsigned seed = 0; seed < kConnections; ++seed) {
    clients.emplace_back([&, seed] { converse(listening, kBytes, seed, failures); });
  }
  for (std::thread& client : clients) client.join();
  stop = true;
  for (ShardId shard = 0; shard < kShards; ++shard) fabric->waker(shard).notify();
  for (std::thread& shard : shards) shard.join();
  EXPECT_EQ(failures, 0);
  EXPECT_GT(moves, 1'000u);
  Arrival left;
  for (ShardId shard = 0; shard < kShards; ++shard) {
    while (fabric->take_stranded(shard, left)) ::close(left.descriptor);
  }
  for (const Traveller& traveller : travellers) EXPECT_EQ(traveller.echoed, kBytes);
}

TEST(HandOver, AFullWayIsSaidAndNothingIsLost) {
  const auto fabric = make_fabric(2);
  std::promise<void> receiving;  // before that its table is known to nobody, and counts as full
  std::promise<void> full;
  std::vector<int> payloads(2 * ReactorFabric::kArrivalsLimit);
  std::atomic<std::size_t> handed{0};
  std::thread receiver = start_shard(*fabric, 1, [&](Network& network) {
    receiving.set_value();
    full.get_future().wait();
    std::size_t taken = 0;
    run_until(
        network, [](const NetworkEvent&) {},
        [&] {
          Arrival arrival;
          while (network.take_arrival(arrival)) {
            EXPECT_GE(arrival.descriptor, 0);
            ++*static_cast<int*>(arrival.payload);
            network.close(arrival.descriptor);
            ++taken;
          }
          return taken == payloads.size();
        });
  });
  std::thread sender = start_shard(*fabric, 0, [&](Network& network) {
    receiving.get_future().wait();
    std::string error;
    const int listener = network.listen("127.0.0.1:0", kListenerToken, error);
    const ClientSocket client(network.local_port(listener));
    const int descriptor = accept_one(network, listener).descriptor;
    ASSERT_TRUE(network.watch(descriptor, 7));
    std::size_t next = 0;
    while (network.hand_over(1, dup(descriptor), &payloads[next]) == HandOver::gone) ++next;
    EXPECT_GT(next, 100u);
    EXPECT_LE(next, std::size_t{ReactorFabric::kArrivalsLimit});
    EXPECT_EQ(fabric->arrival_stats(1).depth(), next);
    EXPECT_EQ(fabric->arrival_stats(1).refused.load(), 1u);

    // What was refused is as before: watched, and alive in both directions.
    EXPECT_EQ(network.hand_over(1, descriptor, &payloads[next]), HandOver::busy);
    ASSERT_TRUE(client.write("still here"));
    bool readable = false;
    run_until(
        network, [&](const NetworkEvent& event) { readable = readable || event.token == 7; },
        [&] { return readable; });
    EXPECT_EQ(send_text(network, descriptor, "yes").bytes, 3u);
    EXPECT_EQ(client.read(), "yes");

    full.set_value();
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (next < payloads.size() && std::chrono::steady_clock::now() < give_up) {
      const int copy = dup(descriptor);
      if (network.hand_over(1, copy, &payloads[next]) == HandOver::gone) {
        ++next;
      } else {
        ::close(copy);
        std::this_thread::yield();
      }
    }
    handed = next;
    network.close(descriptor);
  });
  sender.join();
  receiver.join();
  EXPECT_EQ(handed, payloads.size());
  EXPECT_EQ(payloads, std::vector<int>(payloads.size(), 1)) << "each payload arrives once";
}

TEST(HandOver, WhatAnEndedShardNeverTookIsFound) {
  const auto fabric = make_fabric(2);
  start_shard(*fabric, 1, [](Network&) {}).join();
  int payload = 0;
  std::promise<std::uint16_t> port;
  std::thread sender = start_shard(*fabric, 0, [&](Network& network) {
    std::string error;
    const int listener = network.listen("127.0.0.1:0", kListenerToken, error);
    port.set_value(network.local_port(listener));
    ASSERT_EQ(network.hand_over(1, accept_one(network, listener).descriptor, &payload),
              HandOver::gone);
  });
  const ClientSocket client(port.get_future().get());
  sender.join();
  Arrival arrival;
  ASSERT_TRUE(fabric->take_stranded(1, arrival));
  EXPECT_EQ(arrival.payload, &payload);
  ASSERT_GE(arrival.descriptor, 0);
  EXPECT_FALSE(client.readable(20)) << "still open";
  ::close(arrival.descriptor);
  EXPECT_TRUE(client.ends(2000));
  EXPECT_FALSE(fabric->take_stranded(1, arrival));
}

}  // namespace
}  // namespace rookery::test
