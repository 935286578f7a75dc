// A login storm: what a login (connect, SCRAM-SHA-1, bind, initial presence) costs the server, over
// all its threads. The first round fills the client's memory of salted passwords, so that the
// client's own key derivation does not slow the measured rounds.
//   login_bench --server 127.0.0.1:5222 --count 1000 --rounds 5
// One JSON object is printed.
#include <algorithm>
#include <cstdio>

#include "bench/common/fleet.h"
#include "bench/common/process_stat.h"

namespace {

using namespace rookery::bench;

struct Round {
  double cpu_us = 0;
  double per_second = 0;
};

// The CPU is read when everyone is usable and once more after the presence handlers, which work
// behind the login, have come to rest; the later figure is the one that counts.
Round log_in_once(Fleet& fleet, pid_t server, double settle_seconds) {
  const std::uint64_t cpu = process_cpu_ns(server);
  const std::uint64_t start = monotonic_ns();
  if (!fleet.login_all(120)) die("not everyone could log in");
  const double elapsed_ns = static_cast<double>(monotonic_ns() - start);
  fleet.run_for(settle_seconds);
  const double count = static_cast<double>(fleet.size());
  Round round;
  round.cpu_us = static_cast<double>(process_cpu_ns(server) - cpu) / 1000 / count;
  round.per_second = count / elapsed_ns * 1e9;
  fleet.close_all();
  fleet.run_for(settle_seconds);
  return round;
}

void print_spread(const char* name, std::vector<double> values, const char* end) {
  std::sort(values.begin(), values.end());
  std::printf("\"%s\":{\"min\":%.4g,\"median\":%.4g,\"max\":%.4g}%s", name, values.front(),
              values[values.size() / 2], values.back(), end);
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const ClientSettings settings = read_settings(args);
  FleetPlan plan;
  plan.count = static_cast<std::uint32_t>(args.number("count", 1000));
  plan.first = static_cast<std::uint32_t>(args.number("first", 0));
  plan.parallel = static_cast<std::uint32_t>(args.number("parallel", 32));
  const std::int64_t rounds = args.number("rounds", 5);
  const double settle_seconds = static_cast<double>(args.number("settle-ms", 1000)) / 1000;
  const pid_t server = require_server(args.number("pid", 0), ntohs(settings.server.sin_port));
  args.finish();
  raise_descriptor_limit();
  Loop loop;
  Fleet fleet(loop, settings, plan);
  log_in_once(fleet, server, settle_seconds);
  std::vector<double> cpu, rate;
  for (std::int64_t index = 0; index < rounds; ++index) {
    const Round round = log_in_once(fleet, server, settle_seconds);
    cpu.push_back(round.cpu_us);
    rate.push_back(round.per_second);
  }
  std::printf("{\"logins\":%u,\"rounds\":%lld,\"parallel\":%u,", plan.count,
              static_cast<long long>(rounds), plan.parallel);
  print_spread("cpuUsPerLogin", cpu, ",");
  print_spread("loginsPerSecond", rate, "}\n");
  return 0;
}
