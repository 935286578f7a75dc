// What is counted about threads: their CPU time, read by others, and who waits for a lock.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "stats/named_mutex.h"
#include "stats/thread_clock.h"

namespace rookery {
namespace {

TEST(ThreadClock, TellsAnotherThreadsTimeAndNothingOnceItHasEnded) {
  ThreadClock clock;
  EXPECT_EQ(clock.cpu_us(), 0u);
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    clock.begin();
    while (!stop.load()) {
    }
  });
  const auto eventually = [](auto holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return holds();
  };
  EXPECT_TRUE(eventually([&] { return clock.cpu_us() >= 20'000; }));
  stop.store(true);
  busy.join();
  // A thread that can be joined is not yet gone from the kernel.
  EXPECT_TRUE(eventually([&] { return clock.cpu_us() == 0; }));
}

TEST(NamedMutex, CountsThoseWhoWait) {
  NamedMutex mutex("a name");
  EXPECT_STREQ(mutex.name(), "a name");
  { const std::lock_guard lock(mutex); }
  EXPECT_EQ(mutex.taken(), 1u);
  EXPECT_EQ(mutex.waited(), 0u);
  std::thread waiting;
  std::atomic<bool> there{false};
  {
    const std::lock_guard lock(mutex);
    waiting = std::thread([&] {
      there.store(true);
      const std::lock_guard inner(mutex);
    });
    while (!there.load()) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  waiting.join();
  EXPECT_EQ(mutex.taken(), 3u);
  EXPECT_EQ(mutex.waited(), 1u);
  EXPECT_GT(mutex.wait_us(), 1000u);
}

}  // namespace
}  // namespace rookery
