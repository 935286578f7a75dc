// Many clients that log in together.
#include "bench/common/fleet.h"

#include <cstdio>

#include "bench/common/process_stat.h"

namespace rookery::bench {
namespace {

constexpr std::uint32_t problems_shown = 5;
constexpr double nanoseconds_per_second = 1e9;

}  // namespace

Fleet::Fleet(Loop& loop, const ClientSettings& settings, const FleetPlan& plan)
    : loop_(loop), settings_(settings), plan_(plan) {
  clients_.reserve(plan.count);
  for (std::uint32_t offset = 0; offset < plan.count; ++offset) {
    const std::uint32_t index = plan.first + offset;
    clients_.push_back(std::make_unique<Client>(
        loop_, settings_, *this, index, plan.prefix + std::to_string(index / plan.resources),
        // A device's resource is the number that it has among those of its account.
        settings_.protocol == Protocol::compact ? "d" + std::to_string(index % plan.resources + 1)
                                                : "r" + std::to_string(index % plan.resources)));
  }
}

void Fleet::start_more() {
  while (started_ < clients_.size() && under_way_ < plan_.parallel) {
    ++under_way_;
    clients_[started_++]->connect();
  }
}

bool Fleet::login_all(double timeout_seconds) {
  started_ = under_way_ = ready_count_ = lost_count_ = 0;
  const std::uint64_t deadline =
      monotonic_ns() + static_cast<std::uint64_t>(timeout_seconds * nanoseconds_per_second);
  start_more();
  while (ready_count_ < clients_.size() && lost_count_ == 0 && monotonic_ns() < deadline) {
    loop_.turn(20);
    start_more();
  }
  if (ready_count_ == clients_.size()) return true;
  std::fprintf(stderr, "%u of %zu clients are ready, %u were lost\n", ready_count_, clients_.size(),
               lost_count_);
  return false;
}

void Fleet::close_all(bool abruptly) {
  for (const auto& client : clients_) client->close(abruptly);
}

void Fleet::run_for(double seconds) {
  const std::uint64_t deadline =
      monotonic_ns() + static_cast<std::uint64_t>(seconds * nanoseconds_per_second);
  while (monotonic_ns() < deadline) loop_.turn(10);
}

void Fleet::on_ready(Client& /*client*/) {
  ++ready_count_;
  --under_way_;
}

void Fleet::on_closed(Client& client) {
  if (lost_count_++ < problems_shown) {
    std::fprintf(stderr, "%s: %s\n", client.address().c_str(), client.problem().c_str());
  }
}

ClientSettings read_settings(Args& args) {
  ClientSettings settings;
  set_server(settings, args.text("server", "127.0.0.1:5222"));
  settings.domain = args.text("domain", "localhost");
  settings.password = args.text("password", "secret");
  const std::string security = args.text("security", "none");
  if (security == "starttls") {
    settings.security = Security::starttls;
  } else if (security == "direct") {
    settings.security = Security::direct;
  } else if (security != "none") {
    die("--security is none, starttls or direct");
  }
  const std::string protocol = args.text("protocol", "xmpp");
  if (protocol == "compact") {
    settings.protocol = Protocol::compact;
  } else if (protocol == "websocket") {
    settings.protocol = Protocol::websocket;
  } else if (protocol != "xmpp") {
    die("--protocol is xmpp, websocket or compact");
  }
  const std::string server_key = args.text("server-key", "");
  if (!server_key.empty() && server_key.size() != 2 * kNoiseKeyBytes) {
    die("--server-key is the server's Noise key, 64 hexadecimal digits");
  }
  for (std::size_t at = 0; at < server_key.size(); at += 2) {
    settings.server_key[at / 2] =
        static_cast<std::uint8_t>(std::stoul(server_key.substr(at, 2), nullptr, 16));
  }
  const std::string mechanism = args.text("mechanism", "scram");
  if (mechanism != "scram" && mechanism != "plain") die("--mechanism is scram or plain");
  settings.use_plain = mechanism == "plain";
  settings.stream_management = args.flag("acks", false);
  settings.presence = args.flag("presence", true);
  settings.clients_per_source = static_cast<std::uint32_t>(args.number("per-source", 5000));
  settings.source_base = static_cast<std::uint32_t>(args.number("source-base", 1));
  if (settings.clients_per_source == 0) die("--per-source is at least 1");
  return settings;
}

}  // namespace rookery::bench
