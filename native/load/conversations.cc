// Pairs that write.
#include "load/conversations.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "load/process_stat.h"

namespace rookery::load {
namespace {

constexpr std::size_t id_digits = 10;
constexpr std::uint64_t range_size = 1'000'000'000;
constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t tick_ns = 5'000'000;
// Of a pair, so that a server which swallows messages does not fill our memory.
constexpr std::size_t most_times = 65'536;
constexpr std::uint32_t most_shown = 5;

}  // namespace

Conversations::Conversations(Loop& loop, const ClientSettings& settings, const FleetPlan& plan,
                             const TalkPlan& talk)
    : Fleet(loop, settings, plan), talk_(talk), pairs_(plan.count / 2) {
  for (std::size_t index = 0; index < pairs_.size(); ++index) {
    pairs_[index].frame = "<message to='" + at(2 * index + 1).address() + "' type='chat' id='" +
                          std::string(id_digits, '0') + "'><body>" +
                          std::string(talk.body_bytes, 'x') + "</body></message>";
    pairs_[index].id_at = pairs_[index].frame.find(" id='") + 5;
  }
}

void Conversations::begin() {
  running_ = true;
  began_ = true;
  const std::uint64_t now = monotonic_ns();
  began_ns_ = now;
  due_ = 0;
  for (std::size_t index = 0; index < pairs_.size(); ++index) {
    Pair& pair = pairs_[index];
    if (pair.sent == 0) pair.handled_base = at(2 * index).stanzas_sent();
    if (talk_.rate_per_second > 0) continue;
    for (std::uint32_t count = 0; count < talk_.outstanding; ++count) send_next(index, now);
  }
}

void Conversations::stop() {
  running_ = false;
  paused_.clear();
}

void Conversations::forget() {
  stop();
  ++range_;
  for (Pair& pair : pairs_) {
    std::string frame = std::move(pair.frame);
    const std::size_t id_at = pair.id_at;
    pair = Pair{};
    pair.frame = std::move(frame);
    pair.id_at = id_at;
  }
  counts_ = {};
  latency_.clear();
  lateness_.clear();
}

std::uint64_t Conversations::tick(std::uint64_t now_ns) {
  if (!running_) return 10 * tick_ns;
  if (talk_.rate_per_second > 0) return tick_open(now_ns);
  while (!paused_.empty() && paused_.front().first <= now_ns) {
    send_next(paused_.front().second, now_ns);
    paused_.pop_front();
  }
  if (talk_.give_up_ms != 0 && now_ns - looked_ns_ > second_ns) {
    looked_ns_ = now_ns;
    give_up(now_ns);
  }
  return tick_ns;
}

// The k-th message is due k / rate after the beginning, from each pair in turn.
std::uint64_t Conversations::tick_open(std::uint64_t now_ns) {
  const double gap_ns = static_cast<double>(second_ns) / talk_.rate_per_second;
  while (true) {
    const auto meant = began_ns_ + static_cast<std::uint64_t>(static_cast<double>(due_) * gap_ns);
    if (meant > now_ns) return meant - now_ns;
    const std::size_t index = due_++ % pairs_.size();
    if (at(2 * index).ready()) {
      lateness_.add(now_ns - meant);
      send_next(index, meant);
    } else {
      ++counts_.unsent;
    }
  }
}

void Conversations::give_up(std::uint64_t now_ns) {
  for (std::size_t index = 0; index < pairs_.size(); ++index) {
    Pair& pair = pairs_[index];
    const std::uint64_t open = pair.sent - pair.completed - pair.forgiven;
    if (open == 0 || now_ns - pair.active_ns < talk_.give_up_ms * 1'000'000ull) continue;
    pair.forgiven += open;
    pair.active_ns = now_ns;
    for (std::uint64_t count = 0; count < open; ++count) send_next(index, now_ns);
  }
}

void Conversations::send_next(std::size_t index, std::uint64_t meant_ns) {
  Pair& pair = pairs_[index];
  Client& sender = at(2 * index);
  if (!sender.ready()) return;
  char id[id_digits + 1];
  std::snprintf(id, sizeof id, "%010llu",
                static_cast<unsigned long long>(range_ % 10 * range_size + pair.sent));
  ++pair.sent;
  ++counts_.sent;
  std::memcpy(pair.frame.data() + pair.id_at, id, id_digits);
  if (pair.times_ns.size() == most_times) {
    pair.times_ns.pop_front();
    ++pair.times_base;
  }
  pair.times_ns.push_back(meant_ns);
  pair.active_ns = meant_ns;
  sender.send_stanza(pair.frame);
  if (settings_.stream_management) sender.request_ack();
}

bool Conversations::parse_number(std::string_view id, std::uint64_t& number) const {
  if (id.size() != id_digits) return false;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size()) return false;
  if (number / range_size != range_ % 10) return false;
  number %= range_size;
  return true;
}

