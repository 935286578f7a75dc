// The thread that compares passwords: answers, the limit of its queue, and its end with work left.
#include "engine/password_thread.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "boundary/boundary.gen.h"

namespace rookery {
namespace {

std::unique_ptr<PasswordCheck> make_check(bool right, std::uint32_t iterations = 2) {
  auto check = std::make_unique<PasswordCheck>();
  check->known = true;
  check->password = right ? "right" : "wrong";
  check->keys = derive_scram_keys(true, "right", "salt", iterations);
  return check;
}

/// Collects the answers; refuses the first ones when asked to.
class Answers {
 public:
  explicit Answers(int refusals = 0) : refusals_(refusals) {}

  bool take(std::string_view record) {
    const std::lock_guard lock(mutex_);
    if (refusals_-- > 0) return false;
    boundary::AuthReply reply;
    EXPECT_TRUE(boundary::AuthReply::decode(record, reply));
    lines_.push_back(std::to_string(reply.connection) + " " + std::string(reply.user) + " " +
                     std::to_string(reply.accepted));
    changed_.notify_all();
    return true;
  }
  std::vector<std::string> await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return lines_.size() >= count; });
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  int refusals_;
};

TEST(PasswordThread, AnswersInOrder) {
  Answers answers(2);
  PasswordThread thread(8, [&](std::string_view record) { return answers.take(record); });
  thread.start();
  EXPECT_TRUE(thread.submit(Handle{7}, "ann", make_check(true)));
  EXPECT_TRUE(thread.submit(Handle{8}, "bob", make_check(false)));
  EXPECT_EQ(answers.await(2), (std::vector<std::string>{"7 ann 1", "8 bob 0"}));
  EXPECT_TRUE(thread.submit(Handle{9}, "cleo", make_check(true)));
  EXPECT_EQ(answers.await(3).back(), "9 cleo 1");
  thread.stop();
}

TEST(PasswordThread, RefusesWhatItHasNoRoomFor) {
  Answers answers;
  PasswordThread thread(4, [&](std::string_view record) { return answers.take(record); });
  for (std::uint64_t handle = 1; handle <= 4; ++handle) {
    EXPECT_TRUE(thread.submit(Handle{handle}, "ann", make_check(true)));
  }
  EXPECT_FALSE(thread.submit(Handle{5}, "ann", make_check(true)));
  EXPECT_EQ(thread.stats().refused.load(), 1u);
  EXPECT_EQ(thread.stats().depth(), 4u);
  thread.start();
  EXPECT_EQ(answers.await(4).size(), 4u);
  EXPECT_TRUE(thread.submit(Handle{6}, "ann", make_check(true)));
  EXPECT_EQ(answers.await(5).back(), "6 ann 1");
}

TEST(PasswordThread, EndsWithWorkLeft) {
  // Nobody takes its answers any more, and more work waits than it could do: neither holds it up.
  PasswordThread thread(64, [](std::string_view) { return false; });
  thread.start();
  for (std::uint64_t handle = 0; handle < 64; ++handle) {
    thread.submit(Handle{handle}, "ann", make_check(true, 4096));
  }
  thread.stop();
  thread.stop();
}

}  // namespace
}  // namespace rookery
