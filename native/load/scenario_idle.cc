// idle: many connections that say nothing: what one costs the server in memory and CPU, and whether
// each can still be reached. Memory is what the process allocated (Anonymous of smaps_rollup): no
// file pages and no kernel memory. It is measured as it comes and, with --warm-logins N, after N
// logins through a few connections, so that what the server allocates once does not count as a cost
// of each connection; besides, the growth from the first half of the processes to all of them.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "load/figures.h"
#include "load/process_stat.h"
#include "load/scenarios.h"
#include "load/talk_player.h"

namespace rookery::load {
namespace {

constexpr std::uint32_t messages_under_way = 200;
constexpr std::uint64_t look_ns = 5'000'000;
constexpr double message_seconds = 60;
// Presence handlers run behind the logins; what they use must have settled.
constexpr unsigned settle_seconds = 3;

/// Every connection is sent one message by the first client of its process.
class IdleFleet : public Fleet {
 public:
  using Fleet::Fleet;

  void on_stanza(Client& client, std::string_view stanza) override {
    if (element_name(stanza) != "message") return;
    const bool own = attribute(stanza, "id") == "to" + std::to_string(client.index());
    if (own && reached_.size() > position(client) && !reached_[position(client)]) {
      reached_[position(client)] = true;
      ++received_;
    } else {
      ++wrong_;  // somebody else's, an error, or the same twice
    }
  }

  void begin_messages() {
    received_ = 0;
    sent_ = 0;
    reached_.assign(size(), false);
  }

  void send_more() {
    while (sent_ < size() && sent_ < received_ + messages_under_way) {
      Client& target = at(sent_++);
      at(0).send_stanza("<message to='" + target.address() + "' type='chat' id='to" +
                        std::to_string(target.index()) + "'><body>hello</body></message>");
    }
  }

  [[nodiscard]] std::uint32_t received() const { return received_; }
  [[nodiscard]] std::uint32_t wrong() const { return wrong_; }

 private:
  std::vector<bool> reached_;
  std::size_t sent_ = 0;
  std::uint32_t received_ = 0;
  std::uint32_t wrong_ = 0;
};

class IdlePlayer : public Player {
 public:
  IdlePlayer(Loop& loop, const ClientSettings& settings, const FleetPlan& plan)
      : fleet_(loop, settings, plan) {}

  void begin(Phase phase) override {
    phase_ = phase;
    if (phase == Phase::log_in) fleet_.begin_logins();
    if (phase == Phase::log_out) fleet_.close_all();
    if (phase == Phase::measure) {
      fleet_.begin_messages();
      deadline_ns_ = monotonic_ns() + static_cast<std::uint64_t>(message_seconds * 1e9);
    }
  }

  bool finished() override {
    if (phase_ == Phase::log_in) return fleet_.continue_logins();
    if (phase_ != Phase::measure) return true;
    return fleet_.received() == fleet_.size() || monotonic_ns() > deadline_ns_;
  }

  std::uint64_t tick(std::uint64_t /*now_ns*/) override {
    if (phase_ == Phase::log_in) fleet_.continue_logins();
    if (phase_ == Phase::measure) fleet_.send_more();
    return phase_ == Phase::none ? 10 * look_ns : look_ns;
  }

  void publish(Slot& slot, bool complete) override {
    slot.progress.arrived = fleet_.received();
    slot.progress.foreign = fleet_.wrong();
    publish_connections(fleet_, slot, complete);
  }

