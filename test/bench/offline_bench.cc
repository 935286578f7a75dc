// Messages to users who are offline: senders with XEP-0198 send as fast as they are acknowledged,
// nobody is there to receive; then every recipient logs in and must get each message once, in the
// order of its sender, with a delay stamp; then logs in again and must get nothing.
//   offline_bench --server 127.0.0.1:5222 --senders 500 --messages 100 --recipients 2000
// Accounts u0 … u(senders + recipients - 1) must exist. One JSON object is printed.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "bench/common/fleet.h"
#include "bench/common/process_stat.h"

namespace {

using namespace rookery::bench;

// Messages for the same recipient from one sender: enough for an order to be wrong.
constexpr std::uint32_t messages_to_each = 10;

struct Sizes {
  std::uint32_t senders = 0;
  std::uint32_t messages = 0;
  std::uint32_t recipients = 0;
  std::uint32_t window = 0;
  [[nodiscard]] std::uint64_t total() const { return std::uint64_t{senders} * messages; }
  // A sender takes turns among the recipients of a run of messages.
  [[nodiscard]] std::uint32_t recipient_of(std::uint32_t sender, std::uint32_t message) const {
    const std::uint32_t targets = std::max(1u, messages / messages_to_each);
    return (sender * targets + message % targets) % recipients;
  }
};

class Senders : public Fleet {
 public:
  Senders(Loop& loop, const ClientSettings& settings, const FleetPlan& plan, const Sizes& sizes)
      : Fleet(loop, settings, plan), domain_(settings.domain), sizes_(sizes), states_(plan.count) {}

  // Returns the seconds until the last acknowledgement, or a negative number at the deadline.
  double send_all(double timeout_seconds) {
    const std::uint64_t start = monotonic_ns();
    const std::uint64_t deadline = start + static_cast<std::uint64_t>(timeout_seconds * 1e9);
    for (std::size_t index = 0; index < size(); ++index) {
      states_[index].base = at(index).stanzas_sent();
      send_more(index);
    }
    while (acknowledged_ < sizes_.total() && monotonic_ns() < deadline) loop_.turn(5);
    if (acknowledged_ < sizes_.total()) return -1;
    return static_cast<double>(monotonic_ns() - start) / 1e9;
  }

  void on_stanza(Client& client, std::string_view stanza) override {
    if (element_name(stanza) != "message") return;
    if (errors_++ < 5) {
      std::fprintf(stderr, "%s got %.*s\n", client.address().c_str(),
                   static_cast<int>(std::min<std::size_t>(stanza.size(), 300)), stanza.data());
    }
  }

  void on_ack(Client& client, std::uint32_t handled) override {
    State& state = states_[position(client)];
    if (handled < state.base) return;
    const std::uint32_t now = handled - state.base;
    acknowledged_ += now - state.acknowledged;
    state.acknowledged = now;
    send_more(position(client));
  }

  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint32_t errors() const { return errors_; }

 private:
  struct State {
    std::uint32_t base = 0;
    std::uint32_t sent = 0;
    std::uint32_t acknowledged = 0;
  };

  void send_more(std::size_t index) {
    State& state = states_[index];
    bool any = false;
    while (state.sent < sizes_.messages && state.sent - state.acknowledged < sizes_.window) {
      const std::uint32_t number = state.sent++;
      const auto sender = static_cast<std::uint32_t>(index);
      const std::uint32_t recipient = sizes_.senders + sizes_.recipient_of(sender, number);
      at(index).send_stanza("<message to='u" + std::to_string(recipient) + "@" + domain_ +
                            "' type='chat' id='" + std::to_string(index) + "-" +
                            std::to_string(number) + "'><body>" + std::string(100, 'x') +
                            "</body></message>");
      any = true;
    }
    if (any) at(index).request_ack();
  }

  std::string domain_;
  Sizes sizes_;
  std::vector<State> states_;
  std::uint64_t acknowledged_ = 0;
  std::uint32_t errors_ = 0;
};

class Recipients : public Fleet {
 public:
  Recipients(Loop& loop, const ClientSettings& settings, const FleetPlan& plan)
      : Fleet(loop, settings, plan), latest_(plan.count) {}

