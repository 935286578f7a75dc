// One-to-one chat in closed loops: every pair keeps a number of messages under way, and the sender
// sends the next when its peer has received one (and, with acknowledgements, when the server has
// taken the responsibility). Measures the server's CPU for each message over all its threads,
// throughput and latency; interleaves rounds against the bare relay with the same client code and
// the same frames; checks that nothing is lost or out of order.
//   chat_bench --server 127.0.0.1:5222 --relay 127.0.0.1:5333 --pairs 100 --outstanding 1
//              --rounds 5 --seconds 2 --acks 0
// Accounts u0, u1 … must exist. One JSON object is printed.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "load/conversations.h"
#include "load/process_stat.h"

namespace {

using namespace rookery::load;

constexpr double drain_seconds = 10;

struct Round {
  double cpu_us = 0;
  double cpu_stat_us = 0;
  double per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
  std::uint64_t messages = 0;
};

Round run(Conversations& chat, pid_t server, double warm_seconds, double seconds) {
  chat.begin();
  chat.talk_for(warm_seconds);
  chat.latency().clear();
  const std::uint64_t messages = chat.counts().completed;
  const std::uint64_t cpu = process_cpu_ns(server);
  const std::uint64_t stat = process_cpu_stat_ns(server);
  const std::uint64_t start = monotonic_ns();
  chat.talk_for(seconds);
  const double elapsed_ns = static_cast<double>(monotonic_ns() - start);
  Round round;
  round.messages = chat.counts().completed - messages;
  const double count = std::max<double>(1, static_cast<double>(round.messages));
  round.cpu_us = static_cast<double>(process_cpu_ns(server) - cpu) / 1000 / count;
  round.cpu_stat_us = static_cast<double>(process_cpu_stat_ns(server) - stat) / 1000 / count;
  round.per_second = count / elapsed_ns * 1e9;
  round.p50_us = chat.latency().percentile_us(50);
  round.p99_us = chat.latency().percentile_us(99);
  chat.drain(drain_seconds);
  return round;
}

std::uint64_t wrong(const Conversations& chat) {
  const TalkCounts& counts = chat.counts();
  return counts.duplicates + counts.late + counts.refused + counts.foreign;
}

void print_spread(const char* name, std::vector<double> values, const char* end) {
  std::sort(values.begin(), values.end());
  std::printf("\"%s\":{\"min\":%.4g,\"median\":%.4g,\"max\":%.4g}%s", name, values.front(),
              values[values.size() / 2], values.back(), end);
}

void print_rounds(const char* name, const std::vector<Round>& rounds, const Conversations& chat) {
  std::vector<double> cpu, stat, rate, p50, p99;
  std::uint64_t messages = 0;
  for (const Round& round : rounds) {
    cpu.push_back(round.cpu_us);
    stat.push_back(round.cpu_stat_us);
    rate.push_back(round.per_second);
    p50.push_back(round.p50_us);
    p99.push_back(round.p99_us);
    messages += round.messages;
  }
  std::printf("\"%s\":{\"messages\":%llu,\"missing\":%llu,\"wrong\":%llu,\"lostConnections\":%u,",
              name, static_cast<unsigned long long>(messages),
              static_cast<unsigned long long>(chat.missing()),
              static_cast<unsigned long long>(wrong(chat)), chat.lost_count());
  print_spread("cpuUsPerMessage", cpu, ",");
  print_spread("cpuUsPerMessageByTicks", stat, ",");
  print_spread("messagesPerSecond", rate, ",");
  print_spread("latencyP50Us", p50, ",");
  print_spread("latencyP99Us", p99, "}");
}

std::uint16_t port_of(const ClientSettings& settings) { return ntohs(settings.server.sin_port); }

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const ClientSettings settings = read_settings(args);
  const std::string relay_address = args.text("relay", "");
  FleetPlan plan;
  plan.count = 2 * static_cast<std::uint32_t>(args.number("pairs", 100));
  plan.first = 2 * static_cast<std::uint32_t>(args.number("first-pair", 0));
  plan.parallel = static_cast<std::uint32_t>(args.number("parallel", 100));
  TalkPlan talk;
  talk.outstanding = static_cast<std::uint32_t>(args.number("outstanding", 1));
  talk.body_bytes = static_cast<std::uint32_t>(args.number("body", 100));
  talk.pause_ms = static_cast<std::uint32_t>(args.number("pause-ms", 0));
  const std::int64_t rounds = args.number("rounds", 5);
  const double seconds = static_cast<double>(args.number("ms", 2000)) / 1000;
  const double warm = static_cast<double>(args.number("warm-ms", 300)) / 1000;
  const pid_t server = require_server(args.number("pid", 0), port_of(settings));
  const double login_timeout = static_cast<double>(args.number("login-timeout", 120));
  args.finish();
  raise_descriptor_limit();

  Loop loop;
  Conversations chat(loop, settings, plan, talk);
  if (!chat.login_all(login_timeout)) return 1;
  std::unique_ptr<Conversations> relay_chat;
  pid_t relay = 0;
  if (!relay_address.empty()) {
    ClientSettings relay_settings = settings;
    relay_settings.protocol = Protocol::relay;
    relay_settings.security = Security::none;
    relay_settings.stream_management = false;
    set_server(relay_settings, relay_address);
    relay = require_server(0, port_of(relay_settings));
    relay_chat = std::make_unique<Conversations>(loop, relay_settings, plan, talk);
    if (!relay_chat->login_all(login_timeout)) return 1;
  }
  chat.run_for(0.5);
  std::vector<Round> server_rounds, relay_rounds;
  std::vector<double> ratios;
  for (std::int64_t index = 0; index < rounds; ++index) {
    if (relay_chat) relay_rounds.push_back(run(*relay_chat, relay, warm, seconds));
    server_rounds.push_back(run(chat, server, warm, seconds));
    if (relay_chat) ratios.push_back(server_rounds.back().cpu_us / relay_rounds.back().cpu_us);
  }
  std::printf("{\"pairs\":%u,\"outstanding\":%u,\"bodyBytes\":%u,\"acks\":%s,\"rounds\":%lld,",
              plan.count / 2, talk.outstanding, talk.body_bytes,
              settings.stream_management ? "true" : "false", static_cast<long long>(rounds));
  if (relay_chat) {
    print_spread("ratio", ratios, ",");
    print_rounds("relay", relay_rounds, *relay_chat);
    std::printf(",");
  }
  print_rounds("server", server_rounds, chat);
  std::printf("}\n");
  const bool good = chat.missing() == 0 && wrong(chat) == 0 && chat.lost_count() == 0;
  // The server learns from TCP what has arrived, a little later; another run uses these accounts.
  chat.run_for(0.5);
  chat.close_all();
  return good ? 0 : 1;
}
