// The journal of message steps: what it finds, and that it forgets the oldest without ever reading
// what is not there.
#include "router/message_journal.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "router/user.h"

namespace rookery {
namespace {

using Kind = boundary::MessageStepKind;

MessageStep entry(const User& user, std::uint64_t sequence, std::string_view id, MonoUs at = 0) {
  return {.kind = Kind::accepted,
          .at = at,
          .user = &user,
          .sequence = sequence,
          .id = id,
          .who = "romeo@example.org/orchard"};
}

std::vector<Kind> kinds_of(const MessageJournal& journal, std::string_view id) {
  std::vector<Kind> kinds;
  journal.find(id, [&](const MessageStep& step) { kinds.push_back(step.kind); });
  return kinds;
}

TEST(MessageJournal, FindsTheStepsOfOneMessageInTheirOrder) {
  MessageJournal journal(4096);
  User juliet;
  User nurse;
  journal.add(entry(juliet, 1, "m1", 10));
  journal.add(entry(nurse, 1, "m2", 11));
  journal.add({.kind = Kind::stored, .at = 12, .user = &nurse, .sequence = 1});
  journal.add({.kind = Kind::sent,
               .way = boundary::Way::compact,
               .at = 13,
               .user = &juliet,
               .sequence = 1,
               .who = "balcony"});
  journal.add(
      {.kind = Kind::acknowledged, .at = 14, .user = &juliet, .sequence = 1, .who = "balcony"});
  EXPECT_EQ(kinds_of(journal, "m1"),
            (std::vector<Kind>{Kind::accepted, Kind::sent, Kind::acknowledged}));
  EXPECT_EQ(kinds_of(journal, "m2"), (std::vector<Kind>{Kind::accepted, Kind::stored}));
  EXPECT_TRUE(kinds_of(journal, "m3").empty());
  journal.find("m1", [&](const MessageStep& step) {
    if (step.kind != Kind::sent) return;
    EXPECT_EQ(step.at, 13u);
    EXPECT_EQ(step.user, &juliet);
    EXPECT_EQ(step.who, "balcony");
    EXPECT_EQ(step.way, boundary::Way::compact);
  });
}

TEST(MessageJournal, AnIdThatTwoMessagesHaveFindsBoth) {
  MessageJournal journal(4096);
  User juliet;
  journal.add(entry(juliet, 1, "same"));
  journal.add(entry(juliet, 2, "same"));
  journal.add({.kind = Kind::stored, .user = &juliet, .sequence = 2});
  EXPECT_EQ(kinds_of(journal, "same").size(), 3u);
}

TEST(MessageJournal, APlaceThatIsTakenAgainIsAnotherMessage) {
  MessageJournal journal(4096);
  User juliet;
  journal.add(entry(juliet, 1, "old"));
  journal.add(entry(juliet, 1, "new"));
  journal.add({.kind = Kind::stored, .user = &juliet, .sequence = 1});
  EXPECT_EQ(kinds_of(journal, "old"), (std::vector<Kind>{Kind::accepted}));
  EXPECT_EQ(kinds_of(journal, "new"), (std::vector<Kind>{Kind::accepted, Kind::stored}));
}

TEST(MessageJournal, RefusedMessagesHaveNoPlaceAndAreFound) {
  MessageJournal journal(4096);
  User juliet;
  MessageStep refused = entry(juliet, 0, "m1");
  refused.kind = Kind::refused;
  journal.add(refused);
  MessageStep other = entry(juliet, 0, "m2");
  other.kind = Kind::refused;
  journal.add(other);
  EXPECT_EQ(kinds_of(journal, "m1"), (std::vector<Kind>{Kind::refused}));
}

TEST(MessageJournal, ForgetsTheOldestAndKeepsTheNewestWhateverTheirSizes) {
  User juliet;
  for (const std::size_t bytes : {256u, 1000u, 1001u, 4096u, 65'536u}) {
    MessageJournal journal(bytes);
    for (std::uint64_t sequence = 1; sequence <= 2000; ++sequence) {
      const std::string id = std::to_string(sequence) + std::string(sequence * 7919 % 61, 'x');
      journal.add(entry(juliet, sequence, id));
      ASSERT_EQ(kinds_of(journal, id).size(), 1u) << bytes << " bytes, message " << sequence;
    }
    EXPECT_TRUE(kinds_of(journal, "1").empty());
  }
}

TEST(MessageJournal, LongTextsAreCutAndStillFound) {
  MessageJournal journal(4096);
  User juliet;
  const std::string id(3000, 'i');
  journal.add(entry(juliet, 1, id));
  EXPECT_EQ(kinds_of(journal, id).size(), 1u);
}

TEST(MessageJournal, KeepsNothingWhenItMayHoldNothing) {
  User juliet;
  for (const std::size_t bytes : {0u, 7u, 40u}) {
    MessageJournal journal(bytes);
    journal.add(entry(juliet, 1, "m1"));
    EXPECT_TRUE(kinds_of(journal, "m1").empty());
  }
}

}  // namespace
}  // namespace rookery
