// logins: a login storm. What a login (connect, authentication, session, initial presence) costs
// the server, how many it does a second, and how long one takes. The first round fills the clients'
// memory of salted passwords, so that their own key derivation does not slow the measured rounds.
#include <cstdio>
#include <memory>

#include "load/figures.h"
#include "load/process_stat.h"
#include "load/scenarios.h"
#include "load/talk_player.h"

namespace rookery::load {
namespace {

constexpr std::uint64_t look_ns = 2'000'000;
constexpr double log_out_seconds = 30;

class LoginPlayer : public Player {
 public:
  LoginPlayer(Loop& loop, const ClientSettings& settings, const FleetPlan& plan)
      : fleet_(loop, settings, plan) {}

  void begin(Phase phase) override {
    phase_ = phase;
    if (phase == Phase::warm) fleet_.login_latency().clear();
    if (phase == Phase::log_in) fleet_.begin_logins();
    if (phase == Phase::log_out) fleet_.close_all();
  }
  bool finished() override { return phase_ != Phase::log_in || fleet_.continue_logins(); }
  std::uint64_t tick(std::uint64_t /*now_ns*/) override {
    if (phase_ == Phase::log_in) fleet_.continue_logins();
    return look_ns;
  }
  void publish(Slot& slot, bool complete) override { publish_connections(fleet_, slot, complete); }

 private:
  Fleet fleet_;
  Phase phase_ = Phase::none;
};

struct Round {
  double cpu_us = 0;
  double per_second = 0;
};

// The CPU is read once the presence handlers, which work behind the login, have come to rest.
Round log_in_once(Crew& crew, const ScenarioOptions& options, std::uint32_t count,
                  double settle_seconds, const std::string& what) {
  const ServerCost cost(options.server);
  const std::uint64_t start = monotonic_ns();
  if (!crew.carry_out(crew.all(), Phase::log_in, options.login_timeout_seconds, {what, count})) {
    die("not everyone could log in");
  }
  const auto elapsed_ns = static_cast<double>(monotonic_ns() - start);
  crew.run_for(settle_seconds, what + ", settling");
  Round round;
  round.cpu_us = cost.cpu_us() / count;
  round.per_second = count / elapsed_ns * 1e9;
  crew.carry_out(crew.all(), Phase::log_out, log_out_seconds, {"logging out"});
  crew.run_for(settle_seconds, "logging out");
  return round;
}

}  // namespace

int run_logins(ScenarioOptions& options, Args& args) {
  const auto count = static_cast<std::uint32_t>(args.number("connections", 1000));
  const std::int64_t rounds = args.number("rounds", 5);
  const double settle_seconds = static_cast<double>(args.number("settle-ms", 1000)) / 1000;
  args.finish();
  if (count == 0 || rounds < 1) die("--connections and --rounds are at least 1");
  const std::uint32_t processes = options.processes_for(count);
  const std::uint32_t resources = options.per_account(count);
  Crew crew(processes, [&](std::uint32_t number, Loop& loop) {
    FleetPlan plan = options.share(number, processes, count, 1, options.first);
    plan.resources = resources;
    return std::make_unique<LoginPlayer>(loop, options.settings, plan);
  });
  log_in_once(crew, options, count, settle_seconds, "first round, not measured");
  crew.carry_out(crew.all(), Phase::warm, log_out_seconds, {"beginning"});
  std::vector<double> cpu, rate;
  for (std::int64_t index = 0; index < rounds; ++index) {
    const std::string what = "round " + std::to_string(index + 1) + " of " + std::to_string(rounds);
    const Round round = log_in_once(crew, options, count, settle_seconds, what);
    cpu.push_back(round.cpu_us);
    rate.push_back(round.per_second);
  }
  Figures figures("logins");
  figures.settings(options.settings);
  figures.count("logins", count);
  figures.count("rounds", static_cast<std::uint64_t>(rounds));
  figures.count("parallel", options.parallel);
  if (options.server != 0) figures.spread("cpuUsPerLogin", cpu);
  figures.spread("loginsPerSecond", rate);
  figures.latency("loginLatencyUs", crew.merged(crew.all(), &Slot::logins));
  const Totals totals = crew.totals(crew.all());
  figures.count("lostConnections", totals.lost_connections);
  figures.print();
  return totals.lost_connections == 0 ? 0 : 1;
}

}  // namespace rookery::load
