// The file's size follows what is alive; a full disk is an answer, not an end; many threads at
// once.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>

#include "native/store/store_test_support.h"

namespace rookery {
namespace {

using store_test::Harness;
using store_test::options_for;
using store_test::TemporaryFolder;

std::vector<LogSequence> store_some(Harness& harness, std::size_t count, std::size_t bytes) {
  const std::string payload(bytes, 'm');
  const std::vector<RecordInput> records(count, {RecordKind::message, "user", payload});
  const StoreEvent event = harness.commit(records);
  std::vector<LogSequence> sequences;
  if (event.status != StoreStatus::ok) return sequences;
  for (std::size_t index = 0; index < count; ++index) sequences.push_back(event.sequence + index);
  return sequences;
}

// Stores and settles `rounds` times; one record in `keep_one_in` is never settled.
std::uint64_t churn(Harness& harness, int rounds, std::size_t keep_one_in) {
  for (int round = 0; round < rounds; ++round) {
    std::vector<LogSequence> sequences = store_some(harness, 1000, 200);
    EXPECT_EQ(sequences.size(), 1000u);
    if (sequences.empty()) break;
    if (keep_one_in > 0) {
      std::erase_if(sequences, [&](LogSequence at) { return at % keep_one_in == 0; });
    }
    for (std::size_t at = 0; at < sequences.size(); at += 50) {
      const auto end = std::min(at + 50, sequences.size());
      EXPECT_EQ(harness
                    .settle({sequences.begin() + static_cast<std::ptrdiff_t>(at),
                             sequences.begin() + static_cast<std::ptrdiff_t>(end)})
                    .status,
                StoreStatus::ok);
    }
  }
  return harness.set->stats().at(0).file_bytes;
}

TEST(StoreSpace, SteadyStoringAndSettlingDoesNotGrow) {
  const TemporaryFolder folder(true);
  StoreOptions options = options_for(folder);
  options.max_group_delay_us = 0;
  {
    Harness harness(options);
    ASSERT_TRUE(harness.opened) << harness.error;
    const std::uint64_t early = churn(harness, 60, 0);
    const std::uint64_t late = churn(harness, 120, 0);
    EXPECT_LE(late, early + early / 4) << "180,000 records through the store";
    EXPECT_LE(late, 12u << 20);
    EXPECT_GT(harness.set->stats().at(0).cleaned, 100000u);
  }
  Harness again(options);
  EXPECT_TRUE(again.recovered.empty());
  EXPECT_EQ(again.report.salvaged, 0u);
  EXPECT_TRUE(again.report.details.empty());
}

TEST(StoreSpace, StragglersDoNotHoldTheRest) {
  const TemporaryFolder folder(true);
  StoreOptions options = options_for(folder);
  options.max_group_delay_us = 0;
  std::uint64_t kept = 0;
  {
    Harness harness(options);
    ASSERT_TRUE(harness.opened) << harness.error;
    const std::uint64_t bytes = churn(harness, 120, 100);
    kept = harness.set->stats().at(0).present - harness.set->stats().at(0).dead;
    EXPECT_LE(bytes, 24u << 20) << "1,200 of 120,000 records are alive";
  }
  Harness again(options);
  EXPECT_GE(again.recovered.size(), 1100u);
  EXPECT_LE(again.recovered.size(), 1300u);
  EXPECT_LE(again.recovered.size(), kept);
  EXPECT_EQ(again.report.salvaged, 0u);
}

TEST(StoreSpace, FullStoreRefusesServesAndEmptiesItself) {
  const TemporaryFolder folder(true);
  StoreOptions options = options_for(folder);
  options.max_store_bytes = 6u << 20;
  std::vector<std::string> lines;
  Harness harness(options);
  ASSERT_TRUE(harness.opened) << harness.error;
  std::vector<LogSequence> all;
  std::size_t rounds = 0;
  for (; rounds < 1000; ++rounds) {
    const std::vector<LogSequence> some = store_some(harness, 500, 200);
    if (some.empty()) break;
    all.insert(all.end(), some.begin(), some.end());
  }
  ASSERT_LT(rounds, 1000u) << "never full";
  ASSERT_GT(all.size(), 10000u);
  EXPECT_EQ(harness.read(all.front()).status, StoreStatus::ok);
  EXPECT_GE(harness.set->stats().at(0).failed_groups, 1u);
  for (std::size_t at = 0; at < all.size(); at += 100) {
    const auto end = std::min(at + 100, all.size());
    ASSERT_EQ(harness
                  .settle({all.begin() + static_cast<std::ptrdiff_t>(at),
                           all.begin() + static_cast<std::ptrdiff_t>(end)})
                  .status,
              StoreStatus::ok);
  }
  std::size_t stored = 0;
  for (int round = 0; round < 10; ++round) stored += store_some(harness, 500, 200).size();
  EXPECT_EQ(stored, 5000u) << "the settled records have made room";
}

TEST(StoreSpace, RefusedWritesFailTheBatchAndTheStoreGoesOn) {
  const TemporaryFolder folder;
  Harness harness(options_for(folder));
  ASSERT_TRUE(harness.opened) << harness.error;
  const std::vector<LogSequence> before = store_some(harness, 100, 200);
  ASSERT_EQ(before.size(), 100u);
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  signal(SIGXFSZ, SIG_IGN);
  rlimit tight = old;
  tight.rlim_cur = 1u << 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  EXPECT_TRUE(store_some(harness, 20000, 200).empty()) << "the disk cannot have taken that";
  EXPECT_EQ(harness.read(before.front()).status, StoreStatus::ok);
  EXPECT_EQ(harness.commit_one("user", "small").status, StoreStatus::ok);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  signal(SIGXFSZ, SIG_DFL);
  const std::vector<LogSequence> after = store_some(harness, 20000, 200);
  ASSERT_EQ(after.size(), 20000u);
  EXPECT_EQ(harness.read(after.back()).status, StoreStatus::ok);
}

// Each thread is a shard: it stores, reads back, settles the half, on two stores.
TEST(StoreThreads, ManyShardsAtOnce) {
  const TemporaryFolder folder;
  StoreOptions options = options_for(folder);
  options.stores = 2;
  constexpr int kShards = 4;
  constexpr int kRounds = 40;
  {
    std::string error;
    const auto set = StoreSet::open(options, error);
    ASSERT_TRUE(set) << error;
    RecoveryReport report;
    ASSERT_TRUE(set->recover([](const RecoveredRecord&) {}, report, error)) << error;
    std::vector<std::unique_ptr<StorePort>> ports;
    std::vector<std::atomic<int>> wakes(kShards);
    for (int shard = 0; shard < kShards; ++shard) {
      ports.push_back(set->make_port(static_cast<ShardId>(shard),
                                     [&wakes, shard] { wakes[shard].fetch_add(1); }));
    }
    set->start();
    std::vector<std::thread> shards;
    std::atomic<int> failures{0};
    for (int shard = 0; shard < kShards; ++shard) {
      shards.emplace_back([&, shard] {
        StorePort& port = *ports[shard];
        const auto wait = [&] {
          StoreEvent event;
          while (!port.poll(event)) std::this_thread::sleep_for(std::chrono::microseconds(50));
          if (event.status != StoreStatus::ok) failures.fetch_add(1);
          return event;
        };
        for (int round = 0; round < kRounds; ++round) {
          const std::string payload = "round " + std::to_string(round);
          const std::vector<RecordInput> records(10, {RecordKind::message, "user", payload});
          while (!port.submit(1, records)) std::this_thread::yield();
          const LogSequence first = wait().sequence;
          while (!port.read(2, first + 3)) std::this_thread::yield();
          if (wait().payload != payload) failures.fetch_add(1);
          std::string subjects(5 * 8, '\0');
          for (std::size_t index = 0; index < 5; ++index) {
            store64(subjects.data() + index * 8, first + index);
          }
          const std::vector<RecordInput> settlement{{RecordKind::settlement, {}, subjects}};
          while (!port.submit(3, settlement)) std::this_thread::yield();
          wait();
          if (set->stats().size() != 2) failures.fetch_add(1);
        }
      });
    }
    for (std::thread& shard : shards) shard.join();
    set->stop();
    EXPECT_EQ(failures.load(), 0);
    for (const auto& count : wakes) EXPECT_GT(count.load(), 0);
  }
  Harness again(options);
  EXPECT_EQ(again.recovered.size(), static_cast<std::size_t>(kShards * kRounds * 5));
}

}  // namespace
}  // namespace rookery