 private:
  IdleFleet fleet_;
  Phase phase_ = Phase::none;
  std::uint64_t deadline_ns_ = 0;
};

void warm_up(const ScenarioOptions& options, FleetPlan plan, std::int64_t logins) {
  Loop loop;
  plan.count = std::min<std::uint32_t>(plan.count, 200);
  for (std::int64_t done = 0; done < logins; done += plan.count) {
    Fleet fleet(loop, options.settings, plan);
    if (!fleet.login_all(60)) die("warm-up logins failed");
    fleet.close_all();
    fleet.run_for(0.05);
  }
}

struct MemoryPoint {
  ProcessMemory server;
  std::uint64_t kernel_bytes = 0;
};

MemoryPoint memory_now(pid_t server) {
  return {server != 0 ? process_memory(server) : ProcessMemory{}, kernel_slab_bytes()};
}

double each(std::uint64_t after, std::uint64_t before, double count) {
  return (static_cast<double>(after) - static_cast<double>(before)) / count;
}

/// Logs the processes in, half of them first; the memory before, between and after.
std::vector<MemoryPoint> log_in(Crew& crew, const ScenarioOptions& options, std::uint32_t count) {
  std::vector<MemoryPoint> points{memory_now(options.server)};
  const std::uint32_t half = crew.all().end / 2;
  for (const Crew::Range part : {Crew::Range{0, half}, Crew::Range{half, crew.all().end}}) {
    crew.carry_out(
        part, Phase::log_in, options.login_timeout_seconds,
        {half == part.end ? "logging in, first half" : "logging in, second half", count});
    sleep(settle_seconds);
    points.push_back(memory_now(options.server));
  }
  return points;
}

struct Idle {
  std::uint32_t count = 0;
  std::uint32_t resources = 1;
  double seconds = 10;
  std::int64_t warm_logins = 0;
};

void report_memory(Figures& figures, const std::vector<MemoryPoint>& points, const Idle& idle,
                   std::uint32_t processes) {
  const ProcessMemory& first = points[0].server;
  const ProcessMemory& half = points[1].server;
  const ProcessMemory& last = points[2].server;
  const double count = idle.count;
  const double second = count - count * (processes / 2) / processes;
  figures.number("anonymousBytesPerConnection",
                 each(last.anonymous_bytes, first.anonymous_bytes, count));
  figures.number("anonymousBytesPerConnectionSecondHalf",
                 each(last.anonymous_bytes, half.anonymous_bytes, second));
  figures.number("rssBytesPerConnection", each(last.rss_bytes, first.rss_bytes, count));
  figures.count("rssBytes", last.rss_bytes);
}

int measure(const ScenarioOptions& options, const Idle& idle) {
  // At least two, so that the second half can be measured on its own.
  const std::uint32_t processes = std::max(2u, options.processes_for(idle.count));
  if (idle.count < processes) die("--connections is at least 2");
  if (idle.warm_logins > 0) {
    FleetPlan plan = options.share(0, 1, idle.count, 1, options.first);
    plan.resources = idle.resources;
    warm_up(options, plan, idle.warm_logins);
    sleep(settle_seconds);
  }
  Crew crew(processes, [&](std::uint32_t number, Loop& loop) {
    FleetPlan plan = options.share(number, processes, idle.count, 1, options.first);
    plan.resources = idle.resources;
    return std::make_unique<IdlePlayer>(loop, options.settings, plan);
  });
  Figures figures("idle");
  figures.settings(options.settings);
  figures.count("connections", idle.count);
  const std::uint64_t start = monotonic_ns();
  const ServerCost login_cost(options.server);
  const std::vector<MemoryPoint> points = log_in(crew, options, idle.count);
  const Totals ready = crew.totals(crew.all());
  figures.count("ready", ready.ready);
  figures.number("loginSeconds",
                 static_cast<double>(monotonic_ns() - start) / 1e9 - 2.0 * settle_seconds);
  figures.latency("loginLatencyUs", crew.merged(crew.all(), &Slot::logins));
  if (options.server != 0) {
    figures.number("loginCpuUsEach", login_cost.cpu_us() / idle.count);
    report_memory(figures, points, idle, processes);
    const ServerCost cost(options.server);
    usleep(static_cast<useconds_t>(idle.seconds * 1e6));
    figures.number("idleCpuPercent", cost.cpu_us() / (idle.seconds * 1e6) * 100);
  }
  figures.number("kernelBytesPerConnectionBothEnds",
                 each(points[2].kernel_bytes, points[0].kernel_bytes, idle.count));
  const std::uint64_t message_start = monotonic_ns();
  crew.carry_out(crew.all(), Phase::measure, 2 * message_seconds,
                 {"reaching everybody", idle.count, &Totals::arrived});
  figures.number("messageSeconds", static_cast<double>(monotonic_ns() - message_start) / 1e9);
  const Totals totals = crew.totals(crew.all());
  figures.count("receivedMessage", totals.arrived);
  figures.count("wrongMessages", totals.foreign);
  figures.count("lost", totals.lost_connections);
  figures.print();
  const bool good = ready.ready == idle.count && totals.arrived == idle.count &&
                    totals.foreign == 0 && totals.lost_connections == 0;
  return good ? 0 : 1;
}

}  // namespace

int run_idle(ScenarioOptions& options, Args& args) {
  Idle idle;
  idle.count = static_cast<std::uint32_t>(args.number("connections", 10'000));
  idle.resources =
      static_cast<std::uint32_t>(args.number("resources", options.per_account(idle.count)));
  idle.seconds = static_cast<double>(args.number("ms", 10'000)) / 1000;
  idle.warm_logins = args.number("warm-logins", 0);
  args.finish();
  if (idle.resources == 0) die("--resources is at least 1");
  return measure(options, idle);
}

}  // namespace rookery::load
