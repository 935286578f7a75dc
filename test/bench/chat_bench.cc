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
#include <cstring>
#include <deque>
#include <memory>

#include "bench/common/fleet.h"
#include "bench/common/latency.h"
#include "bench/common/process_stat.h"

namespace {

using namespace rookery::bench;

constexpr std::size_t id_digits = 10;

struct Pair {
  std::string frame;
  std::size_t id_at = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t completed = 0;
  std::uint32_t handled_base = 0;     // The sender's stanza count before its first message.
  std::deque<std::uint64_t> send_ns;  // Of the messages not yet received, in order.
};

struct Round {
  double cpu_us = 0;
  double cpu_stat_us = 0;
  double per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
  std::uint64_t messages = 0;
};

class Chat : public Fleet {
 public:
  Chat(Loop& loop, const ClientSettings& settings, const FleetPlan& plan, std::uint32_t outstanding,
       std::uint32_t body_bytes, std::uint32_t pause_ms)
      : Fleet(loop, settings, plan),
        acks_(settings.stream_management),
        outstanding_(outstanding),
        pause_ns_(std::uint64_t{pause_ms} * 1'000'000),
        pairs_(plan.count / 2) {
    for (std::size_t index = 0; index < pairs_.size(); ++index) {
      pairs_[index].frame = "<message to='" + at(2 * index + 1).address() + "' type='chat' id='" +
                            std::string(id_digits, '0') + "'><body>" +
                            std::string(body_bytes, 'x') + "</body></message>";
      pairs_[index].id_at = pairs_[index].frame.find(" id='") + 5;
    }
  }

  Round run(pid_t server, double warm_seconds, double seconds) {
    running_ = true;
    for (std::size_t index = 0; index < pairs_.size(); ++index) begin(index);
    run_paced(warm_seconds);
    latency_.clear();
    const std::uint64_t messages = completed_;
    const std::uint64_t cpu = process_cpu_ns(server);
    const std::uint64_t stat = process_cpu_stat_ns(server);
    const std::uint64_t start = monotonic_ns();
    run_paced(seconds);
    const double elapsed_ns = static_cast<double>(monotonic_ns() - start);
    Round round;
    round.messages = completed_ - messages;
    const double count = std::max<double>(1, static_cast<double>(round.messages));
    round.cpu_us = static_cast<double>(process_cpu_ns(server) - cpu) / 1000 / count;
    round.cpu_stat_us = static_cast<double>(process_cpu_stat_ns(server) - stat) / 1000 / count;
    round.per_second = count / elapsed_ns * 1e9;
    round.p50_us = latency_.percentile_us(50);
    round.p99_us = latency_.percentile_us(99);
    drain();
    return round;
  }

  void on_stanza(Client& client, std::string_view stanza) override {
    if (element_name(stanza) != "message") return;
    const std::size_t position_of = position(client);
    Pair& pair = pairs_[position_of / 2];
    const std::string id(attribute(stanza, "id"));
    const bool expected =
        position_of % 2 == 1 && attribute(stanza, "type") != "error" && id == id_of(pair.received);
    if (!expected) {
      if (wrong_++ < 5) {
        std::fprintf(stderr, "%s got a wrong message (wanted %s): %.*s\n", client.address().c_str(),
                     id_of(pair.received).c_str(),
                     static_cast<int>(std::min<std::size_t>(stanza.size(), 300)), stanza.data());
      }
      return;
    }
    ++pair.received;
    latency_.add(monotonic_ns() - pair.send_ns.front());
    pair.send_ns.pop_front();
    advance(position_of / 2);
  }

  void on_ack(Client& client, std::uint32_t handled) override {
    if (position(client) % 2 != 0) return;
    Pair& pair = pairs_[position(client) / 2];
    // The counter wraps at 2^32; a run does not get there.
    if (handled < pair.handled_base) return;
    pair.acknowledged = handled - pair.handled_base;
    advance(position(client) / 2);
  }

  [[nodiscard]] std::uint64_t wrong() const { return wrong_; }
  [[nodiscard]] std::uint64_t missing() const {
    std::uint64_t count = 0;
    for (const Pair& pair : pairs_) count += pair.sent - pair.completed;
    return count;
  }

 private:
  static std::string id_of(std::uint64_t number) {
    char text[id_digits + 1];
    std::snprintf(text, sizeof text, "%010llu", static_cast<unsigned long long>(number));
    return text;
  }

  void begin(std::size_t index) {
    Pair& pair = pairs_[index];
    if (pair.sent == 0) pair.handled_base = at(2 * index).stanzas_sent();
    for (std::uint32_t count = 0; count < outstanding_; ++count) send_next(index);
  }

