// Accepting connections.
#include "engine/listeners.h"

#include <optional>
#include <string_view>
#include <utility>

namespace rookery {
namespace {

constexpr int accepts_per_turn = 64;
constexpr MonoUs reopen_pause_us = 250'000;
// Connections that wait to be let in, of a shard: their descriptors must not fill its table.
constexpr std::size_t most_held = 4096;

void for_each_line(std::string_view lines, const auto& visit) {
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    if (!line.empty()) visit(line);
    if (end == std::string_view::npos) return;
    lines.remove_prefix(end + 1);
  }
}

}  // namespace

Listeners::Listeners(SessionContext& context, ConnectionIo& io)
    : context_(context), io_(io), accept_rate_(context.config.accepts_per_second) {}

std::vector<Listeners::Open> Listeners::open(std::vector<std::string>& problems) {
  std::vector<Open> opened;
  if (opened_) return opened;
  opened_ = true;
  const auto add = [&](std::string_view name, std::string_view address, ListenerKind kind) {
    std::string error;
    const int descriptor = context_.network.listen(address, listeners_.size(), error);
    if (descriptor < 0) {
      problems.push_back(error);
      return;
    }
    listeners_.push_back({std::string(address), kind, descriptor});
    std::string_view host = address.substr(0, address.rfind(':'));
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    opened.push_back(
        {std::string(name), std::string(host), context_.network.local_port(descriptor)});
  };
  const auto add_all = [&](std::string_view name, std::string_view lines, ListenerKind kind) {
    for_each_line(lines, [&](std::string_view line) { add(name, line, kind); });
  };
  const boundary::EngineConfig& config = context_.config;
  add_all("xmpp", config.xmpp_listen, {});
  add_all("xmpps", config.xmpp_direct_tls, {.direct_tls = true});
  add_all("ws", config.websocket_listen, {.websocket = true});
  add_all("wss", config.websocket_direct_tls, {.direct_tls = true, .websocket = true});
  add_all("compact", config.compact_listen, {.compact = true});
  return opened;
}

void Listeners::close() {
  for (const Listener& listener : listeners_) {
    if (listener.descriptor >= 0) context_.network.close(listener.descriptor);
  }
  listeners_.clear();
  while (const std::optional<Held> held = held_.pop()) {
    context_.network.close(held->accepted.descriptor);
  }
  context_.timers.cancel(timer_);
  timer_ = 0;
}

void Listeners::readable(std::uint64_t token) {
  if (token >= listeners_.size() || listeners_[token].descriptor < 0 || full_) return;
  Listener& listener = listeners_[token];
  for (int count = 0; count < accepts_per_turn; ++count) {
    if (held_.size() >= most_held) {
      set_full(true);
      return;
    }
    const Accepted accepted = context_.network.accept(listener.descriptor);
    switch (accepted.status) {
      case AcceptStatus::none: return;
      case AcceptStatus::failed: continue;
      case AcceptStatus::exhausted: shed(listener); return;
      case AcceptStatus::accepted:
        held_.push(context_.addresses.place(accepted.peer.ip), {accepted, listener.kind});
        break;
    }
  }
}

bool Listeners::admit(MonoUs until) {
  bool first = true;
  while (!held_.empty()) {
    if (!accept_rate_.ready(context_.now)) {
      context_.counters.add(Counter::accepts_paused);
      schedule(accept_rate_.next(context_.now));
      return false;
    }
    // One at least, so that a shard which never has time takes in somebody all the same.
    if (!std::exchange(first, false) && context_.clock.now_us() >= until) return true;
    accept_rate_.take(context_.now);
    const std::optional<Held> held = held_.pop();
    if (full_ && held_.size() <= most_held / 2) set_full(false);
    io_.accepted(held->accepted, held->kind);
  }
  return false;
}

// The rest waits in the kernel's backlog, which is not fair, but as short as the kernel lets it be.
void Listeners::set_full(bool full) {
  full_ = full;
  for (std::size_t token = 0; token < listeners_.size(); ++token) {
    if (listeners_[token].descriptor < 0) continue;
    context_.network.rewatch(listeners_[token].descriptor, token, !full, false);
  }
}

// The kernel deals new connections out among all listeners of a port, also to one that nobody
// accepts from: so it has to go. What it holds already would be reset with it, and is passed on.
void Listeners::shed(Listener& listener) {
  const ShardId target = roomiest();
  for (int count = 0; target != context_.id && count < accepts_per_turn; ++count) {
    const Accepted accepted = context_.network.accept_to_pass_on(listener.descriptor);
    if (accepted.status == AcceptStatus::failed) continue;
    if (accepted.status != AcceptStatus::accepted) break;
    io_.pass_on(accepted, listener.kind, target);
    if (count + 1 == accepts_per_turn) return;  // the rest next turn
  }
  context_.network.close(listener.descriptor);
  listener.descriptor = -1;
  context_.counters.add(Counter::listeners_dropped);
  schedule(context_.now + reopen_pause_us);
}

// Itself when no other shard has room: then whoever comes is refused by the kernel.
ShardId Listeners::roomiest() const {
  ShardId best = context_.id;
  std::uint32_t most = accepts_per_turn;  // What others claim meanwhile must not matter.
  for (ShardId shard = 0; shard < context_.shards(); ++shard) {
    if (shard == context_.id) continue;
    const std::uint32_t room = context_.network.room(shard);
    if (room <= most) continue;
    best = shard;
    most = room;
  }
  return best;
}

void Listeners::reopen(std::size_t token) {
  Listener& listener = listeners_[token];
  std::string error;
  if (context_.network.room(context_.id) > 0) {
    listener.descriptor = context_.network.listen(listener.address, token, error);
  }
  if (listener.descriptor < 0) {
    schedule(context_.now + reopen_pause_us);
  } else if (full_) {
    context_.network.rewatch(listener.descriptor, token, false, false);
  }
}

void Listeners::schedule(MonoUs when) {
  if (timer_ != 0 && timer_due_ <= when) return;
  context_.timers.cancel(timer_);
  timer_due_ = when;
  timer_ = context_.timers.schedule(when, timer_cookie(TimerKind::listeners, Handle{}));
}

void Listeners::timer_fired() {
  timer_ = 0;
  for (std::size_t token = 0; token < listeners_.size(); ++token) {
    if (listeners_[token].descriptor < 0) reopen(token);
  }
}

}  // namespace rookery
