// kill -9 at random moments: what a completion has confirmed is there at the next start, and what a
// confirmed settlement has named is not.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <set>

#include "native/store/store_test_support.h"

#if defined(__SANITIZE_THREAD__)
#define ROOKERY_NO_FORK 1
#endif

namespace rookery {
namespace {

using store_test::Harness;
using store_test::options_for;
using store_test::TemporaryFolder;

// What the child tells the parent, in the order in which it learns it.
struct Line {
  enum What : std::uint64_t { stored, to_be_settled, settled } what = stored;
  std::uint64_t sequence = 0;
  std::uint64_t number = 0;  // Of the record; its payload is made from it.
};

std::string payload_of(std::uint64_t number) {
  return std::to_string(number) + std::string(number % 90 == 0 ? 5000 : number % 150, 'p');
}

// Stores and settles until it is killed.
[[noreturn]] void child(const TemporaryFolder& folder, int pipe_end, std::uint64_t round) {
  Harness harness(options_for(folder));
  if (!harness.opened) _exit(3);
  std::mt19937_64 random(round);
  std::vector<LogSequence> alive;
  const auto tell = [&](Line line) {
    if (write(pipe_end, &line, sizeof line) != sizeof line) _exit(4);
  };
  for (std::uint64_t number = round << 32;;) {
    const std::uint64_t first_number = number;
    std::vector<std::string> payloads;
    for (std::uint64_t count = 1 + random() % 200; count > 0; --count) {
      payloads.push_back(payload_of(number++));
    }
    std::vector<RecordInput> records;
    for (const std::string& payload : payloads) {
      records.push_back({RecordKind::message, "user", payload});
    }
    const StoreEvent event = harness.commit(records);
    if (event.status != StoreStatus::ok) _exit(5);
    for (std::uint64_t index = 0; index < payloads.size(); ++index) {
      tell({Line::stored, event.sequence + index, first_number + index});
      alive.push_back(event.sequence + index);
    }
    if (alive.size() < 500) continue;
    const std::vector<LogSequence> chosen(alive.begin(), alive.begin() + 480);
    alive.erase(alive.begin(), alive.begin() + 480);
    for (const LogSequence sequence : chosen) tell({Line::to_be_settled, sequence, 0});
    if (harness.settle(chosen).status != StoreStatus::ok) _exit(6);
    for (const LogSequence sequence : chosen) tell({Line::settled, sequence, 0});
  }
}

class Ledgers {
 public:
  void take(const Line& line) {
    if (line.what == Line::stored) must_[line.sequence] = line.number;
    if (line.what == Line::to_be_settled) {
      may_.insert(line.sequence);
      must_.erase(line.sequence);
    }
    if (line.what == Line::settled) {
      may_.erase(line.sequence);
      must_not_.insert(line.sequence);
    }
  }
  void check(const Harness& harness) const {
    for (const auto& [sequence, number] : must_) {
      const auto at = harness.recovered.find(sequence);
      ASSERT_NE(at, harness.recovered.end()) << "confirmed record " << sequence << " is lost";
      EXPECT_EQ(at->second.payload, payload_of(number));
    }
    for (const LogSequence sequence : must_not_) {
      EXPECT_FALSE(harness.recovered.contains(sequence)) << "settled record " << sequence;
    }
    EXPECT_EQ(harness.report.salvaged, 0u) << "a killed process leaves a sound file";
    EXPECT_EQ(harness.report.bad_records, 0u);
  }
  [[nodiscard]] std::size_t size() const { return must_.size() + must_not_.size(); }

 private:
  std::map<LogSequence, std::uint64_t> must_;
  std::set<LogSequence> may_;
  std::set<LogSequence> must_not_;
};

TEST(StoreCrash, KillAtRandomMomentsLosesNothingConfirmed) {
#ifdef ROOKERY_NO_FORK
  GTEST_SKIP() << "forks with threads, which this sanitizer does not follow";
#endif
  const TemporaryFolder folder;
  Ledgers ledgers;
  std::mt19937_64 random(20);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(8);
  int rounds = 0;
  for (std::uint64_t round = 1; round <= 30 && std::chrono::steady_clock::now() < end; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      close(ends[0]);
      child(folder, ends[1], round);
    }
    close(ends[1]);
    std::thread killer([&, delay = 20 + random() % 250] {
      std::this_thread::sleep_for(std::chrono::milliseconds(delay));
      kill(pid, SIGKILL);
    });
    Line line;
    std::size_t have = 0;
    for (;;) {
      const ssize_t got = read(ends[0], reinterpret_cast<char*>(&line) + have, sizeof line - have);
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
      if (have == sizeof line) {
        ledgers.take(line);
        have = 0;
      }
    }
    killer.join();
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
    Harness harness(options_for(folder));
    ASSERT_TRUE(harness.opened) << harness.error;
    ledgers.check(harness);
    ++rounds;
    if (HasFailure()) break;
  }
  EXPECT_GE(rounds, 3);
  EXPECT_GT(ledgers.size(), 0u);
}

}  // namespace
}  // namespace rookery