  void send_next(std::size_t index) {
    Pair& pair = pairs_[index];
    if (!at(2 * index).ready()) return;
    const std::string id = id_of(pair.sent++);
    std::memcpy(pair.frame.data() + pair.id_at, id.data(), id_digits);
    pair.send_ns.push_back(monotonic_ns());
    at(2 * index).send_stanza(pair.frame);
    if (acks_) at(2 * index).request_ack();
  }

  void advance(std::size_t index) {
    Pair& pair = pairs_[index];
    const std::uint64_t now_complete =
        acks_ ? std::min(pair.received, pair.acknowledged) : pair.received;
    while (pair.completed < now_complete) {
      ++pair.completed;
      ++completed_;
      if (!running_) continue;
      if (pause_ns_ == 0) {
        send_next(index);
      } else {
        paused_.emplace_back(monotonic_ns() + pause_ns_, index);
      }
    }
  }

  void run_paced(double seconds) {
    const std::uint64_t deadline = monotonic_ns() + static_cast<std::uint64_t>(seconds * 1e9);
    std::uint64_t now = 0;
    while ((now = monotonic_ns()) < deadline) {
      while (!paused_.empty() && paused_.front().first <= now) {
        send_next(paused_.front().second);
        paused_.pop_front();
      }
      loop_.turn(5);
    }
  }

  void drain() {
    running_ = false;
    paused_.clear();
    const std::uint64_t deadline = monotonic_ns() + 10'000'000'000ull;
    while (missing() > 0 && monotonic_ns() < deadline) loop_.turn(5);
  }

  bool acks_;
  std::uint32_t outstanding_;
  std::uint64_t pause_ns_;
  bool running_ = false;
  std::uint64_t completed_ = 0;
  std::uint64_t wrong_ = 0;
  Latency latency_;
  std::vector<Pair> pairs_;
  std::deque<std::pair<std::uint64_t, std::size_t>> paused_;
};

void print_spread(const char* name, std::vector<double> values, const char* end) {
  std::sort(values.begin(), values.end());
  std::printf("\"%s\":{\"min\":%.4g,\"median\":%.4g,\"max\":%.4g}%s", name, values.front(),
              values[values.size() / 2], values.back(), end);
}

void print_rounds(const char* name, const std::vector<Round>& rounds, const Chat& chat) {
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
              static_cast<unsigned long long>(chat.wrong()), chat.lost_count());
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
  const auto outstanding = static_cast<std::uint32_t>(args.number("outstanding", 1));
  const auto body = static_cast<std::uint32_t>(args.number("body", 100));
  const auto pause_ms = static_cast<std::uint32_t>(args.number("pause-ms", 0));
  const std::int64_t rounds = args.number("rounds", 5);
  const double seconds = static_cast<double>(args.number("ms", 2000)) / 1000;
  const double warm = static_cast<double>(args.number("warm-ms", 300)) / 1000;
  const pid_t server = require_server(args.number("pid", 0), port_of(settings));
  const double login_timeout = static_cast<double>(args.number("login-timeout", 120));
  args.finish();
  raise_descriptor_limit();

  Loop loop;
  Chat chat(loop, settings, plan, outstanding, body, pause_ms);
  if (!chat.login_all(login_timeout)) return 1;
  std::unique_ptr<Chat> relay_chat;
  pid_t relay = 0;
  if (!relay_address.empty()) {
    ClientSettings relay_settings = settings;
    relay_settings.protocol = Protocol::relay;
    relay_settings.security = Security::none;
    relay_settings.stream_management = false;
    set_server(relay_settings, relay_address);
    relay = require_server(0, port_of(relay_settings));
    relay_chat = std::make_unique<Chat>(loop, relay_settings, plan, outstanding, body, pause_ms);
    if (!relay_chat->login_all(login_timeout)) return 1;
  }
  chat.run_for(0.5);
  std::vector<Round> server_rounds, relay_rounds;
  std::vector<double> ratios;
  for (std::int64_t index = 0; index < rounds; ++index) {
    if (relay_chat) relay_rounds.push_back(relay_chat->run(relay, warm, seconds));
    server_rounds.push_back(chat.run(server, warm, seconds));
    if (relay_chat) ratios.push_back(server_rounds.back().cpu_us / relay_rounds.back().cpu_us);
  }
  std::printf("{\"pairs\":%u,\"outstanding\":%u,\"bodyBytes\":%u,\"acks\":%s,\"rounds\":%lld,",
              plan.count / 2, outstanding, body, settings.stream_management ? "true" : "false",
              static_cast<long long>(rounds));
  if (relay_chat) {
    print_spread("ratio", ratios, ",");
    print_rounds("relay", relay_rounds, *relay_chat);
    std::printf(",");
  }
  print_rounds("server", server_rounds, chat);
  std::printf("}\n");
  const bool good = chat.missing() == 0 && chat.wrong() == 0 && chat.lost_count() == 0;
  // The server learns from TCP what has arrived, a little later; another run uses these accounts.
  chat.run_for(0.5);
  chat.close_all();
  return good ? 0 : 1;
}
