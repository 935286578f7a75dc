// The scenarios of `rookery bench`. Each prints its figures and returns the exit code: 0 when
// nothing was lost, doubled, overtaken or cut off.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "load/accounts.h"
#include "load/args.h"
#include "load/client.h"
#include "load/fleet.h"

namespace rookery::load {

/// What all of them take.
struct ScenarioOptions {
  ClientSettings settings;
  Accounts accounts;
  std::uint32_t first = 0;      ///< Index of the first account.
  std::uint32_t parallel = 50;  ///< Logins under way at once, in all processes together.
  std::uint32_t processes = 0;  ///< 0: as many as it takes.
  pid_t server = 0;             ///< 0: it cannot be seen.
  double login_timeout_seconds = 600;

  /// How many processes hold so many connections.
  [[nodiscard]] std::uint32_t processes_for(std::uint32_t connections) const;
  /// The part of process `number` out of `processes` in `count` units of `size` clients each,
  /// the first of which is that of index `from`.
  [[nodiscard]] FleetPlan share(std::uint32_t number, std::uint32_t of, std::uint32_t count,
                                std::uint32_t size, std::uint32_t from) const;
  /// Exits when there are too few accounts for so many connections; `per_account` is how many
  /// each gets.
  [[nodiscard]] std::uint32_t per_account(std::uint32_t connections) const;
};

int run_idle(ScenarioOptions& options, Args& args);
int run_chat(ScenarioOptions& options, Args& args);
int run_open(ScenarioOptions& options, Args& args);
int run_logins(ScenarioOptions& options, Args& args);
int run_offline(ScenarioOptions& options, Args& args);
int run_storm(ScenarioOptions& options, Args& args);

}  // namespace rookery::load
