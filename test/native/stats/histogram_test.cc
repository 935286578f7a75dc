// The histogram's buckets, and how waits are followed through a queue.
#include "stats/histogram.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/os_random.h"
#include "stats/wait_probe.h"

namespace rookery {
namespace {

TEST(Histogram, BucketsFollowEachOtherWithoutGapOrOverlap) {
  std::uint64_t next = 0;
  for (std::size_t bucket = 0; bucket < Histogram::size; ++bucket) {
    const std::uint64_t upper = Histogram::upper_bound(bucket);
    ASSERT_GE(upper, next);
    EXPECT_EQ(Histogram::bucket_of(next), bucket);
    EXPECT_EQ(Histogram::bucket_of(upper), bucket);
    next = upper + 1;
  }
  EXPECT_EQ(next, Histogram::largest + 1);
}

TEST(Histogram, AValueIsKnownToAnEighth) {
  OsRandom random;
  for (int tries = 0; tries < 100'000; ++tries) {
    const std::uint64_t value = (random.next64() & Histogram::largest) >> (random.next64() % 36);
    const std::uint64_t told = Histogram::upper_bound(Histogram::bucket_of(value));
    ASSERT_GE(told, value);
    ASSERT_LE(told - value, value / 8) << value;
  }
}

TEST(Histogram, CountsAndSums) {
  Histogram histogram;
  for (const std::uint64_t value : {0, 7, 15, 16, 17, 1000}) histogram.record(value);
  EXPECT_EQ(histogram.count(), 6u);
  EXPECT_EQ(histogram.sum(), 1055u);
  EXPECT_EQ(histogram.bucket(Histogram::bucket_of(15)), 1u);
  EXPECT_EQ(histogram.bucket(Histogram::bucket_of(16)), 2u);
}

TEST(Histogram, WhatIsTooLargeIsTheLargest) {
  Histogram histogram;
  histogram.record(~std::uint64_t{0});
  EXPECT_EQ(histogram.sum(), Histogram::largest);
  EXPECT_EQ(histogram.bucket(Histogram::size - 1), 1u);
}

TEST(WaitProbe, FollowsOneItemAtATime) {
  WaitProbe probe;
  probe.pushing(1, 100);
  probe.pushing(2, 200);  // one is followed already
  probe.taken(0, 250);    // not taken yet
  EXPECT_EQ(probe.waits_us().count(), 0u);
  probe.taken(2, 300);
  EXPECT_EQ(probe.waits_us().count(), 1u);
  EXPECT_EQ(probe.waits_us().sum(), 200u);
  probe.taken(2, 900);  // nothing is followed
  EXPECT_EQ(probe.waits_us().count(), 1u);
  probe.pushing(3, 1000);
  probe.taken(3, 999);  // the consumer's reading is older: no time at all
  EXPECT_EQ(probe.waits_us().count(), 2u);
  EXPECT_EQ(probe.waits_us().sum(), 200u);
}

TEST(WaitProbe, ManyProducersAndAConsumer) {
  WaitProbe probe;
  std::atomic<std::uint64_t> pushed{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> producers;
  for (int index = 0; index < 3; ++index) {
    producers.emplace_back([&] {
      while (!stop.load()) {
        probe.pushing(pushed.load() + 1, 5);
        pushed.fetch_add(1);
      }
    });
  }
  while (probe.waits_us().count() < 1000) probe.taken(pushed.load(), 12);
  stop.store(true);
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(probe.waits_us().sum(), probe.waits_us().count() * 7);
}

}  // namespace
}  // namespace rookery
