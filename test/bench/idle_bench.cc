// Idle connections: what one costs the server in memory and CPU, and whether each can still
// receive. Connections are spread over several client processes (a process holds at most as many
// sockets as its descriptor limit allows). Server memory is what the process allocated (Anonymous
// of smaps_rollup): no file pages and no kernel memory.
//   idle_bench --server 127.0.0.1:5222 --count 15000 --security none|direct|starttls
// Measured cold (as it comes) and, with --warm-logins N, after N logins through a few connections,
// so that what the server allocates once does not count as a cost of each connection; besides, the
// growth from the first half of the connections to all of them. One JSON object is printed.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

#include "bench/common/fleet.h"
#include "bench/common/process_stat.h"

namespace {

using namespace rookery::bench;

constexpr std::uint32_t messages_under_way = 200;
constexpr double message_timeout_seconds = 60;

// Every connection is sent one message by the first client of its process.
class IdleFleet : public Fleet {
 public:
  using Fleet::Fleet;

  void on_stanza(Client& client, std::string_view stanza) override {
    if (element_name(stanza) != "message") return;
    const bool own = attribute(stanza, "id") == "to" + std::to_string(client.index());
    if (own && !reached_[position(client)]) {
      reached_[position(client)] = true;
      ++received_;
    } else {
      ++wrong_;  // somebody else's, an error, or the same twice
    }
  }

  std::uint32_t message_all() {
    received_ = 0;
    reached_.assign(size(), false);
    std::size_t sent = 0;
    const std::uint64_t deadline =
        monotonic_ns() + static_cast<std::uint64_t>(message_timeout_seconds * 1e9);
    while (received_ < size() && monotonic_ns() < deadline) {
      while (sent < size() && sent < received_ + messages_under_way) {
        Client& target = at(sent++);
        at(0).send_stanza("<message to='" + target.address() + "' type='chat' id='to" +
                          std::to_string(target.index()) + "'><body>hello</body></message>");
      }
      loop_.turn(20);
    }
    return wrong_ == 0 ? received_ : 0;
  }

 private:
  std::vector<bool> reached_;
  std::uint32_t received_ = 0;
  std::uint32_t wrong_ = 0;
};

struct Child {
  pid_t pid = 0;
  int commands = -1;
  int answers = -1;
};

char next_command(int commands, IdleFleet& fleet) {
  while (true) {
    pollfd waiting{commands, POLLIN, 0};
    if (poll(&waiting, 1, 0) == 1) {
      char command = 'Q';
      if (read(commands, &command, 1) != 1) command = 'Q';
      return command;
    }
    fleet.run_for(0.02);
  }
}

// Commands: L log in, M a message to everyone, Q quit. Each is answered with a count.
void child_main(const ClientSettings& settings, const FleetPlan& plan, double timeout_seconds,
                int commands, int answers) {
  raise_descriptor_limit();
  Loop loop;
  IdleFleet fleet(loop, settings, plan);
  while (true) {
    const char command = next_command(commands, fleet);
    std::uint32_t answer[2] = {0, 0};
    if (command == 'L') {
      fleet.login_all(timeout_seconds);
      answer[0] = fleet.ready_count();
    } else if (command == 'M') {
      answer[0] = fleet.message_all();
    } else {
      fleet.close_all();
      return;
    }
    answer[1] = fleet.lost_count();
    if (write(answers, answer, sizeof answer) != sizeof answer) return;
  }
}

Child spawn(const ClientSettings& settings, const FleetPlan& plan, double timeout_seconds) {
  int down[2];
  int up[2];
  if (pipe(down) != 0 || pipe(up) != 0) die("pipe");
  const pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    close(down[1]);
    close(up[0]);
    child_main(settings, plan, timeout_seconds, down[0], up[1]);
    _exit(0);
  }
  close(down[0]);
  close(up[1]);
  return Child{pid, down[1], up[0]};
}

struct Answer {
  std::uint32_t count = 0;
  std::uint32_t lost = 0;
};

// Gives the command to the children, `together` or one after the other, and adds up.
Answer command(const std::vector<Child>& children, char what, bool together) {
  Answer sum;
  const auto ask = [&](const Child& child) {
    if (write(child.commands, &what, 1) != 1) die("a client process is gone");
  };
  const auto hear = [&](const Child& child) {
    std::uint32_t answer[2];
    if (read(child.answers, answer, sizeof answer) != sizeof answer) {
      die("a client process is gone");
    }
    sum.count += answer[0];
    sum.lost += answer[1];
  };
  if (together) {
    for (const Child& child : children) ask(child);
  }
  for (const Child& child : children) {
    if (!together) ask(child);
    hear(child);
  }
  return sum;
}

void warm_up(const ClientSettings& settings, FleetPlan plan, std::int64_t logins) {
  Loop loop;
  plan.count = std::min<std::uint32_t>(plan.count, 200);
  for (std::int64_t done = 0; done < logins; done += plan.count) {
    IdleFleet fleet(loop, settings, plan);
    if (!fleet.login_all(60)) die("warm-up logins failed");
    fleet.close_all();
    fleet.run_for(0.05);
  }
}

double share_of(double after, double before, double count) { return (after - before) / count; }

struct Options {
  FleetPlan plan;
  std::uint32_t processes = 0;
  std::int64_t warm_logins = 0;
  double idle_seconds = 10;
  double login_timeout_seconds = 600;
};

