// Which retransmissions a mailbox recognises, with few and with many messages.
#include "router/recent_messages.h"

#include <gtest/gtest.h>

#include <deque>

namespace rookery {
namespace {

constexpr std::uint64_t odd(std::uint64_t value) { return value | 1u; }

TEST(RecentMessages, KnowsWhatItWasGivenUntilItIsTooMuchOrTooOld) {
  RecentMessages recent;
  EXPECT_EQ(recent.find(odd(2)), nullptr);
  for (std::uint64_t number = 0; number < 1000; ++number) {
    recent.add({odd(number * 2), number, 100}, 0);
    ASSERT_NE(recent.find(odd(number * 2)), nullptr);
    const std::uint64_t oldest =
        number < RecentMessages::most ? 0 : number - RecentMessages::most + 1;
    ASSERT_EQ(recent.find(odd(oldest * 2))->mailbox_sequence, oldest);
    if (oldest > 0) {
      ASSERT_EQ(recent.find(odd((oldest - 1) * 2)), nullptr);
    }
  }
  recent.add({odd(5000), 5000, 900}, 101);
  EXPECT_EQ(recent.find(odd(999 * 2)), nullptr);
  EXPECT_EQ(recent.find(odd(5000))->mailbox_sequence, 5000u);
}

TEST(RecentMessages, TellsTheNewestOfTheSame) {
  RecentMessages recent;
  for (std::uint64_t sequence = 1; sequence <= 600; ++sequence)
    recent.add({odd(8), sequence, 1}, 0);
  EXPECT_EQ(recent.find(odd(8))->mailbox_sequence, 600u);
  // The same bits count, another fingerprint.
  EXPECT_EQ(recent.find(odd(8 + 2048)), nullptr);
}

TEST(RecentMessages, AgreesWithAPlainList) {
  RecentMessages recent;
  std::deque<RecentMessage> plain;
  std::uint64_t state = 1;
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t fingerprint = odd(state >> 52);  // few, so that they come again
    const RecentMessage* found = recent.find(fingerprint);
    std::uint64_t expected = 0;
    for (const RecentMessage& message : plain) {
      if (message.fingerprint == fingerprint) expected = message.mailbox_sequence;
    }
    ASSERT_EQ(found == nullptr ? 0 : found->mailbox_sequence, expected);
    const std::uint32_t now = step / 3;
    const std::uint32_t keep_from = now > 70 ? now - 70 : 0;
    while (!plain.empty() &&
           (plain.size() >= RecentMessages::most || plain.front().accepted_s < keep_from)) {
      plain.pop_front();
    }
    plain.push_back({fingerprint, step + 1, now});
    recent.add({fingerprint, step + 1, now}, keep_from);
  }
}

}  // namespace
}  // namespace rookery
