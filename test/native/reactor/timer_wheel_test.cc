// The timer wheel against a sorted map, and what a sleeping shard relies on.
#include "reactor/timer_wheel.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace rookery::test {
namespace {

constexpr MonoUs kNever = std::numeric_limits<MonoUs>::max();

std::vector<std::uint64_t> fired_at(TimerWheel& wheel, MonoUs now) {
  std::vector<std::uint64_t> cookies;
  wheel.advance(now, [&](std::uint64_t cookie) { cookies.push_back(cookie); });
  return cookies;
}

TEST(TimerWheel, FiresOnceAtItsTime) {
  TimerWheel wheel(0);
  EXPECT_EQ(wheel.next_due(), kNever);
  wheel.schedule(5'000, 77);
  EXPECT_EQ(wheel.size(), 1u);
  EXPECT_EQ(wheel.next_due(), 5'000u);
  EXPECT_TRUE(fired_at(wheel, 4'999).empty());
  EXPECT_EQ(fired_at(wheel, 5'000), std::vector<std::uint64_t>{77});
  EXPECT_TRUE(fired_at(wheel, 50'000).empty());
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(wheel.next_due(), kNever);
}

TEST(TimerWheel, NeverFiresBeforeAFractionOfATick) {
  TimerWheel wheel(0);
  wheel.schedule(5'001, 1);
  EXPECT_TRUE(fired_at(wheel, 5'999).empty());
  EXPECT_EQ(fired_at(wheel, 6'000).size(), 1u);
}

TEST(TimerWheel, WhatHasPassedFiresAtTheNextTick) {
  TimerWheel wheel(1'000'000);
  wheel.schedule(3'000, 1);
  EXPECT_EQ(fired_at(wheel, 1'001'000).size(), 1u);
}

TEST(TimerWheel, CancelForgetsAndStaleIdsAreIgnored) {
  TimerWheel wheel(0);
  const TimerId first = wheel.schedule(5'000, 1);
  EXPECT_NE(first, 0u);
  wheel.cancel(0);
  wheel.cancel(first);
  wheel.cancel(first);
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(wheel.next_due(), kNever);
  EXPECT_TRUE(fired_at(wheel, 9'000).empty());
  // A stale id does not hit the timers that came after it.
  for (int count = 0; count < 5'000; ++count) {
    wheel.schedule(20'000, 2);
    wheel.cancel(first);
  }
  EXPECT_EQ(wheel.size(), 5'000u);
  wheel.cancel(~TimerId{0});
  EXPECT_EQ(fired_at(wheel, 20'000).size(), 5'000u);
}

TEST(TimerWheel, FarTimersCauseNoWakeUpOnTheWay) {
  TimerWheel wheel(123'456'789);
  const MonoUs at = 123'456'789 + MonoUs{26} * 3600 * 1'000'000;
  wheel.schedule(at, 1);
  // A shard that sleeps as told: one sleep, one wake-up, and the timer fires.
  const MonoUs due = wheel.next_due();
  EXPECT_GE(due, at);
  EXPECT_LE(due, at + 1'000);
  EXPECT_EQ(fired_at(wheel, due).size(), 1u);
}

TEST(TimerWheel, ATimerThatRenewsItselfDoesNotHoldTheShard) {
  TimerWheel wheel(0);
  int fired = 0;
  const std::function<void(std::uint64_t)> renew = [&](std::uint64_t cookie) {
    ++fired;
    wheel.schedule(0, cookie);
  };
  wheel.schedule(1'000, 1);
  wheel.advance(10'000, renew);
  EXPECT_EQ(fired, 1);
  wheel.advance(11'000, renew);
  EXPECT_EQ(fired, 2);
}

TEST(TimerWheel, ACallbackMayCancelWhatIsDueAtTheSameMoment) {
  TimerWheel wheel(0);
  std::vector<TimerId> ids;
  for (std::uint64_t cookie = 0; cookie < 10; ++cookie) {
    ids.push_back(wheel.schedule(7'000, cookie));
  }
  std::set<std::uint64_t> fired;
  wheel.advance(7'000, [&](std::uint64_t cookie) {
    fired.insert(cookie);
    for (const TimerId id : ids) wheel.cancel(id);
  });
  EXPECT_EQ(fired, std::set<std::uint64_t>{0}) << "in the order in which they were scheduled";
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimerWheel, TimersBeyondItsReachMeanNever) {
  TimerWheel wheel(0);
  const TimerId id = wheel.schedule(kNever, 1);
  EXPECT_TRUE(fired_at(wheel, MonoUs{100} * 365 * 86'400 * 1'000'000).empty());
  wheel.cancel(id);
  EXPECT_EQ(wheel.size(), 0u);
}

/// Runs the wheel beside a sorted map of ticks.
class Model {
 public:
  explicit Model(unsigned seed) : random_(seed), now_(random_() % 1'000'000'000), wheel_(now_) {}

  void step() {
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
      case 3: schedule(); break;
      case 4:
      case 5: cancel(); break;
      default: advance(); break;
    }
    check();
  }

 private:
  struct Timer {
    MonoUs at;
    TimerId id;
  };

  MonoUs random_delay() {
    // Every magnitude from microseconds to weeks.
    return random_() & ((std::uint64_t{1} << (1 + random_() % 40)) - 1);
  }

  void schedule() {
    const MonoUs at = now_ + random_delay();
    const std::uint64_t cookie = ++last_cookie_;
    live_[cookie] = {at, wheel_.schedule(at, cookie)};
  }

  void cancel() {
    if (live_.empty()) return;
    const auto timer = live_.lower_bound(random_() % (last_cookie_ + 1));
    if (timer == live_.end()) return;
    wheel_.cancel(timer->second.id);
    stale_.push_back(timer->second.id);
    live_.erase(timer);
  }

  void advance() {
    // Half of the steps sleep as the wheel says, the others end somewhere.
    const MonoUs due = wheel_.next_due();
    now_ = random_() % 2 == 0 && due != kNever ? std::max(now_, due) : now_ + random_delay() / 16;
    wheel_.advance(now_, [&](std::uint64_t cookie) {
      const auto timer = live_.find(cookie);
      ASSERT_NE(timer, live_.end()) << "fired twice, or after it was cancelled";
      ASSERT_LE(timer->second.at, now_) << "fired early";
      live_.erase(timer);
      if (random_() % 4 == 0) schedule();
      if (random_() % 4 == 0) cancel();
    });
    for (const auto& [cookie, timer] : live_) {
      ASSERT_GT(timer.at + 2'000, now_) << "more than a tick late";
    }
  }

  void check() {
    ASSERT_EQ(wheel_.size(), live_.size());
    if (!stale_.empty())
      wheel_.cancel(stale_[random_() % std::min<std::size_t>(stale_.size(), 50)]);
    ASSERT_EQ(wheel_.size(), live_.size());
    MonoUs first = kNever;
    for (const auto& [cookie, timer] : live_) first = std::min(first, timer.at);
    if (first == kNever) {
      ASSERT_EQ(wheel_.next_due(), kNever);
    } else {
      ASSERT_LE(wheel_.next_due(), std::max(first, now_) + 2'000);
    }
  }

  std::mt19937_64 random_;
  MonoUs now_;
  TimerWheel wheel_;
  std::map<std::uint64_t, Timer> live_;
  std::vector<TimerId> stale_;
  std::uint64_t last_cookie_ = 0;
};

TEST(TimerWheel, BehavesLikeASortedMap) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Model model(seed);
    for (int step = 0; step < 1'000; ++step) {
      model.step();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace rookery::test