void Conversations::on_stanza(Client& client, std::string_view stanza) {
  if (element_name(stanza) != "message") return;
  if (!began_ && range_ == 0) return;  // Left over from before this run.
  if (attribute(stanza, "type") == "error") {
    ++counts_.refused;
    return wrong(client, stanza);
  }
  const std::size_t index = position(client) / 2;
  Pair& pair = pairs_[index];
  std::uint64_t number = 0;
  if (position(client) % 2 == 0 || !parse_number(attribute(stanza, "id"), number) ||
      number >= pair.sent) {
    ++counts_.foreign;
    return wrong(client, stanza);
  }
  switch (pair.sequence.take(number)) {
    case Arrival::duplicate: ++counts_.duplicates; return;
    case Arrival::late:
      ++counts_.late;
      // What was given up has its successor already.
      if (pair.forgiven > 0) {
        --pair.forgiven;
        ++pair.spared;
      }
      break;
    case Arrival::in_order: break;
  }
  ++pair.arrived;
  ++counts_.arrived;
  take_time(pair, number);
  advance(index);
}

void Conversations::wrong(Client& client, std::string_view stanza) {
  if (shown_++ >= most_shown) return;
  std::fprintf(stderr, "%s got a wrong message: %.*s\n", client.address().c_str(),
               static_cast<int>(std::min<std::size_t>(stanza.size(), 300)), stanza.data());
}

void Conversations::take_time(Pair& pair, std::uint64_t number) {
  if (number < pair.times_base) return;
  const std::uint64_t now = monotonic_ns();
  std::uint64_t& meant = pair.times_ns[static_cast<std::size_t>(number - pair.times_base)];
  latency_.add(now > meant ? now - meant : 0);
  meant = 0;
  pair.active_ns = now;
  while (!pair.times_ns.empty() && pair.times_ns.front() == 0) {
    pair.times_ns.pop_front();
    ++pair.times_base;
  }
}

void Conversations::on_ack(Client& client, std::uint32_t handled) {
  if (position(client) % 2 != 0) return;
  Pair& pair = pairs_[position(client) / 2];
  // The counter wraps at 2^32; a run does not get there.
  if (handled < pair.handled_base) return;
  pair.acknowledged = handled - pair.handled_base;
  advance(position(client) / 2);
}

void Conversations::advance(std::size_t index) {
  Pair& pair = pairs_[index];
  const std::uint64_t complete =
      settings_.stream_management ? std::min(pair.arrived, pair.acknowledged) : pair.arrived;
  while (pair.completed < complete) {
    ++pair.completed;
    ++counts_.completed;
    if (!running_ || talk_.rate_per_second > 0) continue;
    if (pair.spared > 0) {
      --pair.spared;
    } else if (talk_.pause_ms == 0) {
      send_next(index, monotonic_ns());
    } else {
      paused_.emplace_back(monotonic_ns() + talk_.pause_ms * 1'000'000ull, index);
    }
  }
}

std::uint64_t Conversations::missing() const {
  std::uint64_t count = 0;
  for (const Pair& pair : pairs_) count += pair.sent - pair.completed;
  return count;
}

std::uint64_t Conversations::lost() const {
  std::uint64_t count = 0;
  for (const Pair& pair : pairs_) count += pair.sequence.missing(pair.sent);
  return count;
}

void Conversations::talk_for(double seconds) {
  const std::uint64_t deadline = monotonic_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  std::uint64_t now = 0;
  while ((now = monotonic_ns()) < deadline) loop_.turn_ns(std::min(tick(now), tick_ns));
}

void Conversations::drain(double timeout_seconds) {
  stop();
  const std::uint64_t deadline = monotonic_ns() + static_cast<std::uint64_t>(timeout_seconds * 1e9);
  while (missing() > 0 && monotonic_ns() < deadline) loop_.turn(5);
}

}  // namespace rookery::load