std::vector<Child> spawn_all(const ClientSettings& settings, const Options& options) {
  std::vector<Child> children;
  const std::uint32_t count = options.plan.count;
  std::uint32_t first = options.plan.first;
  for (std::uint32_t index = 0; index < options.processes; ++index) {
    FleetPlan plan = options.plan;
    plan.count = count / options.processes + (index < count % options.processes ? 1 : 0);
    plan.first = first;
    first += plan.count;
    children.push_back(spawn(settings, plan, options.login_timeout_seconds));
  }
  return children;
}

double bytes(std::uint64_t count) { return static_cast<double>(count); }

double seconds_since(std::uint64_t start) {
  return static_cast<double>(monotonic_ns() - start) / 1e9;
}

struct MemoryPoint {
  ProcessMemory server;
  std::uint64_t kernel_bytes = 0;
};

MemoryPoint memory_now(pid_t server) { return {process_memory(server), kernel_slab_bytes()}; }

// Logs the processes in, half of them first, and returns the memory at the three points.
std::vector<MemoryPoint> log_in(const std::vector<Child>& children, pid_t server, Answer& ready) {
  std::vector<MemoryPoint> points{memory_now(server)};
  const auto half = static_cast<std::ptrdiff_t>(children.size() / 2);
  for (const auto& part : {std::vector<Child>(children.begin(), children.begin() + half),
                           std::vector<Child>(children.begin() + half, children.end())}) {
    const Answer answer = command(part, 'L', true);
    ready.count += answer.count;
    ready.lost += answer.lost;
    sleep(3);  // Presence handlers run behind the logins; what they use must have settled.
    points.push_back(memory_now(server));
  }
  return points;
}

int measure(const ClientSettings& settings, const Options& options, pid_t server) {
  if (options.warm_logins > 0) {
    warm_up(settings, options.plan, options.warm_logins);
    sleep(3);
  }
  const std::vector<Child> children = spawn_all(settings, options);
  const std::uint64_t start = monotonic_ns();
  const std::uint64_t login_cpu = process_cpu_ns(server);
  Answer ready;
  const std::vector<MemoryPoint> points = log_in(children, server, ready);
  const double login_seconds = seconds_since(start);
  const double login_cpu_us = static_cast<double>(process_cpu_ns(server) - login_cpu) / 1000;
  const std::uint64_t cpu = process_cpu_ns(server);
  usleep(static_cast<useconds_t>(options.idle_seconds * 1e6));
  const double idle_percent =
      static_cast<double>(process_cpu_ns(server) - cpu) / (options.idle_seconds * 1e9) * 100;
  const std::uint64_t message_start = monotonic_ns();
  const Answer reached = command(children, 'M', false);
  const double message_seconds = seconds_since(message_start);
  const ProcessMemory& first = points[0].server;
  const ProcessMemory& half = points[1].server;
  const ProcessMemory& last = points[2].server;
  const double count = options.plan.count;
  const double second_part = count - count * static_cast<double>(children.size() / 2) /
                                         static_cast<double>(children.size());
  std::printf(
      "{\"connections\":%u,\"security\":\"%s\",\"warmLogins\":%lld,\"ready\":%u,\"lost\":%u,"
      "\"receivedMessage\":%u,\"anonymousBytesPerConnection\":%.1f,"
      "\"anonymousBytesPerConnectionSecondHalf\":%.1f,\"rssBytesPerConnection\":%.1f,"
      "\"rssBytes\":%.0f,\"idleCpuPercent\":%.3f,\"idleSeconds\":%.0f,\"loginSeconds\":%.1f,"
      "\"loginCpuUsEach\":%.1f,\"messageSeconds\":%.1f,"
      "\"kernelBytesPerConnectionBothEnds\":%.0f}\n",
      options.plan.count,
      settings.security == Security::none     ? "none"
      : settings.security == Security::direct ? "direct"
                                              : "starttls",
      static_cast<long long>(options.warm_logins), ready.count, reached.lost, reached.count,
      share_of(bytes(last.anonymous_bytes), bytes(first.anonymous_bytes), count),
      share_of(bytes(last.anonymous_bytes), bytes(half.anonymous_bytes), second_part),
      share_of(bytes(last.rss_bytes), bytes(first.rss_bytes), count), bytes(last.rss_bytes),
      idle_percent, options.idle_seconds, login_seconds, login_cpu_us / count, message_seconds,
      share_of(bytes(points[2].kernel_bytes), bytes(points[0].kernel_bytes), count));
  for (const Child& child : children) {
    if (write(child.commands, "Q", 1) == 1) waitpid(child.pid, nullptr, 0);
  }
  return ready.count == options.plan.count && reached.count == options.plan.count ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const ClientSettings settings = read_settings(args);
  Options options;
  options.plan.count = static_cast<std::uint32_t>(args.number("count", 15000));
  options.plan.resources = static_cast<std::uint32_t>(args.number("resources", 1));
  options.plan.parallel = static_cast<std::uint32_t>(args.number("parallel", 50));
  // At least two, so that the second half can be measured on its own.
  options.processes = static_cast<std::uint32_t>(
      args.number("processes", std::max<std::int64_t>(2, options.plan.count / 15000 + 1)));
  options.warm_logins = args.number("warm-logins", 0);
  options.idle_seconds = static_cast<double>(args.number("idle-seconds", 10));
  options.login_timeout_seconds = static_cast<double>(args.number("login-timeout", 600));
  const pid_t server = require_server(args.number("pid", 0), ntohs(settings.server.sin_port));
  args.finish();
  if (options.processes < 2 || options.plan.count < options.processes) {
    die("--processes is at least 2 and at most --count");
  }
  signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  return measure(settings, options, server);
}
