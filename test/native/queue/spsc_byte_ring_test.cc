// The byte ring against a model, its promises at the limit, and two threads at full speed.
#include "queue/spsc_byte_ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <thread>

namespace rookery::test {
namespace {

bool push(SpscByteRing& ring, std::string_view text) {
  std::byte* place = ring.reserve(text.size());
  if (place == nullptr) return false;
  std::memcpy(place, text.data(), text.size());
  ring.commit(text.size());
  return true;
}

std::string front_text(SpscByteRing& ring) {
  const auto record = ring.front();
  return {reinterpret_cast<const char*>(record.data()), record.size()};
}

TEST(SpscByteRing, KeepsRecordsWholeAndInOrder) {
  SpscByteRing ring("test", 256);
  EXPECT_TRUE(ring.empty());
  EXPECT_TRUE(ring.front().empty());
  ASSERT_TRUE(push(ring, "first"));
  ASSERT_TRUE(push(ring, "second one"));
  EXPECT_FALSE(ring.empty());
  EXPECT_EQ(front_text(ring), "first");
  EXPECT_EQ(front_text(ring), "first") << "front() does not consume";
  ring.pop();
  EXPECT_EQ(front_text(ring), "second one");
  ring.pop();
  EXPECT_TRUE(ring.front().empty());
  EXPECT_TRUE(ring.empty());
}

TEST(SpscByteRing, RoundsItsCapacityUp) {
  EXPECT_EQ(SpscByteRing("test", 1000).stats().capacity, 1024u);
  EXPECT_EQ(SpscByteRing("test", 1).stats().capacity, 256u);
  EXPECT_STREQ(SpscByteRing("test", 1000).stats().unit, "bytes");
  EXPECT_EQ(SpscByteRing("a name", 1000).stats().name, "a name");
}

TEST(SpscByteRing, RefusesAndCountsWhenFullAndRecovers) {
  SpscByteRing ring("test", 256);
  const std::string record(24, 'x');
  int pushed = 0;
  while (push(ring, record)) ++pushed;
  EXPECT_EQ(pushed, 8) << "32 bytes each, header included, fill 256";
  EXPECT_EQ(ring.stats().refused.load(), 1u);
  EXPECT_EQ(ring.stats().depth(), 256u);
  EXPECT_FALSE(ring.has_room(1));
  EXPECT_EQ(front_text(ring), record);
  EXPECT_EQ(ring.stats().high_water.load(), 256u);
  ring.pop();
  EXPECT_TRUE(push(ring, record));
  EXPECT_FALSE(push(ring, record));
}

TEST(SpscByteRing, CommitsLessThanReserved) {
  SpscByteRing ring("test", 256);
  std::byte* place = ring.reserve(50);
  ASSERT_NE(place, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(place) % 8, 0u);
  std::memcpy(place, "abc", 3);
  ring.commit(3);
  EXPECT_EQ(front_text(ring), "abc");
  EXPECT_EQ(ring.stats().depth(), SpscByteRing::record_cost(3));
}

TEST(SpscByteRing, AReservationThatIsNotCommittedLeavesNoTrace) {
  SpscByteRing ring("test", 256);
  for (int turn = 0; turn < 100; ++turn) {
    // At every offset, also where the reservation has to skip the ring's end.
    ASSERT_NE(ring.reserve(ring.max_record()), nullptr);
    ASSERT_TRUE(push(ring, "12345678"));
    ASSERT_EQ(front_text(ring), "12345678");
    ring.pop();
    ASSERT_TRUE(ring.front().empty());
  }
}

TEST(SpscByteRing, TheLargestRecordAlwaysFitsAnEmptyRing) {
  SpscByteRing ring("test", 1024);
  const std::string largest(ring.max_record(), 'L');
  for (int turn = 0; turn < 300; ++turn) {
    ASSERT_TRUE(ring.has_room(largest.size()));
    ASSERT_TRUE(push(ring, largest)) << turn;
    ASSERT_EQ(front_text(ring), largest);
    ring.pop();
    ASSERT_TRUE(push(ring, std::string(static_cast<std::size_t>(1 + turn % 40), 's')));
    ring.pop();
  }
}

TEST(SpscByteRing, BehavesLikeAQueueOfStrings) {
  std::mt19937 random(20240601);
  for (const std::size_t capacity : {256u, 1024u, 4096u}) {
    SpscByteRing ring("test", capacity);
    std::deque<std::string> model;
    std::uint64_t refused = 0;
    for (int step = 0; step < 20'000; ++step) {
      if (random() % 2 == 0) {
        const std::string record(1 + random() % ring.max_record(),
                                 static_cast<char>('a' + random() % 26));
        const bool sure = ring.has_room(record.size());
        const bool done = push(ring, record);
        ASSERT_TRUE(done || !sure) << "has_room() promised";
        if (done) model.push_back(record);
        refused += done ? 0 : 1;
      } else if (model.empty()) {
        ASSERT_TRUE(ring.front().empty());
      } else {
        ASSERT_EQ(front_text(ring), model.front());
        ring.pop();
        model.pop_front();
      }
      ASSERT_LE(ring.stats().depth(), capacity);
    }
    EXPECT_GT(refused, 0u) << "the test reaches the limit";
    EXPECT_EQ(ring.stats().refused.load(), refused);
  }
}

TEST(SpscByteRing, RoomForASumIsRoomForItsParts) {
  std::mt19937 random(7);
  SpscByteRing ring("test", 1024);
  int promised = 0;
  for (int step = 0; step < 20'000; ++step) {
    std::vector<std::size_t> sizes(1 + random() % 6);
    std::size_t sum = 0;
    for (std::size_t& size : sizes) {
      size = 1 + random() % 120;
      sum += SpscByteRing::record_cost(size);
    }
    if (ring.has_room(sum)) {
      ++promised;
      for (const std::size_t size : sizes) ASSERT_TRUE(push(ring, std::string(size, 'p')));
    }
    for (unsigned count = random() % 8; count > 0 && !ring.front().empty(); --count) ring.pop();
  }
  EXPECT_GT(promised, 1000);
}

TEST(SpscByteRing, TwoThreadsLoseAndReorderNothing) {
  constexpr std::uint64_t kRecords = 200'000;
  SpscByteRing ring("test", 8192);
  std::thread producer([&ring] {
    std::mt19937 random(1);
    for (std::uint64_t number = 0; number < kRecords;) {
      const std::size_t bytes = 8 + random() % 200;
      std::byte* place = ring.reserve(bytes);
      if (place == nullptr) {
        std::this_thread::yield();
        continue;
      }
      std::memset(place, static_cast<int>(number & 0xFF), bytes);
      std::memcpy(place, &number, sizeof number);
      ring.commit(bytes);
      ++number;
    }
  });
  std::uint64_t expected = 0;
  bool intact = true;
  while (expected < kRecords) {
    const auto record = ring.front();
    if (record.empty()) {
      std::this_thread::yield();
      continue;
    }
    std::uint64_t number;
    std::memcpy(&number, record.data(), sizeof number);
    intact = intact && number == expected;
    for (std::size_t at = 8; at < record.size(); ++at) {
      intact = intact && record[at] == static_cast<std::byte>(number & 0xFF);
    }
    ring.pop();
    ++expected;
  }
  producer.join();
  EXPECT_TRUE(intact);
  EXPECT_TRUE(ring.front().empty());
  EXPECT_EQ(ring.stats().depth(), 0u);
}

}  // namespace
}  // namespace rookery::test
