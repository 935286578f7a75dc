// The record frame, its checksum, and the segment sets that count the living.
#include "store/record_frame.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "store/crc32c.h"
#include "store/liveness.h"
#include "store/record_payloads.h"
#include "store/segment_set.h"

namespace rookery {
namespace {

constexpr std::uint64_t kSalt = 0x1122334455667788ull;

TEST(Crc32c, KnownAnswerAndBothFormsAgree) {
  EXPECT_EQ(crc32c(0, "123456789", 9), 0xe3069283u);
  std::mt19937_64 random(1);
  for (std::size_t bytes = 0; bytes < 300; ++bytes) {
    std::string text(bytes, '\0');
    for (char& byte : text) byte = static_cast<char>(random());
    const auto start = static_cast<std::uint32_t>(random());
    EXPECT_EQ(crc32c(start, text.data(), bytes), crc32c_by_table(start, text.data(), bytes));
  }
}

TEST(RecordFrame, EveryFlippedBitIsNoticed) {
  const std::string payload = "a payload";
  std::string raw(frame_bytes(5, payload.size()), '\0');
  write_frame(raw.data(), kSalt, {42, 1, "alice", payload});
  FrameView frame;
  ASSERT_EQ(read_frame(raw.data(), raw.size(), kSalt, frame), FrameCheck::ok);
  EXPECT_EQ(frame.sequence, 42u);
  EXPECT_EQ(frame.user, "alice");
  EXPECT_EQ(frame.payload, payload);
  EXPECT_NE(read_frame(raw.data(), raw.size() - 1, kSalt, frame), FrameCheck::ok);
  EXPECT_NE(read_frame(raw.data(), raw.size(), kSalt + 1, frame), FrameCheck::ok);
  for (std::size_t bit = 0; bit < raw.size() * 8; ++bit) {
    std::string damaged = raw;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(read_frame(damaged.data(), damaged.size(), kSalt, frame), FrameCheck::ok) << bit;
  }
}

TEST(Ledger, SaysWhatIsGone) {
  Ledger ledger;
  ledger.below = 100;
  ledger.except = {7, 50};
  Ledger read;
  ASSERT_TRUE(Ledger::decode(ledger.encode(), read));
  EXPECT_TRUE(read.says_gone(6));
  EXPECT_FALSE(read.says_gone(7));
  EXPECT_FALSE(read.says_gone(50));
  EXPECT_TRUE(read.says_gone(99));
  EXPECT_FALSE(read.says_gone(100));
  EXPECT_FALSE(Ledger::decode("1234567", read));
}

TEST(SegmentSet, BehavesAsASetInBothForms) {
  std::mt19937_64 random(3);
  SegmentSet set;
  std::set<std::uint32_t> model;
  for (int step = 0; step < 40000; ++step) {
    const auto position = static_cast<std::uint32_t>(random() % kSegmentRecords);
    const bool fill = (step / 8000) % 2 == 0;  // Grows, then shrinks to almost nothing, and again.
    if (fill) {
      EXPECT_EQ(set.insert(position), model.insert(position).second);
    } else if (!model.empty()) {
      const auto at = model.lower_bound(position);
      const std::uint32_t victim = at == model.end() ? *model.begin() : *at;
      EXPECT_TRUE(set.erase(victim));
      EXPECT_FALSE(set.erase(victim));
      model.erase(victim);
    }
    EXPECT_EQ(set.size(), model.size());
    EXPECT_EQ(set.contains(position), model.contains(position));
    const auto next = model.lower_bound(position);
    EXPECT_EQ(set.next(position), next == model.end() ? kSegmentRecords : *next);
  }
}

TEST(Liveness, OffersHalfDeadSegmentsButNotTheOneBeingWritten) {
  Liveness liveness;
  for (LogSequence at = 1; at <= 2 * kSegmentRecords; ++at) liveness.add(at);
  for (LogSequence at = 1; at < kSegmentRecords / 2; ++at) EXPECT_TRUE(liveness.mark_dead(at));
  EXPECT_FALSE(liveness.mark_dead(1)) << "twice";
  EXPECT_FALSE(liveness.mark_dead(999999)) << "never stored";
  EXPECT_FALSE(liveness.dead_segment(false).has_value()) << "less than half";
  EXPECT_EQ(liveness.dead_segment(true), 0u);
  EXPECT_TRUE(liveness.mark_dead(kSegmentRecords / 2));
  EXPECT_EQ(liveness.dead_segment(false), 0u);
  EXPECT_EQ(liveness.next_dead(0), 1u);
  for (LogSequence at = 1; at <= kSegmentRecords / 2; ++at) liveness.remove(at);
  EXPECT_FALSE(liveness.dead_segment(false).has_value());
  EXPECT_TRUE(liveness.mark_dead(2 * kSegmentRecords));
  EXPECT_FALSE(liveness.dead_segment(true).has_value()) << "the newest segment is left alone";
}

}  // namespace
}  // namespace rookery
