// storm: everybody is logged in, the server is restarted, and all return at once, while some pairs,
// who were back before the others, go on writing to each other at a steady rate. Reports how long
// it took until all were back, what a login waited, and what the pairs noticed of it (latency from
// the moment when each message was meant to be sent).
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "load/figures.h"
#include "load/process_stat.h"
#include "load/scenarios.h"
#include "load/talk_player.h"

namespace rookery::load {
namespace {

constexpr std::uint64_t look_ns = 2'000'000;
constexpr double finish_seconds = 15;
constexpr useconds_t probe_us = 20'000;
// Each restart of a server that reads its accounts and messages fits.
constexpr double restart_seconds = 300;

class CrowdPlayer : public Player {
 public:
  CrowdPlayer(Loop& loop, const ClientSettings& settings, const FleetPlan& plan,
              std::uint32_t retry_ms)
      : fleet_(loop, settings, plan), retry_ms_(retry_ms) {}

  void begin(Phase phase) override {
    phase_ = phase;
    if (phase == Phase::log_in) fleet_.begin_logins();
    if (phase == Phase::log_out) fleet_.close_all();
    if (phase == Phase::again) {
      fleet_.set_pace(static_cast<std::uint32_t>(fleet_.size()), retry_ms_);
      fleet_.login_latency().clear();
      fleet_.begin_logins();
    }
  }
  bool finished() override { return !logging_in() || fleet_.continue_logins(); }
  std::uint64_t tick(std::uint64_t /*now_ns*/) override {
    if (logging_in()) fleet_.continue_logins();
    return logging_in() ? look_ns : 10 * look_ns;
  }
  void publish(Slot& slot, bool complete) override { publish_connections(fleet_, slot, complete); }

 private:
  [[nodiscard]] bool logging_in() const {
    return phase_ == Phase::log_in || phase_ == Phase::again;
  }

