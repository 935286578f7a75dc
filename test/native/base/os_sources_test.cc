// The clock and the random source of production.
#include <gtest/gtest.h>

#include <ctime>
#include <set>
#include <vector>

#include "base/os_clock.h"
#include "base/os_random.h"

namespace rookery::test {
namespace {

TEST(OsClock, NeverGoesBackAndKeepsPace) {
  const OsClock clock;
  const MonoUs start = clock.now_us();
  MonoUs last = start;
  for (int count = 0; count < 10'000; ++count) {
    const MonoUs now = clock.now_us();
    ASSERT_GE(now, last);
    last = now;
  }
  const timespec pause{0, 20'000'000};
  nanosleep(&pause, nullptr);
  EXPECT_GE(clock.now_us() - start, 20'000u);
  EXPECT_NEAR(static_cast<double>(clock.wall_ms()), static_cast<double>(time(nullptr)) * 1000,
              2000);
}

TEST(OsRandom, GivesNoByteStringTwice) {
  OsRandom random;
  OsRandom other;
  std::set<std::uint64_t> seen;
  for (int count = 0; count < 20'000; ++count) {
    ASSERT_TRUE(seen.insert(random.next64()).second);
    ASSERT_TRUE(seen.insert(other.next64()).second);
  }
}

TEST(OsRandom, FillsEveryByteOfEverySize) {
  OsRandom random;
  for (const std::size_t size : {0u, 1u, 31u, 4095u, 4096u, 4097u, 100'000u}) {
    // After enough fillings every byte has been something other than zero.
    std::vector<bool> touched(size, false);
    for (int turn = 0; turn < 12; ++turn) {
      std::vector<std::uint8_t> bytes(size, 0);
      random.fill(bytes);
      for (std::size_t at = 0; at < size; ++at) touched[at] = touched[at] || bytes[at] != 0;
    }
    for (std::size_t at = 0; at < size; ++at) ASSERT_TRUE(touched[at]) << at << " of " << size;
  }
}

TEST(OsRandom, SpreadsItsBits) {
  OsRandom random;
  std::size_t ones = 0;
  for (int count = 0; count < 10'000; ++count) {
    ones += static_cast<std::size_t>(__builtin_popcountll(random.next64()));
  }
  // 640,000 fair bits stray from half by 400 in one standard deviation; this is ten of them.
  EXPECT_NEAR(static_cast<double>(ones), 320'000, 4'000);
}

}  // namespace
}  // namespace rookery::test
