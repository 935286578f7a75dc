// rookery_sim: runs the simulation under many seeds, in as many processes as there are cores, or
// replays one seed. A build with a broken server (broken.cmake) proves that its fault is found.
//   rookery_sim [--seeds N] [--first SEED] [--users N] [--steps N] [--jobs N]
//   rookery_sim --seed S [--show USER]  one seed, twice, with its figures and what a client sees
//   rookery_sim --prove [--seeds N]  fails unless one of the seeds fails
//   --bad-disks  every world has a disk that refuses often, not one in ten
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "sim/sim_world.h"

namespace {

using rookery::sim::World;
using rookery::sim::WorldOptions;
using rookery::sim::WorldResult;

constexpr std::size_t shown_problems = 5;
constexpr std::uint64_t replayed_every = 20;

struct Totals {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t replayed = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t received = 0;
  std::uint64_t crashes = 0;
  std::uint64_t crashed_inside = 0;
  std::uint64_t crashed_unsynced = 0;
  std::uint64_t crashed_untold = 0;
  std::uint64_t resumed = 0;
  std::uint64_t resume_failures = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t resent_after_crash = 0;
};

struct Range {
  std::uint64_t first = 1;
  std::uint64_t seeds = 1000;
};

WorldResult run(WorldOptions options, std::uint64_t seed) {
  options.seed = seed;
  return World(options).run();
}

void add(Totals& totals, const WorldResult& result) {
  totals.acknowledged += result.acknowledged;
  totals.received += result.received;
  totals.crashes += result.crashes;
  totals.crashed_inside += result.crashed_inside;
  totals.crashed_unsynced += result.crashed_unsynced;
  totals.crashed_untold += result.crashed_untold;
  totals.resumed += result.resumed;
  totals.resume_failures += result.resume_failures;
  totals.timed_out += result.timed_out;
  totals.resent_after_crash += result.resent_after_crash;
}

void add(Totals& totals, const Totals& part) {
  auto* into = reinterpret_cast<std::uint64_t*>(&totals);
  const auto* from = reinterpret_cast<const std::uint64_t*>(&part);
  for (std::size_t index = 0; index < sizeof(Totals) / sizeof(std::uint64_t); ++index) {
    into[index] += from[index];
  }
}

void report(std::uint64_t seed, const WorldResult& result) {
  std::printf("seed %llu failed: %zu problems\n", static_cast<unsigned long long>(seed),
              result.problems.size());
  for (std::size_t index = 0; index < result.problems.size() && index < shown_problems; ++index) {
    std::printf("  %s\n", result.problems[index].c_str());
  }
  std::fflush(stdout);
}

/// Every `step`th seed of the range, from its `offset`th on.
Totals run_seeds(const WorldOptions& options, const Range& range, std::uint64_t offset,
                 std::uint64_t step) {
  Totals totals;
  for (std::uint64_t index = offset; index < range.seeds; index += step) {
    const std::uint64_t seed = range.first + index;
    const WorldResult result = run(options, seed);
    add(totals, result);
    bool good = result.problems.empty();
    if (!good) report(seed, result);
    if (index % replayed_every == 0) {
      // A seed must replay exactly, or a failure could not be studied.
      ++totals.replayed;
      WorldOptions silent = options;
      silent.shown_user.reset();
      if (run(silent, seed).trace != result.trace) {
        good = false;
        std::printf("seed %llu does not replay exactly\n", static_cast<unsigned long long>(seed));
      }
    }
    ++(good ? totals.passed : totals.failed);
  }
  return totals;
}

/// The range divided among processes; one that ends without its figures counts as a failure.
Totals run_in_processes(const WorldOptions& options, const Range& range, std::uint64_t jobs) {
  std::vector<std::pair<pid_t, int>> workers;
  for (std::uint64_t job = 0; job < jobs; ++job) {
    int pipe_ends[2];
    if (::pipe(pipe_ends) != 0) std::abort();
    const pid_t child = ::fork();
    if (child < 0) std::abort();
    if (child == 0) {
      const Totals totals = run_seeds(options, range, job, jobs);
      std::fflush(stdout);
      const bool told = ::write(pipe_ends[1], &totals, sizeof totals) == sizeof totals;
      std::exit(told ? 0 : 1);
    }
    ::close(pipe_ends[1]);
    workers.emplace_back(child, pipe_ends[0]);
  }
  Totals totals;
  for (const auto& [child, results] : workers) {
    Totals part;
    int status = 0;
    if (::read(results, &part, sizeof part) == sizeof part) {
      add(totals, part);
    } else {
      ++totals.failed;
    }
    ::close(results);
    if (::waitpid(child, &status, 0) != child || status != 0) {
      std::printf("a process of the simulation ended with status %d\n", status);
      ++totals.failed;
    }
  }
  return totals;
}

/// Writes what the checks find first under every `step`th seed of the range.
void look_for_problem(const WorldOptions& options, const Range& range, std::uint64_t offset,
                      std::uint64_t step, int into) {
  for (std::uint64_t index = offset; index < range.seeds; index += step) {
    const WorldResult result = run(options, range.first + index);
    if (result.problems.empty()) continue;
    const std::string found = "found under seed " + std::to_string(range.first + index) + ": " +
                              result.problems.front() + "\n";
    if (::write(into, found.data(), found.size()) < 0) std::abort();
    return;
  }
}

/// True when the checks find something under one of the seeds. The first find ends all processes.
bool prove(const WorldOptions& options, const Range& range, std::uint64_t jobs) {
  int finds[2];
  if (::pipe(finds) != 0) std::abort();
  std::vector<pid_t> workers;
  for (std::uint64_t job = 0; job < jobs; ++job) {
    const pid_t child = ::fork();
    if (child < 0) std::abort();
    if (child == 0) {
      look_for_problem(options, range, job, jobs, finds[1]);
      std::_Exit(0);
    }
    workers.push_back(child);
  }
  ::close(finds[1]);
  char found[PIPE_BUF];
  const ssize_t size = ::read(finds[0], found, sizeof found);
  for (const pid_t child : workers) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  ::close(finds[0]);
  if (size > 0) {
    std::printf("%.*s", static_cast<int>(size), found);
    return true;
  }
  std::printf("NOT found under %llu seeds\n", static_cast<unsigned long long>(range.seeds));
  return false;
}

void print(const Totals& totals) {
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("%llu messages acknowledged, %llu received, %llu sent again after a crash\n",
              number(totals.acknowledged), number(totals.received),
              number(totals.resent_after_crash));
  std::printf(
      "%llu crashes: %llu inside a phase, %llu with a group written and not synced, "
      "%llu with one synced and not told\n",
      number(totals.crashes), number(totals.crashed_inside), number(totals.crashed_unsynced),
      number(totals.crashed_untold));
  std::printf("%llu sessions resumed, %llu refused, %llu of these because their time was over\n",
              number(totals.resumed), number(totals.resume_failures), number(totals.timed_out));
  std::printf("%llu seeds replayed\n", number(totals.replayed));
  std::printf("%llu passed, %llu failed\n", number(totals.passed), number(totals.failed));
}

}  // namespace

