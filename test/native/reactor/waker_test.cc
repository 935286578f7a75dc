// Wake-ups: none is lost, however the threads interleave, and none is paid for while the consumer
// is awake. Producers are shards (with descriptor tables of their own) and threads of the main
// table.
#include "reactor/waker.h"

#include <atomic>

#include "native/reactor/reactor_fixture.h"
#include "queue/mpsc_pointer_ring.h"
#include "queue/spsc_byte_ring.h"
#include "reactor/epoll_network.h"

namespace rookery::test {
namespace {

// Nothing in these tests waits for time to pass, so a sleep of this length is a lost wake-up.
constexpr std::int64_t kTooLongUs = 5'000'000;

/// Sleeps as a shard does; false when no notification came.
bool sleep_unless(Network& network, const std::function<bool()>& has_work) {
  network.arm();
  if (has_work()) return true;
  NetworkEvent events[4];
  const auto start = std::chrono::steady_clock::now();
  network.wait(events, kTooLongUs);
  return std::chrono::steady_clock::now() - start < std::chrono::microseconds(kTooLongUs / 2);
}

TEST(Waker, CostsNothingWhileTheConsumerIsAwake) {
  Waker waker;
  for (int count = 0; count < 100; ++count) waker.notify();
  EXPECT_EQ(waker.rings(), 0u);
  waker.arm();
  EXPECT_TRUE(waker.armed());
  for (int count = 0; count < 100; ++count) waker.notify();
  EXPECT_EQ(waker.rings(), 1u) << "only the first one wakes";
  EXPECT_FALSE(waker.armed());
  waker.arm();
  waker.disarm();
  waker.notify();
  EXPECT_EQ(waker.rings(), 1u);
}

/// Lets two threads begin each round at the same moment, as nearly as it can be done.
class RoundGate {
 public:
  void pass(std::uint64_t round) {
    arrived_.fetch_add(1);
    while (arrived_.load() < 2 * round) {
      // On a machine with one free core the other thread must get its turn.
      if (++spins_of_any_ % 4096 == 0) std::this_thread::yield();
    }
  }

 private:
  std::atomic<std::uint64_t> arrived_{0};
  static thread_local inline std::uint64_t spins_of_any_ = 0;
};

TEST(Waker, EitherTheConsumerSeesTheItemOrTheProducerSeesTheSleep) {
  // Without the fences both may miss the other's write, which hardware does within microseconds
  // here; with them it must never happen.
  constexpr std::uint64_t kRounds = 30'000;
  constexpr auto kAtMost = std::chrono::seconds(3);
  Waker waker;
  alignas(64) std::atomic<int> item{0};
  std::atomic<bool> stop{false};
  RoundGate start;
  RoundGate end;
  std::thread producer([&] {
    for (std::uint64_t round = 1; !stop; ++round) {
      start.pass(round);
      item.store(1, std::memory_order_relaxed);
      waker.notify();
      end.pass(round);
    }
  });
  std::uint64_t lost = 0;
  const auto give_up = std::chrono::steady_clock::now() + kAtMost;
  for (std::uint64_t round = 1; !stop; ++round) {
    item.store(0, std::memory_order_relaxed);
    waker.disarm();
    start.pass(round);
    waker.arm();
    const bool seen = item.load(std::memory_order_relaxed) != 0;
    stop = round == kRounds || std::chrono::steady_clock::now() > give_up;
    end.pass(round);
    if (!seen && waker.armed()) ++lost;
  }
  producer.join();
  EXPECT_EQ(lost, 0u);
}

TEST(Waker, ANotificationBetweenArmAndWaitEndsTheWait) {
  const auto fabric = make_fabric(1);
  start_shard(*fabric, 0, [](Network& network) {
    for (int turn = 0; turn < 100; ++turn) {
      EXPECT_TRUE(sleep_unless(network, [&] {
        network.notify();
        return false;
      }));
    }
  }).join();
}

TEST(Waker, TwoShardsPlayPingPong) {
  constexpr std::uint64_t kRounds = 5'000;
  const auto fabric = make_fabric(2);
  SpscByteRing to_first("ping", 1024);
  SpscByteRing to_second("pong", 1024);
  const auto play = [&](Network& network, SpscByteRing& in, SpscByteRing& out, ShardId other,
                        bool begins) {
    std::uint64_t sent = 0;
    std::uint64_t got = 0;
    const auto send = [&] {
      std::byte* place = out.reserve(sizeof sent);
      ASSERT_NE(place, nullptr);
      std::memcpy(place, &++sent, sizeof sent);
      out.commit(sizeof sent);
      fabric->waker(other).notify();
    };
    if (begins) send();
    while (got < kRounds) {
      if (in.front().empty()) {
        ASSERT_TRUE(sleep_unless(network, [&] { return !in.empty(); })) << "lost after " << got;
        continue;
      }
      in.pop();
      ++got;
      if (sent < kRounds) send();
    }
  };
  std::thread first = start_shard(
      *fabric, 0, [&](Network& network) { play(network, to_first, to_second, 1, true); });
  std::thread second = start_shard(
      *fabric, 1, [&](Network& network) { play(network, to_second, to_first, 0, false); });
  first.join();
  second.join();
}

TEST(Waker, ThreadsOfTheMainTableWakeAShardAndNoneIsLost) {
  constexpr int kProducers = 3;
  constexpr int kItems = 5'000;
  const auto fabric = make_fabric(2);
  MpscPointerRing ring("test", 16);
  std::thread consumer = start_shard(*fabric, 1, [&](Network& network) {
    for (int taken = 0; taken < kProducers * kItems;) {
      if (ring.pop() != nullptr) {
        ++taken;
      } else {
        ASSERT_TRUE(sleep_unless(network, [&] { return !ring.empty(); })) << "lost at " << taken;
      }
    }
  });
  int item = 0;
  std::vector<std::thread> producers;
  for (int producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&] {
      for (int count = 0; count < kItems; ++count) {
        while (!ring.push(&item)) std::this_thread::yield();
        fabric->waker(1).notify();
        // Lets the consumer fall asleep now and then.
        if (count % 64 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
    });
  }
  for (std::thread& producer : producers) producer.join();
  consumer.join();
  EXPECT_LE(fabric->waker(1).rings(), static_cast<std::uint64_t>(kProducers * kItems));
  EXPECT_GT(fabric->waker(1).rings(), 0u);
}

}  // namespace
}  // namespace rookery::test
