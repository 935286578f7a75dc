// What the load generator counts as lost, doubled and late.
#include "load/sequence.h"

#include <gtest/gtest.h>

namespace rookery::load {
namespace {

TEST(Sequence, CountsNothingWhereNothingIsWrong) {
  Sequence sequence;
  for (std::uint64_t number = 0; number < 100; ++number) {
    EXPECT_EQ(sequence.take(number), Arrival::in_order);
  }
  EXPECT_EQ(sequence.missing(100), 0u);
  EXPECT_EQ(sequence.missing(103), 3u);
}

TEST(Sequence, TellsLateFromDouble) {
  Sequence sequence;
  EXPECT_EQ(sequence.take(0), Arrival::in_order);
  EXPECT_EQ(sequence.take(3), Arrival::in_order);
  EXPECT_EQ(sequence.missing(4), 2u);
  EXPECT_EQ(sequence.take(1), Arrival::late);
  EXPECT_EQ(sequence.take(1), Arrival::duplicate);
  EXPECT_EQ(sequence.take(3), Arrival::duplicate);
  EXPECT_EQ(sequence.missing(4), 1u);
}

TEST(Sequence, CountsAGapThatIsWiderThanItRemembers) {
  Sequence sequence;
  const std::uint64_t far = 3 * Sequence::kMostMissing;
  EXPECT_EQ(sequence.take(far), Arrival::in_order);
  EXPECT_EQ(sequence.missing(far + 1), far);
  EXPECT_EQ(sequence.take(5), Arrival::late);
  EXPECT_EQ(sequence.missing(far + 1), far - 1);
}

}  // namespace
}  // namespace rookery::load
