// The set of stores as a shard sees it: commit, read, settle, recover, refuse.
#include "store/store_set.h"

#include <gtest/gtest.h>

#include "native/store/store_test_support.h"
#include "store/store_files.h"

namespace rookery {
namespace {

using store_test::Harness;
using store_test::options_for;
using store_test::Recovered;
using store_test::TemporaryFolder;

TEST(StoreSet, CommitsReadsAndRecovers) {
  const TemporaryFolder folder;
  LogSequence first = 0;
  const std::string large(100000, 'x');
  {
    Harness harness(options_for(folder));
    ASSERT_TRUE(harness.opened) << harness.error;
    EXPECT_TRUE(harness.recovered.empty());
    const StoreEvent event = harness.commit({{RecordKind::message, "alice", "hello"},
                                             {RecordKind::session, "bob", ""},
                                             {RecordKind::message, "carol", large}});
    ASSERT_EQ(event.status, StoreStatus::ok);
    first = event.sequence;
    ASSERT_NE(first, 0u);
    EXPECT_GT(harness.wakes.load(), 0);
    EXPECT_EQ(harness.read(first).payload, "hello");
    EXPECT_EQ(harness.read(first + 2).payload, large);
    EXPECT_EQ(harness.read(first + 3).status, StoreStatus::missing);
    EXPECT_EQ(harness.set->stats().at(0).records, 3u);
  }
  Harness again(options_for(folder));
  ASSERT_TRUE(again.opened) << again.error;
  EXPECT_TRUE(again.ascending);
  ASSERT_EQ(again.recovered.size(), 3u);
  EXPECT_EQ(again.recovered[first], (Recovered{RecordKind::message, "alice", "hello"}));
  EXPECT_EQ(again.recovered[first + 1], (Recovered{RecordKind::session, "bob", ""}));
  EXPECT_EQ(again.recovered[first + 2], (Recovered{RecordKind::message, "carol", large}));
  EXPECT_EQ(again.report.records, 3u);
  EXPECT_EQ(again.report.bad_records, 0u);
  EXPECT_TRUE(again.report.details.empty()) << again.report.details.front();
  EXPECT_GT(again.commit_one("dora", "later").sequence, first + 2);
}

TEST(StoreSet, SettledRecordsDoNotComeBack) {
  const TemporaryFolder folder;
  LogSequence first = 0;
  {
    Harness harness(options_for(folder));
    ASSERT_TRUE(harness.opened) << harness.error;
    first = harness
                .commit({{RecordKind::message, "alice", "1"},
                         {RecordKind::message, "alice", "2"},
                         {RecordKind::message, "alice", "3"}})
                .sequence;
    EXPECT_EQ(harness.settle({first, first + 2}).status, StoreStatus::ok);
    EXPECT_EQ(harness.read(first).status, StoreStatus::missing);
    EXPECT_EQ(harness.read(first + 1).status, StoreStatus::ok);
  }
  Harness again(options_for(folder));
  ASSERT_EQ(again.recovered.size(), 1u);
  EXPECT_EQ(again.recovered.begin()->first, first + 1);
  EXPECT_EQ(again.report.settled, 2u);
}

TEST(StoreSet, SecondProcessIsRefusedWithThePid) {
  const TemporaryFolder folder;
  Harness harness(options_for(folder));
  ASSERT_TRUE(harness.opened);
  std::string error;
  EXPECT_EQ(StoreSet::open(options_for(folder), error), nullptr);
  EXPECT_NE(error.find("pid " + std::to_string(getpid())), std::string::npos) << error;
}

TEST(StoreSet, NewerFormatIsRefusedAndDamagedMarkerIsNot) {
  const TemporaryFolder folder;
  {
    Harness harness(options_for(folder));
    ASSERT_TRUE(harness.opened);
    ASSERT_EQ(harness.commit_one("alice", "kept").status, StoreStatus::ok);
  }
  const std::string base = options_for(folder).folder;
  for (const std::string& path : {base + "/format", base + "/store-0/format"}) {
    FILE* file = std::fopen(path.c_str(), "w");
    ASSERT_NE(file, nullptr);
    std::fputs("rookery-store 7 0000000000000000 12345678\n", file);
    std::fclose(file);
  }
  Harness again(options_for(folder));
  ASSERT_TRUE(again.opened) << again.error;
  EXPECT_EQ(again.recovered.size(), 1u) << "the salt is found in the records themselves";
  EXPECT_FALSE(again.report.details.empty());
}

TEST(StoreSet, OtherNumberOfStoresKeepsEveryRecord) {
  const TemporaryFolder folder;
  StoreOptions options = options_for(folder);
  options.stores = 3;
  std::vector<LogSequence> sequences;
  {
    std::string error;
    const auto set = StoreSet::open(options, error);
    ASSERT_TRUE(set) << error;
    RecoveryReport report;
    ASSERT_TRUE(set->recover([](const RecoveredRecord&) {}, report, error)) << error;
    EXPECT_EQ(report.stores, 3u);
    std::vector<std::unique_ptr<StorePort>> ports;
    for (ShardId shard = 0; shard < 3; ++shard) ports.push_back(set->make_port(shard, [] {}));
    set->start();
    for (const auto& port : ports) {
      const std::vector<RecordInput> records{{RecordKind::message, "user", "text"}};
      ASSERT_TRUE(port->submit(1, records));
      StoreEvent event;
      while (!port->poll(event)) std::this_thread::yield();
      sequences.push_back(event.sequence);
      EXPECT_EQ(store_of(event.sequence), port->own_store());
    }
    set->stop();
  }
  options.stores = 1;
  {
    Harness harness(options);
    ASSERT_EQ(harness.recovered.size(), 3u);
    EXPECT_EQ(harness.read(sequences[2]).payload, "text");
    EXPECT_EQ(harness.settle({sequences[2]}).status, StoreStatus::ok);
    EXPECT_EQ(harness.settle({std::uint64_t{77} << 56 | 5}).status, StoreStatus::failed);
  }
  Harness last(options);
  EXPECT_EQ(last.recovered.size(), 2u);
}

TEST(StoreSet, FullQueueRefusesAndStopFlushesWhatWasTaken) {
  const TemporaryFolder folder;
  StoreOptions options = options_for(folder);
  options.queue_batches = 4;
  std::size_t taken = 0;
  {
    std::string error;
    const auto set = StoreSet::open(options, error);
    ASSERT_TRUE(set) << error;
    RecoveryReport report;
    ASSERT_TRUE(set->recover([](const RecoveredRecord&) {}, report, error)) << error;
    const auto port = set->make_port(0, [] {});
    const std::vector<RecordInput> records{{RecordKind::message, "user", "text"}};
    while (port->submit(taken, records)) ++taken;  // Nobody takes them before start().
    EXPECT_EQ(taken, 4u);
    EXPECT_EQ(set->queues().at(0)->refused.load(), 1u);
    EXPECT_EQ(set->queues().at(0)->depth(), 4u);
    set->start();
    set->stop();
    StoreEvent event;
    std::size_t answered = 0;
    while (port->poll(event)) ++answered;
    EXPECT_EQ(answered, taken);
  }
  Harness again(options_for(folder));
  EXPECT_EQ(again.recovered.size(), taken);
}

}  // namespace
}  // namespace rookery
