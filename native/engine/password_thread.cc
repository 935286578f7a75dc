// Takes comparisons in turn and answers each.
#include "engine/password_thread.h"

#include <pthread.h>

#include <chrono>
#include <utility>

#include "boundary/boundary.gen.h"

namespace rookery {
namespace {

constexpr std::chrono::milliseconds retry_interval{1};

std::uint64_t clock_us() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace

PasswordThread::PasswordThread(std::size_t limit, Answer answer)
    : answer_(std::move(answer)), queue_("password-checks", limit) {}

PasswordThread::~PasswordThread() {
  stop();
  while (void* item = queue_.pop()) delete static_cast<Item*>(item);
}

void PasswordThread::start() {
  thread_ = std::thread([this] { run(); });
}

void PasswordThread::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true);
  submitted_.fetch_add(1);
  submitted_.notify_one();
  thread_.join();
}

bool PasswordThread::submit(Handle connection, std::string_view user,
                            std::unique_ptr<PasswordCheck> check) {
  auto item = std::make_unique<Item>(Item{connection, std::string(user), std::move(check)});
  item->submitted_us = clock_us();
  if (!queue_.push(item.get())) return false;
  static_cast<void>(item.release());  // the thread's now
  submitted_.fetch_add(1);
  submitted_.notify_one();
  return true;
}

void PasswordThread::run() {
  clock_.begin();
  pthread_setname_np(pthread_self(), "passwords");
  while (!stopping_.load()) {
    // Read before the look into the queue: what comes after the look changes it.
    const std::uint32_t seen = submitted_.load();
    const std::unique_ptr<Item> item(static_cast<Item*>(queue_.pop()));
    if (item) {
      queue_.stats().wait.record(clock_us() - item->submitted_us);
      answer(*item, password_fits(*item->check));
    } else if (!stopping_.load()) {
      submitted_.wait(seen);
    }
  }
}

void PasswordThread::answer(const Item& item, bool fits) {
  std::string record;
  boundary::AuthReply{item.connection.bits, static_cast<std::uint8_t>(fits), item.user}.encode(
      record);
  // A shard that is thousands of batches behind gets its answer when it has caught up.
  while (!answer_(record) && !stopping_.load()) std::this_thread::sleep_for(retry_interval);
}

}  // namespace rookery
