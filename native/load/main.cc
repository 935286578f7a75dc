// rookery-load SCENARIO --name value …: the program behind `rookery bench`. Progress goes to
// standard error, the figures as one JSON object to standard output.
#include <netinet/in.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

#include "load/process_stat.h"
#include "load/scenarios.h"

namespace rookery::load {
namespace {

// Of the descriptors of a process, some are not sockets.
constexpr std::uint32_t connections_per_process = 15'000;

struct Scenario {
  std::string_view name;
  int (*run)(ScenarioOptions&, Args&);
};

constexpr Scenario scenarios[] = {
    {"idle", run_idle},     {"chat", run_chat},       {"open", run_open},
    {"logins", run_logins}, {"offline", run_offline}, {"storm", run_storm},
};

ScenarioOptions read_options(Args& args) {
  ScenarioOptions options;
  options.settings = read_settings(args);
  if (const std::string file = args.text("users", ""); !file.empty()) {
    options.accounts = Accounts::read(file);
    if (!options.accounts.domain().empty()) options.settings.domain = options.accounts.domain();
  } else {
    options.accounts = Accounts(args.text("prefix", "u"));
  }
  options.first = static_cast<std::uint32_t>(args.number("first", 0));
  options.parallel = static_cast<std::uint32_t>(args.number("parallel", 50));
  options.processes = static_cast<std::uint32_t>(args.number("processes", 0));
  options.login_timeout_seconds = static_cast<double>(args.number("login-timeout", 600));
  options.server = static_cast<pid_t>(args.number("pid", 0));
  if (options.server == 0 && options.settings.use_sources) {
    options.server = find_listener(ntohs(options.settings.server.sin_port));
  }
  if (options.parallel == 0) die("--parallel is at least 1");
  return options;
}

int main_of(int argc, char** argv) {
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  for (const Scenario& scenario : scenarios) {
    if (scenario.name != wanted) continue;
    Args args(argc - 1, argv + 1);
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    ScenarioOptions options = read_options(args);
    return scenario.run(options, args);
  }
  std::fprintf(stderr, "usage: rookery-load idle|chat|open|logins|offline|storm --server …\n");
  return 2;
}

}  // namespace

std::uint32_t ScenarioOptions::processes_for(std::uint32_t connections) const {
  const std::uint32_t needed =
      (connections + connections_per_process - 1) / connections_per_process;
  return std::max({processes, needed, 1u});
}

FleetPlan ScenarioOptions::share(std::uint32_t number, std::uint32_t of, std::uint32_t count,
                                 std::uint32_t size, std::uint32_t from) const {
  FleetPlan plan;
  const std::uint32_t each = count / of;
  const std::uint32_t more = count % of;
  plan.count = (each + (number < more ? 1 : 0)) * size;
  plan.first = from + (each * number + std::min(number, more)) * size;
  plan.parallel = std::max(1u, parallel / of);
  plan.accounts = accounts;
  return plan;
}

std::uint32_t ScenarioOptions::per_account(std::uint32_t connections) const {
  const std::uint32_t listed = accounts.count();
  if (listed == 0) return 1;
  if (listed <= first) die("the file has no more than " + std::to_string(listed) + " accounts");
  return (connections + listed - first - 1) / (listed - first);
}

}  // namespace rookery::load

int main(int argc, char** argv) { return rookery::load::main_of(argc, argv); }
