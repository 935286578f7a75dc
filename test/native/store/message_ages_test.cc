// The age of the oldest message, however messages come and go.
#include "store/message_ages.h"

#include <gtest/gtest.h>

namespace rookery {
namespace {

constexpr std::uint32_t noon = 1'700'000'000 / 60 * 60;

TEST(MessageAges, KnowsTheOldestToTheMinute) {
  MessageAges ages;
  EXPECT_EQ(ages.oldest_s(), 0u);
  ages.add(noon + 90);
  EXPECT_EQ(ages.oldest_s(), noon + 60);
  ages.add(noon + 300);
  ages.add(noon + 5);  // recovery does not go by time
  EXPECT_EQ(ages.oldest_s(), noon);
  ages.remove(noon + 5);
  EXPECT_EQ(ages.oldest_s(), noon + 60);
  ages.remove(noon + 300);
  EXPECT_EQ(ages.oldest_s(), noon + 60);
  ages.remove(noon + 90);
  EXPECT_EQ(ages.oldest_s(), 0u);
}

TEST(MessageAges, AQuietMinuteIsForgottenWhenTheNextComes) {
  MessageAges ages;
  ages.add(noon);
  ages.remove(noon);
  EXPECT_EQ(ages.oldest_s(), 0u);
  ages.add(noon + 60);
  EXPECT_EQ(ages.oldest_s(), noon + 60);
  ages.add(noon);
  ages.add(noon);
  ages.remove(noon);
  EXPECT_EQ(ages.oldest_s(), noon);
  ages.remove(noon);
  EXPECT_EQ(ages.oldest_s(), noon + 60);
}

}  // namespace
}  // namespace rookery
