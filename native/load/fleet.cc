// Many clients that log in together.
#include "load/fleet.h"

#include <cstdio>

#include "load/process_stat.h"

namespace rookery::load {
namespace {

constexpr std::uint32_t problems_shown = 5;
constexpr double nanoseconds_per_second = 1e9;

}  // namespace

Fleet::Fleet(Loop& loop, const ClientSettings& settings, const FleetPlan& plan)
    : loop_(loop), settings_(settings), plan_(plan), began_ns_(plan.count) {
  clients_.reserve(plan.count);
  for (std::uint32_t offset = 0; offset < plan.count; ++offset) {
    const std::uint32_t index = plan.first + offset;
    const std::uint32_t account = index / plan_.resources;
    clients_.push_back(std::make_unique<Client>(
        loop_, settings_, *this, index, plan_.accounts.user(account),
        // A device's resource is the number that it has among those of its account.
        settings_.protocol == Protocol::compact ? "d" + std::to_string(index % plan.resources + 1)
                                                : "r" + std::to_string(index % plan.resources)));
    if (const std::string* password = plan_.accounts.password(account)) {
      clients_.back()->set_password(*password);
    }
  }
}

void Fleet::start_more() {
  const std::uint64_t now = monotonic_ns();
  while (started_ < clients_.size() && under_way_ < plan_.parallel) {
    ++under_way_;
    began_ns_[started_] = now;
    clients_[started_++]->connect();
  }
  while (!waiting_.empty() && waiting_.top().due_ns <= now && under_way_ < plan_.parallel) {
    const std::uint32_t position = waiting_.top().position;
    waiting_.pop();
    if (clients_[position]->connected()) continue;
    ++under_way_;
    ++retries_;
    if (began_ns_[position] == 0) began_ns_[position] = now;
    clients_[position]->connect();
  }
}

void Fleet::begin_logins() {
  started_ = under_way_ = ready_count_ = lost_count_ = 0;
  waiting_ = {};
  start_more();
}

bool Fleet::continue_logins() {
  start_more();
  return ready_count_ == clients_.size();
}

bool Fleet::login_all(double timeout_seconds) {
  const std::uint64_t deadline =
      monotonic_ns() + static_cast<std::uint64_t>(timeout_seconds * nanoseconds_per_second);
  begin_logins();
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

void Fleet::on_ready(Client& client) {
  ++ready_count_;
  --under_way_;
  std::uint64_t& began = began_ns_[position(client)];
  login_latency_.add(monotonic_ns() - began);
  began = 0;
}

void Fleet::on_closed(Client& client) {
  const bool was_under_way = began_ns_[position(client)] != 0;
  if (was_under_way) {
    --under_way_;
  } else {
    --ready_count_;
  }
  if (plan_.retry_ms != 0) {
    // A little apart: half to one and a half of the time, the same in every run.
    const std::uint64_t wait_us = plan_.retry_ms * (500ull + client.index() * 7919ull % 1000);
    waiting_.push({monotonic_ns() + wait_us * 1000, static_cast<std::uint32_t>(position(client))});
    if (was_under_way) return;
  }
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
  settings.device_secret = args.text("device-secret", "");
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

}  // namespace rookery::load
