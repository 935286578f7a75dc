// rookery_sim: runs the simulation under many seeds, replays one, or proves that it finds a server
// that was broken on purpose.
//   rookery_sim [--seeds N] [--first SEED] [--users N] [--steps N]
//   rookery_sim --seed S          one seed, twice, with its figures
//   rookery_sim --prove [--seeds N]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sim/sim_world.h"

namespace {

using rookery::sim::Breakage;
using rookery::sim::World;
using rookery::sim::WorldOptions;
using rookery::sim::WorldResult;

constexpr std::size_t shown_problems = 5;
constexpr std::uint64_t progress_every = 100;

struct Totals {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t received = 0;
  std::uint64_t crashes = 0;
  std::uint64_t resent_after_crash = 0;
};

WorldResult run(WorldOptions options, std::uint64_t seed) {
  options.seed = seed;
  return World(options).run();
}

void report(std::uint64_t seed, const WorldResult& result) {
  std::printf("seed %llu failed: %zu problems\n", static_cast<unsigned long long>(seed),
              result.problems.size());
  for (std::size_t index = 0; index < result.problems.size() && index < shown_problems; ++index) {
    std::printf("  %s\n", result.problems[index].c_str());
  }
}

Totals run_seeds(const WorldOptions& options, std::uint64_t first, std::uint64_t seeds) {
  Totals totals;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const WorldResult result = run(options, seed);
    totals.acknowledged += result.acknowledged;
    totals.received += result.received;
    totals.crashes += result.crashes;
    totals.resent_after_crash += result.resent_after_crash;
    if (result.problems.empty()) {
      ++totals.passed;
    } else {
      ++totals.failed;
      report(seed, result);
    }
    if ((seed - first + 1) % progress_every == 0) {
      std::printf("%llu seeds, %llu failed\n", static_cast<unsigned long long>(seed - first + 1),
                  static_cast<unsigned long long>(totals.failed));
      std::fflush(stdout);
    }
  }
  // A seed must replay exactly, or a failure could not be studied.
  if (run(options, first).trace == run(options, first).trace) {
    ++totals.passed;
  } else {
    ++totals.failed;
    std::printf("seed %llu does not replay exactly\n", static_cast<unsigned long long>(first));
  }
  return totals;
}

/// True when the checks find the breakage under one of the seeds.
bool found(WorldOptions options, Breakage breakage, const char* name, std::uint64_t seeds) {
  options.breakage = breakage;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const WorldResult result = run(options, seed);
    if (result.problems.empty()) continue;
    std::printf("%s: found under seed %llu: %s\n", name, static_cast<unsigned long long>(seed),
                result.problems.front().c_str());
    return true;
  }
  std::printf("%s: NOT found under %llu seeds\n", name, static_cast<unsigned long long>(seeds));
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  WorldOptions options;
  std::uint64_t seeds = 1000;
  std::uint64_t first = 1;
  std::uint64_t single = 0;
  bool prove = false;
  for (int index = 1; index < argc; ++index) {
    const std::string flag = argv[index];
    const auto value = [&]() -> std::uint64_t {
      return index + 1 < argc ? std::strtoull(argv[++index], nullptr, 10) : 0;
    };
    if (flag == "--seeds")
      seeds = value();
    else if (flag == "--first")
      first = value();
    else if (flag == "--seed")
      single = value();
    else if (flag == "--users")
      options.users = static_cast<std::uint32_t>(value());
    else if (flag == "--steps")
      options.steps = static_cast<std::uint32_t>(value());
    else if (flag == "--prove")
      prove = true;
    else {
      std::fprintf(stderr, "rookery_sim: unknown option %s\n", flag.c_str());
      return 2;
    }
  }
  if (prove) {
    const bool early =
        found(options, Breakage::acknowledge_before_commit, "acknowledge before commit", seeds);
    const bool twice = found(options, Breakage::no_duplicate_check, "no duplicate check", seeds);
    std::printf("%d passed, %d failed\n", early + twice, 2 - early - twice);
    return early && twice ? 0 : 1;
  }
  if (single != 0) {
    first = single;
    seeds = 1;
  }
  const Totals totals = run_seeds(options, first, seeds);
  std::printf(
      "%llu messages acknowledged, %llu received, %llu crashes, %llu sent again after one\n",
      static_cast<unsigned long long>(totals.acknowledged),
      static_cast<unsigned long long>(totals.received),
      static_cast<unsigned long long>(totals.crashes),
      static_cast<unsigned long long>(totals.resent_after_crash));
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(totals.passed),
              static_cast<unsigned long long>(totals.failed));
  return totals.failed == 0 ? 0 : 1;
}
