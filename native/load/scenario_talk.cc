// chat: pairs in closed loops, as fast as the server lets them. open: pairs in open loops, at a
// given rate, in groups that are measured each for itself.
#include <algorithm>
#include <cstdlib>

#include "load/figures.h"
#include "load/process_stat.h"
#include "load/scenarios.h"
#include "load/talk_player.h"

namespace rookery::load {
namespace {

constexpr double finish_seconds = 15;
constexpr std::uint32_t give_up_ms = 5000;

bool unharmed(const Totals& totals) {
  return totals.lost == 0 && totals.missing == 0 && totals.duplicates == 0 && totals.late == 0 &&
         totals.refused == 0 && totals.foreign == 0 && totals.unsent == 0 &&
         totals.lost_connections == 0;
}

struct Times {
  double warm_seconds = 0;
  double seconds = 0;
};

Times read_times(Args& args) {
  Times times;
  times.warm_seconds = static_cast<double>(args.number("warm-ms", 1000)) / 1000;
  times.seconds = static_cast<double>(args.number("ms", 10'000)) / 1000;
  return times;
}

/// Logs in, warms up, and measures; the figures of the whole go into `figures`.
bool measure(Crew& crew, const ScenarioOptions& options, const Times& times,
             std::uint32_t connections, Figures& figures) {
  if (!crew.carry_out(crew.all(), Phase::log_in, options.login_timeout_seconds,
                      {"logging in", connections})) {
    std::fprintf(stderr, "%llu of %u clients could log in\n",
                 static_cast<unsigned long long>(crew.totals(crew.all()).ready), connections);
    return false;
  }
  crew.order(crew.all(), Phase::warm);
  crew.run_for(times.warm_seconds, "warming up");
  crew.carry_out(crew.all(), Phase::measure, finish_seconds, {"beginning"});
  const std::uint64_t start = monotonic_ns();
  const Totals before = crew.totals(crew.all());
  const ServerCost cost(options.server);
  crew.run_for(times.seconds, "measuring");
  const auto elapsed_ns = static_cast<double>(monotonic_ns() - start);
  const Totals after = crew.totals(crew.all());
  const auto messages = static_cast<double>(after.completed - before.completed);
  figures.number("seconds", elapsed_ns / 1e9);
  figures.number("messages", messages);
  figures.number("messagesPerSecond", messages / elapsed_ns * 1e9);
  cost.report(figures, "Message", messages);
  crew.carry_out(crew.all(), Phase::finish, 2 * finish_seconds, {"waiting for the last ones"});
  return true;
}

bool conclude(Crew& crew, Figures& figures) {
  const Totals totals = crew.totals(crew.all());
  figures.messages(totals);
  figures.print();
  return unharmed(totals);
}

struct Group {
  std::uint32_t pairs = 0;
  double rate = 0;
};

/// PAIRSxRATE,PAIRSxRATE …: each rate is that of its group together.
std::vector<Group> read_groups(const std::string& text) {
  std::vector<Group> groups;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, end - at);
    const std::size_t sign = one.find('x');
    Group group;
    if (sign != std::string::npos) {
      group.pairs = static_cast<std::uint32_t>(std::atoi(one.c_str()));
      group.rate = std::atof(one.c_str() + sign + 1);
    }
    if (group.pairs == 0 || group.rate <= 0) die("--groups wants PAIRSxRATE, not " + one);
    groups.push_back(group);
    at = end + 1;
  }
  return groups;
}

}  // namespace

int run_chat(ScenarioOptions& options, Args& args) {
  const auto pairs = static_cast<std::uint32_t>(args.number("pairs", 100));
  TalkPlan talk;
  talk.outstanding = static_cast<std::uint32_t>(args.number("outstanding", 1));
  talk.body_bytes = static_cast<std::uint32_t>(args.number("body", 100));
  talk.pause_ms = static_cast<std::uint32_t>(args.number("pause-ms", 0));
  talk.give_up_ms = give_up_ms;
  const Times times = read_times(args);
  args.finish();
  if (pairs == 0 || talk.outstanding == 0) die("--pairs and --outstanding are at least 1");
  const std::uint32_t processes = options.processes_for(2 * pairs);
  const std::uint32_t resources = options.per_account(2 * pairs);
  Crew crew(processes, [&](std::uint32_t number, Loop& loop) {
    FleetPlan plan = options.share(number, processes, pairs, 2, options.first);
    plan.resources = resources;
    return std::make_unique<TalkPlayer>(loop, options.settings, plan, talk, finish_seconds);
  });
  Figures figures("chat");
  figures.settings(options.settings);
  figures.count("pairs", pairs);
  figures.count("outstanding", talk.outstanding);
  figures.count("bodyBytes", talk.body_bytes);
  if (!measure(crew, options, times, 2 * pairs, figures)) return 1;
  figures.latency("latencyUs", crew.merged(crew.all(), &Slot::latency));
  return conclude(crew, figures) ? 0 : 1;
}

int run_open(ScenarioOptions& options, Args& args) {
  const auto pairs = static_cast<std::uint32_t>(args.number("pairs", 100));
  const auto rate = static_cast<double>(args.number("rate", 1000));
  std::vector<Group> groups = read_groups(args.text("groups", ""));
  if (groups.empty()) groups.push_back({pairs, rate});
  TalkPlan talk;
  talk.body_bytes = static_cast<std::uint32_t>(args.number("body", 100));
  const Times times = read_times(args);
  args.finish();
  if (pairs == 0 || rate <= 0) die("--pairs and --rate are above 0");
  // Each group has processes of its own, so that none waits for another's turn.
  std::vector<Crew::Range> ranges;
  std::uint32_t all_pairs = 0;
  std::uint32_t processes = 0;
  for (const Group& group : groups) {
    const std::uint32_t needed = options.processes_for(2 * group.pairs);
    ranges.push_back({processes, processes + needed});
    processes += needed;
    all_pairs += group.pairs;
  }
  const std::uint32_t resources = options.per_account(2 * all_pairs);
  Crew crew(processes, [&](std::uint32_t number, Loop& loop) {
    std::size_t at = 0;
    std::uint32_t from = options.first;
    while (number >= ranges[at].end) from += 2 * groups[at++].pairs;
    const std::uint32_t of = ranges[at].end - ranges[at].first;
    FleetPlan plan = options.share(number - ranges[at].first, of, groups[at].pairs, 2, from);
    plan.resources = resources;
    TalkPlan own = talk;
    own.rate_per_second = groups[at].rate * (plan.count / 2.0) / groups[at].pairs;
    return std::make_unique<TalkPlayer>(loop, options.settings, plan, own, finish_seconds);
  });
  Figures figures("open");
  figures.settings(options.settings);
  figures.count("pairs", all_pairs);
  figures.count("bodyBytes", talk.body_bytes);
  if (!measure(crew, options, times, 2 * all_pairs, figures)) return 1;
  for (std::size_t at = 0; at < groups.size(); ++at) {
    const std::string suffix = groups.size() == 1 ? "" : std::to_string(at + 1);
    figures.number("rate" + suffix, groups[at].rate);
    figures.latency("latencyUs" + suffix, crew.merged(ranges[at], &Slot::latency));
    figures.latency("latenessUs" + suffix, crew.merged(ranges[at], &Slot::lateness));
  }
  return conclude(crew, figures) ? 0 : 1;
}

}  // namespace rookery::load