int main(int argc, char** argv) {
  WorldOptions options;
  Range range;
  std::uint64_t jobs = std::max(1u, std::thread::hardware_concurrency());
  bool must_fail = false;
  for (int index = 1; index < argc; ++index) {
    const std::string flag = argv[index];
    const auto value = [&]() -> std::uint64_t {
      return index + 1 < argc ? std::strtoull(argv[++index], nullptr, 10) : 0;
    };
    if (flag == "--seeds")
      range.seeds = value();
    else if (flag == "--first")
      range.first = value();
    else if (flag == "--seed")
      range = {value(), 1};
    else if (flag == "--users")
      options.users = static_cast<std::uint32_t>(value());
    else if (flag == "--steps")
      options.steps = static_cast<std::uint32_t>(value());
    else if (flag == "--show")
      options.shown_user = static_cast<std::uint32_t>(value());
    else if (flag == "--jobs")
      jobs = value();
    else if (flag == "--prove")
      must_fail = true;
    else if (flag == "--bad-disks")
      options.worlds_per_bad_disk = 1;
    else {
      std::fprintf(stderr, "rookery_sim: unknown option %s\n", flag.c_str());
      return 2;
    }
  }
  const std::uint64_t processes = std::max<std::uint64_t>(1, std::min(jobs, range.seeds));
  if (must_fail) return prove(options, range, processes) ? 0 : 1;
  const Totals totals = processes == 1 ? run_seeds(options, range, 0, 1)
                                       : run_in_processes(options, range, processes);
  print(totals);
  return totals.failed == 0 ? 0 : 1;
}