  void on_stanza(Client& client, std::string_view stanza) override {
    if (element_name(stanza) != "message") return;
    const std::string id(attribute(stanza, "id"));
    const std::size_t dash = id.find('-');
    if (dash == std::string::npos) return;
    const long number = std::atol(id.c_str() + dash + 1);
    if (stanza.find("urn:xmpp:delay") == std::string_view::npos) ++without_stamp_;
    auto& latest = latest_[position(client)];
    const auto found = latest.find(id.substr(0, dash));
    if (found != latest.end() && number == found->second) ++duplicates_;
    if (found != latest.end() && number < found->second) ++out_of_order_;
    latest[id.substr(0, dash)] = number;
    ++received_;
  }

  void collect(std::uint64_t expected, double timeout_seconds) {
    const std::uint64_t deadline =
        monotonic_ns() + static_cast<std::uint64_t>(timeout_seconds * 1e9);
    while (received_ < expected && monotonic_ns() < deadline) loop_.turn(10);
    // Long enough for a duplicate to arrive, and for our acknowledgements to be taken.
    run_for(1);
  }

  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] std::uint64_t duplicates() const { return duplicates_; }
  [[nodiscard]] std::uint64_t out_of_order() const { return out_of_order_; }
  [[nodiscard]] std::uint64_t without_stamp() const { return without_stamp_; }

 private:
  std::vector<std::map<std::string, long>> latest_;
  std::uint64_t received_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t out_of_order_ = 0;
  std::uint64_t without_stamp_ = 0;
};

unsigned long long wide(std::uint64_t number) { return number; }

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  ClientSettings settings = read_settings(args);
  settings.stream_management = true;
  Sizes sizes;
  sizes.senders = static_cast<std::uint32_t>(args.number("senders", 500));
  sizes.messages = static_cast<std::uint32_t>(args.number("messages", 100));
  sizes.recipients = static_cast<std::uint32_t>(args.number("recipients", 2000));
  sizes.window = static_cast<std::uint32_t>(args.number("window", 100));
  const double timeout_seconds = static_cast<double>(args.number("timeout", 60));
  const pid_t server = require_server(args.number("pid", 0), ntohs(settings.server.sin_port));
  args.finish();
  raise_descriptor_limit();
  if (sizes.recipients == 0) die("--recipients is at least 1");

  Loop loop;
  FleetPlan sender_plan;
  sender_plan.count = sizes.senders;
  Senders senders(loop, settings, sender_plan, sizes);
  if (!senders.login_all(120)) return 1;
  senders.run_for(1);
  const std::uint64_t cpu = process_cpu_ns(server);
  const double seconds = senders.send_all(timeout_seconds);
  const double cpu_us = static_cast<double>(process_cpu_ns(server) - cpu) / 1000;
  FleetPlan plan;
  plan.first = sizes.senders;
  plan.count = sizes.recipients;
  Recipients recipients(loop, settings, plan);
  if (!recipients.login_all(120)) return 1;
  recipients.collect(sizes.total(), timeout_seconds);
  recipients.close_all();
  recipients.run_for(1);
  Recipients again(loop, settings, plan);
  if (!again.login_all(120)) return 1;
  again.collect(1, 2);
  const double total = static_cast<double>(sizes.total());
  std::printf(
      "{\"senders\":%u,\"messagesEach\":%u,\"recipients\":%u,\"acknowledged\":%llu,"
      "\"errors\":%u,\"seconds\":%.3f,\"messagesPerSecond\":%.0f,\"cpuUsPerMessage\":%.2f,"
      "\"received\":%llu,\"duplicates\":%llu,\"outOfOrder\":%llu,\"withoutDelayStamp\":%llu,"
      "\"receivedAgain\":%llu}\n",
      sizes.senders, sizes.messages, sizes.recipients, wide(senders.acknowledged()),
      senders.errors(), seconds, seconds > 0 ? total / seconds : 0, cpu_us / total,
      wide(recipients.received()), wide(recipients.duplicates()), wide(recipients.out_of_order()),
      wide(recipients.without_stamp()), wide(again.received()));
  const bool good = seconds > 0 && recipients.received() == sizes.total() &&
                    recipients.duplicates() == 0 && recipients.out_of_order() == 0 &&
                    recipients.without_stamp() == 0 && again.received() == 0;
  again.close_all();
  senders.close_all();
  return good ? 0 : 1;
}
