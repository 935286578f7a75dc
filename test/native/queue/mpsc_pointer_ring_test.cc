// The pointer ring: order, the limit, and many producers at full speed.
#include "queue/mpsc_pointer_ring.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace rookery::test {
namespace {

TEST(MpscPointerRing, HandsItemsOverInOrder) {
  MpscPointerRing ring("test", 4);
  int items[3] = {};
  EXPECT_TRUE(ring.empty());
  EXPECT_EQ(ring.pop(), nullptr);
  for (int& item : items) ASSERT_TRUE(ring.push(&item));
  EXPECT_FALSE(ring.empty());
  EXPECT_EQ(ring.stats().depth(), 3u);
  for (int& item : items) EXPECT_EQ(ring.pop(), &item);
  EXPECT_TRUE(ring.empty());
  EXPECT_EQ(ring.stats().high_water.load(), 3u);
}

TEST(MpscPointerRing, RefusesAndCountsWhenFullAndRecovers) {
  MpscPointerRing ring("control→shard-0", 3);
  EXPECT_EQ(ring.stats().capacity, 4u);
  EXPECT_EQ(ring.stats().name, "control→shard-0");
  int item = 0;
  for (int turn = 0; turn < 50; ++turn) {
    for (int count = 0; count < 4; ++count) ASSERT_TRUE(ring.push(&item));
    ASSERT_FALSE(ring.push(&item));
    for (int count = 0; count < 4; ++count) ASSERT_EQ(ring.pop(), &item);
    ASSERT_EQ(ring.pop(), nullptr);
  }
  EXPECT_EQ(ring.stats().refused.load(), 50u);
  EXPECT_EQ(ring.stats().pushed.load(), 200u);
  EXPECT_EQ(ring.stats().popped.load(), 200u);
}

TEST(MpscPointerRing, ManyProducersLoseNothingAndKeepTheirOrder) {
  constexpr std::uint32_t kProducers = 4;
  constexpr std::uint32_t kItems = 40'000;
  struct Item {
    std::uint32_t producer;
    std::uint32_t number;
  };
  MpscPointerRing ring("test", 64);
  std::vector<std::thread> producers;
  for (std::uint32_t producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&ring, producer] {
      for (std::uint32_t number = 0; number < kItems; ++number) {
        auto item = std::make_unique<Item>(Item{producer, number});
        while (!ring.push(item.get())) std::this_thread::yield();
        static_cast<void>(item.release());
      }
    });
  }
  std::vector<std::uint32_t> next(kProducers, 0);
  bool in_order = true;
  for (std::uint32_t received = 0; received < kProducers * kItems;) {
    const std::unique_ptr<Item> item(static_cast<Item*>(ring.pop()));
    if (item == nullptr) {
      std::this_thread::yield();
      continue;
    }
    in_order = in_order && item->number == next[item->producer]++;
    ++received;
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_TRUE(in_order);
  EXPECT_EQ(next, std::vector<std::uint32_t>(kProducers, kItems));
  EXPECT_TRUE(ring.empty());
  EXPECT_LE(ring.stats().high_water.load(), 64u);
}

}  // namespace
}  // namespace rookery::test
