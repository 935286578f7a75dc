// The queue that is fair to addresses, and the logins that wait in it.
#include "session/fair_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "session/login_queue.h"

namespace rookery {
namespace {

constexpr std::uint32_t kCrowd = 1;
constexpr std::uint32_t kLoner = 2;
constexpr MonoUs kSecond = 1'000'000;

const auto kNobodyGone = [](Handle) { return false; };

Connection connection_of(std::uint32_t address, std::uint32_t slot) {
  Connection connection;
  connection.address_key = address;
  connection.handle = Handle::make(0, slot, 1);
  return connection;
}

TEST(FairQueue, OneAddressIsServedInItsOrder) {
  FairQueue<int> queue;
  for (int item = 0; item < 5; ++item) queue.push(kCrowd, item);
  for (int item = 0; item < 5; ++item) EXPECT_EQ(queue.pop(), item);
  EXPECT_EQ(queue.pop(), std::nullopt);
  EXPECT_EQ(queue.lanes(), 0u);
}

TEST(FairQueue, ACrowdDelaysAnotherAddressByOnePlace) {
  FairQueue<int> queue;
  for (int item = 0; item < 10'000; ++item) queue.push(kCrowd, item);
  queue.push(kLoner, -1);
  EXPECT_EQ(queue.pop(), 0);
  EXPECT_EQ(queue.pop(), -1);
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.waiting(kCrowd), 9998u);
  EXPECT_EQ(queue.waiting(kLoner), 0u);
}

TEST(FairQueue, AddressesTakeTurns) {
  FairQueue<int> queue;
  for (const int item : {10, 11, 12}) queue.push(1, item);
  for (const int item : {20, 21}) queue.push(2, item);
  queue.push(3, 30);
  std::vector<int> order;
  while (const std::optional<int> item = queue.pop()) order.push_back(*item);
  EXPECT_EQ(order, (std::vector<int>{10, 20, 30, 11, 21, 12}));
}

TEST(FairQueue, WhatIsGoneCostsItsAddressNoTurn) {
  FairQueue<int> queue;
  for (const int item : {10, 11, 12}) queue.push(1, item);
  for (const int item : {20, 21}) queue.push(2, item);
  const auto gone = [](int item) { return item == 10 || item == 20 || item == 21; };
  EXPECT_EQ(queue.pop(gone), 11);
  EXPECT_EQ(queue.pop(gone), 12);
  EXPECT_EQ(queue.pop(gone), std::nullopt);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.lanes(), 0u);
}

TEST(FairQueue, ASweepKeepsTheOrderOfTheRest) {
  FairQueue<int> queue;
  for (int item = 0; item < 6; ++item) queue.push(1, item);
  for (int item = 10; item < 16; ++item) queue.push(2, item);
  queue.sweep([](int item) { return item % 2 == 0; });
  EXPECT_EQ(queue.size(), 6u);
  std::vector<int> order;
  while (const std::optional<int> item = queue.pop()) order.push_back(*item);
  EXPECT_EQ(order, (std::vector<int>{1, 11, 3, 13, 5, 15}));
}

TEST(LoginQueue, LetsThroughWhatTheRateAllows) {
  LoginQueue queue(100);  // Ten at once.
  MonoUs now = kSecond;
  std::uint32_t begun = 0;
  for (std::uint32_t slot = 0; slot < 50; ++slot) {
    if (queue.enter(connection_of(kCrowd, slot), now)) ++begun;
  }
  EXPECT_EQ(begun, 10u);
  EXPECT_EQ(queue.size(), 40u);
  const auto begin = [&](Handle) { return ++begun > 0; };
  const MonoUs next = queue.start(now, kNobodyGone, begin);
  EXPECT_GT(next, now);
  EXPECT_LE(next, now + 10'001);
  EXPECT_EQ(begun, 10u);
  for (int step = 0; step < 40; ++step) {
    now += 10'000;
    queue.start(now, kNobodyGone, begin);
  }
  EXPECT_GE(begun, 49u);  // One may be short of its time by a rounding.
  EXPECT_LE(begun, 50u);
}

TEST(LoginQueue, TenThousandOfOneAddressDelayAnotherByOneLogin) {
  LoginQueue queue(100);
  MonoUs now = kSecond;
  for (std::uint32_t slot = 0; slot < 10'000; ++slot) {
    static_cast<void>(queue.enter(connection_of(kCrowd, slot), now));
  }
  EXPECT_FALSE(queue.enter(connection_of(kLoner, 20'000), now));
  std::vector<std::uint32_t> order;
  while (order.size() < 3) {
    now += 10'000;
    queue.start(now, kNobodyGone, [&](Handle handle) {
      order.push_back(handle.slot());
      return true;
    });
  }
  EXPECT_EQ(order[1], 20'000u);
}

TEST(LoginQueue, StopsWhenThereIsNoTimeForMore) {
  LoginQueue queue(100);
  const MonoUs now = kSecond;
  for (std::uint32_t slot = 0; slot < 20; ++slot) {
    static_cast<void>(queue.enter(connection_of(kCrowd, slot), now));
  }
  const MonoUs later = now + kSecond;
  std::uint32_t begun = 0;
  const auto three = [&](Handle) { return ++begun % 3 != 0; };
  EXPECT_EQ(queue.start(later, kNobodyGone, three), later);
  EXPECT_EQ(begun, 3u);
  EXPECT_EQ(queue.start(later, kNobodyGone, three), later);
  EXPECT_EQ(begun, 6u);
}

TEST(LoginQueue, WhoIsGoneCostsNothing) {
  LoginQueue queue(10);
  MonoUs now = kSecond;
  EXPECT_TRUE(queue.enter(connection_of(kCrowd, 0), now));
  for (std::uint32_t slot = 1; slot <= 1000; ++slot) {
    EXPECT_FALSE(queue.enter(connection_of(kCrowd, slot), now));
  }
  now += kSecond / 10 + 1;
  std::vector<std::uint32_t> order;
  queue.start(
      now, [](Handle handle) { return handle.slot() < 1000; },
      [&](Handle handle) {
        order.push_back(handle.slot());
        return true;
      });
  EXPECT_EQ(order, (std::vector<std::uint32_t>{1000}));
  EXPECT_EQ(queue.size(), 0u);
}

TEST(LoginQueue, ConnectionsThatComeAndGoDoNotPileUp) {
  LoginQueue queue(1);
  const MonoUs now = kSecond;
  std::size_t most = 0;
  for (std::uint32_t slot = 0; slot < 100'000; ++slot) {
    static_cast<void>(queue.enter(connection_of(slot % 7, slot), now));
    queue.tidy(1, [slot](Handle handle) { return handle.slot() < slot; });
    most = std::max(most, queue.size());
  }
  EXPECT_LE(most, 2000u);
}

}  // namespace
}  // namespace rookery
