// Client processes.
#include "load/crew.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "load/args.h"
#include "load/process_stat.h"

namespace rookery::load {
namespace {

constexpr std::uint32_t phase_bits = 8;
constexpr std::uint64_t longest_turn_ns = 10'000'000;
constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr useconds_t look_us = 5000;
constexpr useconds_t settle_us = 500'000;
constexpr double log_out_seconds = 10;

Phase phase_of(std::uint32_t order) { return static_cast<Phase>(order & ((1u << phase_bits) - 1)); }

[[noreturn]] void work(std::uint32_t number, Slot& slot, const MakePlayer& make) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  Loop loop;
  const std::unique_ptr<Player> player = make(number, loop);
  std::uint32_t order = 0;
  bool done = true;
  while (true) {
    const std::uint32_t wanted = slot.wanted.load(std::memory_order_acquire);
    if (wanted != order) {
      order = wanted;
      done = false;
      if (phase_of(order) == Phase::quit) break;
      player->begin(phase_of(order));
    }
    const std::uint64_t wait_ns = player->tick(monotonic_ns());
    if (!done && player->finished()) {
      done = true;
      player->publish(slot, true);
      slot.done.store(order, std::memory_order_release);
    }
    loop.turn_ns(std::min(wait_ns, longest_turn_ns));
    player->publish(slot, false);
  }
  _exit(0);
}

}  // namespace

Crew::Crew(std::uint32_t count, const MakePlayer& make) {
  void* block = mmap(nullptr, count * sizeof(Slot), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) die("no memory to share with the client processes");
  slots_ = static_cast<Slot*>(block);  // All zero, which is how every member begins.
  std::fflush(nullptr);
  for (std::uint32_t number = 0; number < count; ++number) {
    const pid_t pid = fork();
    if (pid < 0) die("cannot start a client process");
    if (pid == 0) work(number, slots_[number], make);
    pids_.push_back(pid);
  }
}

// The server learns from TCP what has arrived, a little later; the next run may use these accounts.
Crew::~Crew() {
  usleep(settle_us);
  order(all(), Phase::log_out);
  wait(all(), log_out_seconds, {"logging out"});
  order(all(), Phase::quit);
  for (const pid_t pid : pids_) waitpid(pid, nullptr, 0);
  munmap(slots_, pids_.size() * sizeof(Slot));
}

void Crew::order(Range range, Phase phase) {
  ++orders_;
  const std::uint32_t order = orders_ << phase_bits | static_cast<std::uint32_t>(phase);
  for (std::uint32_t at = range.first; at < range.end; ++at) {
    slots_[at].wanted.store(order, std::memory_order_release);
  }
}

bool Crew::carried_out(Range range) const {
  for (std::uint32_t at = range.first; at < range.end; ++at) {
    if (slots_[at].done.load(std::memory_order_acquire) !=
        slots_[at].wanted.load(std::memory_order_relaxed)) {
      return false;
    }
  }
  return true;
}

bool Crew::wait(Range range, double timeout_seconds, const Goal& goal) {
  const std::uint64_t deadline = monotonic_ns() + static_cast<std::uint64_t>(timeout_seconds * 1e9);
  while (!carried_out(range)) {
    if (monotonic_ns() >= deadline) return false;
    check_alive();
    usleep(look_us);
    show(goal, range, false);
  }
  show(goal, range, true);
  return true;
}

void Crew::run_for(double seconds, const std::string& what) {
  const std::uint64_t deadline = monotonic_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  while (monotonic_ns() < deadline) {
    check_alive();
    const std::uint64_t left_us = (deadline - monotonic_ns()) / 1000 + 1;
    usleep(static_cast<useconds_t>(std::min<std::uint64_t>(left_us, look_us)));
    show({what}, all(), false);
  }
}

void Crew::check_alive() {
  for (const pid_t pid : pids_) {
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) == pid) die("a client process has ended");
  }
}

void Crew::show(const Goal& goal, Range range, bool last) {
  const std::uint64_t now = monotonic_ns();
  if (shown_ns_ == 0) shown_ns_ = now;
  if (now - shown_ns_ < second_ns && !(last && shown_any_)) return;
  const double seconds = static_cast<double>(now - shown_ns_) / 1e9;
  shown_ns_ = now;
  shown_any_ = !last;
  const Totals sum = totals(range);
  const char* end = isatty(STDERR_FILENO) != 0 && !last ? "\033[K\r" : "\n";
  if (goal.of > 0) {
    std::fprintf(stderr, "%s: %llu of %llu%s", goal.what.c_str(),
                 static_cast<unsigned long long>(sum.*goal.which),
                 static_cast<unsigned long long>(goal.of), end);
  } else {
    const std::uint64_t fresh = sum.completed - std::min(sum.completed, shown_completed_);
    std::fprintf(stderr, "%s: %.0f messages a second, %llu connected%s", goal.what.c_str(),
                 static_cast<double>(fresh) / std::max(seconds, 0.001),
                 static_cast<unsigned long long>(sum.ready), end);
  }
  shown_completed_ = sum.completed;
}

Totals Crew::totals(Range range) const {
  Totals sum;
  for (std::uint32_t at = range.first; at < range.end; ++at) {
    const Progress& one = slots_[at].progress;
    sum.ready += one.ready;
    sum.lost_connections += one.lost_connections;
    sum.retries += one.retries;
    sum.sent += one.sent;
    sum.arrived += one.arrived;
    sum.completed += one.completed;
    sum.duplicates += one.duplicates;
    sum.late += one.late;
    sum.refused += one.refused;
    sum.foreign += one.foreign;
    sum.unsent += one.unsent;
    sum.missing += one.missing;
    sum.lost += one.lost;
  }
  return sum;
}

Latency Crew::merged(Range range, Latency Slot::*which) const {
  Latency sum;
  for (std::uint32_t at = range.first; at < range.end; ++at) sum.merge(slots_[at].*which);
  return sum;
}

}  // namespace rookery::load