  Fleet fleet_;
  std::uint32_t retry_ms_;
  Phase phase_ = Phase::none;
};

struct Storm {
  std::uint32_t count = 0;
  std::uint32_t pairs = 0;
  double rate = 0;
  double calm_seconds = 0;
  double timeout_seconds = 0;
  std::string command;
};

bool listens(const sockaddr_in& server) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool open = connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0;
  close(fd);
  return open;
}

/// Lets the server be restarted; returns the seconds until it listened again, negative: it did not.
double restart(Crew& crew, const ScenarioOptions& options, const Storm& storm) {
  const std::uint64_t start = monotonic_ns();
  const auto seconds = [start] { return static_cast<double>(monotonic_ns() - start) / 1e9; };
  if (storm.command.empty()) {
    std::fprintf(stderr, "Everybody is logged in: restart the server now.\n");
  } else if (std::system(storm.command.c_str()) != 0) {
    die("the restart command failed: " + storm.command);
  }
  while (crew.totals(crew.all()).ready > 0) {
    if (seconds() > restart_seconds) return -1;
    crew.run_for(0.02, "waiting for the server to go");
  }
  while (!listens(options.settings.server)) {
    if (seconds() > restart_seconds) return -1;
    usleep(probe_us);
  }
  return seconds();
}

/// The pairs are back and write; now everybody else returns. False: not all of them did.
bool return_all(Crew& crew, Crew::Range pairs, Crew::Range crowd, const Storm& storm,
                Figures& figures, pid_t server) {
  crew.carry_out(pairs, Phase::measure, finish_seconds, {"beginning"});
  const ServerCost cost(server);
  const std::uint64_t start = monotonic_ns();
  const bool all_back =
      crew.carry_out(crowd, Phase::again, storm.timeout_seconds, {"returning", storm.count});
  const auto elapsed_ns = static_cast<double>(monotonic_ns() - start);
  const Totals totals = crew.totals(crowd);
  figures.count("back", totals.ready);
  figures.number("secondsUntilAllBack", elapsed_ns / 1e9);
  figures.number("loginsPerSecond", static_cast<double>(totals.ready) / elapsed_ns * 1e9);
  figures.count("retries", totals.retries);
  cost.report(figures, "LoginWithChat", storm.count);
  crew.carry_out(pairs, Phase::finish, 2 * finish_seconds, {"waiting for the last ones"});
  if (all_back) figures.latency("loginLatencyUs", crew.merged(crowd, &Slot::logins));
  figures.latency("latencyUs", crew.merged(pairs, &Slot::latency));
  figures.latency("latenessUs", crew.merged(pairs, &Slot::lateness));
  return all_back;
}

int measure(const ScenarioOptions& options, const Storm& storm, std::uint32_t retry_ms) {
  const std::uint32_t crowd_processes = options.processes_for(storm.count);
  const Crew::Range pairs{0, 1};
  const Crew::Range crowd{1, 1 + crowd_processes};
  const std::uint32_t resources = options.per_account(2 * storm.pairs + storm.count);
  TalkPlan talk;
  talk.rate_per_second = storm.rate;
  Crew crew(1 + crowd_processes, [&](std::uint32_t number, Loop& loop) -> std::unique_ptr<Player> {
    const bool writes = number == 0;
    FleetPlan plan = writes ? options.share(0, 1, storm.pairs, 2, options.first)
                            : options.share(number - 1, crowd_processes, storm.count, 1,
                                            options.first + 2 * storm.pairs);
    plan.resources = resources;
    if (writes) {
      // From addresses of their own, as other people's phones are.
      ClientSettings own = options.settings;
      own.source_base += 1;
      return std::make_unique<TalkPlayer>(loop, own, plan, talk, finish_seconds);
    }
    return std::make_unique<CrowdPlayer>(loop, options.settings, plan, retry_ms);
  });
  Figures figures("storm");
  figures.settings(options.settings);
  figures.count("connections", storm.count);
  figures.count("pairs", storm.pairs);
  figures.number("rate", storm.rate);
  if (!crew.carry_out(crew.all(), Phase::log_in, options.login_timeout_seconds,
                      {"logging in", storm.count + 2ull * storm.pairs})) {
    die("not everyone could log in");
  }
  crew.order(pairs, Phase::warm);
  crew.run_for(1, "warming up");
  crew.carry_out(pairs, Phase::measure, finish_seconds, {"beginning"});
  crew.run_for(storm.calm_seconds, "before the storm");
  crew.carry_out(pairs, Phase::finish, 2 * finish_seconds, {"waiting for the last ones"});
  figures.latency("calmLatencyUs", crew.merged(pairs, &Slot::latency));
  const double restarted = restart(crew, options, storm);
  if (restarted < 0) die("the server did not come back");
  figures.number("restartSeconds", restarted);
  if (!crew.carry_out(pairs, Phase::again, storm.timeout_seconds,
                      {"the pairs return", 2ull * storm.pairs})) {
    die("the pairs could not log in again");
  }
  crew.carry_out(pairs, Phase::warm, finish_seconds, {"warming up"});
  crew.run_for(1, "the pairs are back");
  // The process that listens now is another one.
  const pid_t server =
      options.settings.use_sources ? find_listener(ntohs(options.settings.server.sin_port)) : 0;
  const bool all_back = return_all(crew, pairs, crowd, storm, figures, server);
  const Totals totals = crew.totals(pairs);
  figures.messages(totals);
  figures.print();
  const bool good = all_back && totals.lost == 0 && totals.duplicates == 0 && totals.late == 0 &&
                    totals.lost_connections == 0;
  return good ? 0 : 1;
}

}  // namespace

int run_storm(ScenarioOptions& options, Args& args) {
  Storm storm;
  storm.count = static_cast<std::uint32_t>(args.number("connections", 10'000));
  storm.pairs = static_cast<std::uint32_t>(args.number("pairs", 100));
  storm.rate = static_cast<double>(args.number("rate", 1000));
  storm.calm_seconds = static_cast<double>(args.number("ms", 5000)) / 1000;
  storm.timeout_seconds = static_cast<double>(args.number("timeout", 300));
  storm.command = args.text("restart-command", "");
  const auto retry_ms = static_cast<std::uint32_t>(args.number("retry-ms", 1000));
  args.finish();
  if (storm.count == 0 || storm.pairs == 0 || storm.rate <= 0) {
    die("--connections, --pairs and --rate are above 0");
  }
  return measure(options, storm, retry_ms);
}

}  // namespace rookery::load
