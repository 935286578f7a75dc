// The loop of a shard, and the glue between its parts.
#include "engine/shard.h"

#include <algorithm>
#include <limits>

#include "codec/xml_text.h"
#include "router/address.h"
#include "transport/ticket_keys.h"

namespace rookery {
namespace {

constexpr std::size_t events_per_turn = 512;
// Of a turn, for connections without a session: what a chat message may have to wait for them.
constexpr MonoUs newcomers_us = 2000;
constexpr std::int64_t retry_sleep_us = 200;
constexpr MonoUs first_ask_us = 20'000;
constexpr MonoUs last_ask_us = 1'000'000;
constexpr MonoUs expiry_period_us = 3'600'000'000;
constexpr std::uint32_t ticket_key_hours = 24;
constexpr MonoUs holdings_period_us = 1'000'000;
// What the phases take is measured in every turn that has enough to do for the readings of the
// clock not to matter, and of the others in one of so many: a prime, so that it keeps no step with
// what comes in turns.
constexpr std::size_t events_worth_timing = 16;
constexpr std::uint32_t turns_per_timing = 13;

}  // namespace

Shard::Shard(ShardId id, ShardSurroundings surroundings)
    : links_(surroundings.mesh, id, surroundings.stats, std::move(surroundings.wake_shard),
             std::move(surroundings.wake_control)),
      context_(id, surroundings.config, surroundings.clock, surroundings.random,
               surroundings.network, surroundings.admission, surroundings.stats),
      io_(context_, *this),
      router_{context_, io_, nullptr, links_, {}, MessageJournal(surroundings.config.journal_bytes),
              0,        0,   false},
      keeper_(router_, *this),
      delivery_(router_, keeper_),
      messages_(router_, keeper_, delivery_),
      presence_(router_, delivery_, messages_),
      iqs_(router_, delivery_, messages_),
      sessions_(router_, keeper_, delivery_, presence_),
      devices_(router_, keeper_, delivery_, sessions_),
      logins_(context_.config.logins_per_second),
      negotiator_(context_, io_, *this, logins_),
      compact_(context_, io_, *this, logins_),
      stanzas_(router_, delivery_, messages_, presence_, iqs_, sessions_, negotiator_),
      inquiries_(router_),
      listeners_(context_, io_),
      passwords_(surroundings.passwords),
      mesh_(surroundings.mesh),
      events_(events_per_turn) {
  router_.started_s = router_.now_s();
  context_.timers.schedule(context_.now + expiry_period_us,
                           timer_cookie(TimerKind::expiry, Handle{}));
}

Shard::~Shard() = default;

std::string_view phase_name(TurnPhase phase) {
  switch (phase) {
    case TurnPhase::inbox: return "inbox";
    case TurnPhase::sockets: return "sockets";
    case TurnPhase::timers: return "timers";
    case TurnPhase::store: return "store";
    case TurnPhase::completions: return "completions";
    case TurnPhase::output: return "output";
    case TurnPhase::publish: return "publish";
    case TurnPhase::farewell: return "farewell";
  }
  return {};
}

bool Shard::load_tls(const std::string& certificate, const std::string& key,
                     std::shared_ptr<TicketKeys> ticket_keys, std::string& error) {
  TlsOptions options;
  options.certificate_file = certificate;
  options.key_file = key;
  options.takeover = context_.config.tls_takeover != 0;
  options.ticket_keys = ticket_keys;
  std::unique_ptr<TlsContext> fresh = TlsContext::create(options, error);
  if (!fresh) return false;
  context_.tls = std::move(fresh);
  ticket_keys_ = std::move(ticket_keys);
  return true;
}

void Shard::turn(std::int64_t max_sleep_us) {
  sleep(max_sleep_us);
  if (event_count_ >= events_worth_timing) {
    run_timed_phases(1);
  } else if (++untimed_turns_ == turns_per_timing) {
    untimed_turns_ = 0;
    run_timed_phases(turns_per_timing);
  } else {
    for (std::size_t phase = 0; phase < turn_phases; ++phase) {
      run_phase(static_cast<TurnPhase>(phase));
    }
  }
}

void Shard::run_timed_phases(std::uint64_t weight) {
  MonoUs at = context_.now;
  for (std::size_t phase = 0; phase < turn_phases; ++phase) {
    run_phase(static_cast<TurnPhase>(phase));
    const MonoUs now = context_.clock.now_us();
    context_.stats.spend(phase, (now - at) * weight);
    at = now;
  }
}

void Shard::sleep(std::int64_t max_sleep_us) {
  // What the sockets report is taken with the same call.
  MonoUs at = 0;
  std::int64_t sleep = sleep_us(max_sleep_us, at);
  if (sleep != 0) {
    context_.network.arm();
    if (links_.anything_to_take() || keeper_.apply_completions()) sleep = 0;
  }
  if (sleep != 0) context_.counters.add(Counter::sleeps);
  event_count_ = context_.network.wait(events_, sleep);
  context_.now = context_.clock.now_us();
  context_.counters.add(Counter::loops);
  if (event_count_ > 0) {
    context_.counters.add(Counter::events, static_cast<std::int64_t>(event_count_));
    context_.stats.record(ShardHistogram::batch, event_count_);
  } else if (sleep > 0 && context_.now >= at + static_cast<MonoUs>(sleep)) {
    context_.stats.record(ShardHistogram::lag_us, context_.now - at - static_cast<MonoUs>(sleep));
  }
}

void Shard::run_phase(TurnPhase phase) {
  switch (phase) {
    // The inbox before the sockets: what other shards sent is older than what the kernel holds, and
    // answering it frees their queues.
    case TurnPhase::inbox: take_inbox(); return;
    // Input that had to wait comes first, it is older.
    case TurnPhase::sockets:
      io_.resume_held();
      read_sockets(event_count_);
      return;
    // Timers after input, so that a stanza which arrived in time counts as in time.
    case TurnPhase::timers: run_timers(); return;
    // What TCP has acknowledged meanwhile never needs to be written.
    case TurnPhase::store: work_for_store(); return;
    // Only now may acknowledgements be written.
    case TurnPhase::completions:
      keeper_.apply_completions();
      sessions_.answer_settled();
      sessions_.end_overflowed();
      return;
    // Receipts of this turn, then everything to the sockets with one call each.
    case TurnPhase::output:
      delivery_.finish_turn();
      io_.flush();
      return;
    // Records to the others, with one wake-up each.
    case TurnPhase::publish: links_.publish(); return;
    // Connections that go home, when their last bytes here are out; then the free slots.
    case TurnPhase::farewell:
      io_.hand_over_moving();
      io_.free_closed();
      sessions_.free_ended();
      end_turn();
      return;
  }
}

void Shard::end_turn() {
  const MonoUs now = context_.clock.now_us();
  const MonoUs awake = now - context_.now;
  context_.counters.add(Counter::busy_us, static_cast<std::int64_t>(awake));
  context_.stats.record(ShardHistogram::loop_us, awake);
  delivery_.count_handed_over(now);
  if (now >= next_holdings_) {
    next_holdings_ = now + holdings_period_us;
    publish_holdings();
  }
}

void Shard::publish_holdings() {
  ShardStats& stats = context_.stats;
  const auto now = [this](Counter counter) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(context_.counters.get(counter), 0));
  };
  // A user's node in the table, and what every account has beside: its keys.
  constexpr std::size_t table_node = sizeof(void*) * 6;
  stats.hold(Holding::connections, context_.connections.bytes());
  stats.hold(Holding::sessions, context_.sessions.bytes());
  stats.hold(Holding::users,
             router_.users.size() * (sizeof(User) + sizeof(Credentials) + table_node));
  stats.hold(Holding::mailboxes, now(Counter::mailbox_cached_bytes) +
                                     now(Counter::mailbox_cached) * sizeof(Stanza) +
                                     now(Counter::mailbox_now) * sizeof(MailboxEntry));
  stats.hold(Holding::transports, io_.transport_bytes());
  stats.hold(Holding::buffers, io_.buffer_bytes());
  stats.hold(Holding::journal, context_.config.journal_bytes);
  stats.hold(Holding::oldest_message_s, keeper_.oldest_message_s());
}

std::int64_t Shard::sleep_us(std::int64_t max_sleep_us, MonoUs& now) const {
  if (max_sleep_us == 0 || newcomers_wait_ || io_.output_waits() || inquiries_.at_work()) return 0;
  now = context_.clock.now_us();
  MonoUs due = std::min(context_.timers.next_due(), keeper_.next_due());
  if (delivery_.tcp_awaited()) due = std::min(due, next_ask_);
  std::int64_t sleep = max_sleep_us;
  if (due != std::numeric_limits<MonoUs>::max()) {
    const auto until = due > now ? static_cast<std::int64_t>(due - now) : 0;
    sleep = sleep < 0 ? until : std::min(sleep, until);
  }
  // Something waits for room elsewhere; nobody wakes us when there is some.
  if (io_.work_waits() || !links_.idle() || delivery_.stalled()) {
    sleep = sleep < 0 ? retry_sleep_us : std::min(sleep, retry_sleep_us);
  }
  return sleep;
}

void Shard::take_inbox() {
  // Commands before records: what another shard sends because of a command of its own must not
  // overtake the command that the control plane gave us before that.
  if (!links_.congested()) take_commands();
  const std::size_t taken =
      links_.drain(context_.now, [this](std::string_view record) { shard_record(record); });
  if (taken > 0) context_.stats.record(ShardHistogram::inbox, taken);
  take_arrivals();
  inquiries_.go_on();
}

void Shard::take_arrivals() {
  Arrival arrival;
  while (context_.network.take_arrival(arrival)) {
    Connection* connection = io_.arrived(arrival);
    if (connection == nullptr) continue;
    if (router_.draining) {
      negotiator_.fail(*connection, StreamError::system_shutdown, {});
    } else if (connection->login != nullptr && !connection->login->user.empty()) {
      // Without a user it is fresh: another shard accepted it and had no room for it.
      welcome(*connection);
    }
  }
}

// Who has a session comes first, so that a storm of logins is not felt by those who chat.
void Shard::read_sockets(std::size_t count) {
  newcomers_.clear();
  for (std::size_t index = 0; index < count; ++index) {
    const NetworkEvent& event = events_[index];
    if (Listeners::is_listener(event.token)) {
      listeners_.readable(event.token);
      continue;
    }
    Connection* connection = context_.connections.get(Handle{event.token});
    if (connection == nullptr) continue;
    if (connection->session == nullptr) {
      newcomers_.push_back(static_cast<std::uint32_t>(index));
      continue;
    }
    if (event.writable) io_.writable(*connection);
    if (event.readable || event.hangup) io_.readable(*connection, event.hangup);
  }
  newcomers_wait_ = false;
  if (!newcomers_.empty() || listeners_.held() > 0) read_newcomers();
}

// What is not reached is reported again, before what comes later. New connections are only taken in
// when those that are here have been served.
void Shard::read_newcomers() {
  const MonoUs until = context_.clock.now_us() + newcomers_us;
  for (std::size_t at = 0; at < newcomers_.size(); ++at) {
    if (at > 0 && context_.clock.now_us() >= until) {
      newcomers_wait_ = true;
      context_.counters.add(Counter::logins_behind);
      return;
    }
    const NetworkEvent& event = events_[newcomers_[at]];
    Connection* connection = context_.connections.get(Handle{event.token});
    if (connection == nullptr) continue;
    if (event.writable) io_.writable(*connection);
    if (event.readable || event.hangup) io_.readable(*connection, event.hangup);
  }
  newcomers_wait_ = listeners_.admit(until);
}

void Shard::run_timers() {
  context_.timers.advance(context_.now, [this](std::uint64_t cookie) {
    const Handle handle = timer_handle(cookie, context_.id);
    switch (timer_kind(cookie)) {
      case TimerKind::connection:
        if (Connection* connection = context_.connections.get(handle)) {
          connection->timer = 0;
          io_.timer_fired(*connection);
        }
        return;
      case TimerKind::resume:
        if (Session* session = context_.sessions.get(handle)) {
          sessions_.resume_timer_fired(*session);
        }
        return;
      case TimerKind::listeners:
        listeners_.timer_fired();
        newcomers_wait_ = newcomers_wait_ || listeners_.admit(context_.now + newcomers_us);
        return;
      case TimerKind::logins: login_timer_ = 0; return;
      case TimerKind::expiry:
        keeper_.expire();
        if (context_.id == 0) rotate_ticket_keys();
        context_.timers.schedule(context_.now + expiry_period_us,
                                 timer_cookie(TimerKind::expiry, Handle{}));
        return;
    }
  });
  start_logins();
}

void Shard::start_logins() {
  const auto gone = [this](Handle handle) {
    const Connection* connection = context_.connections.get(handle);
    return connection == nullptr ||
           !(StreamNegotiator::waits(*connection) || CompactNegotiator::waits(*connection));
  };
  const MonoUs until = logins_.size() == 0 ? 0 : context_.clock.now_us() + newcomers_us;
  const MonoUs next = logins_.start(context_.now, gone, [this, until](Handle handle) {
    Connection& connection = *context_.connections.get(handle);
    if (CompactNegotiator::waits(connection)) {
      compact_.begin_waiting(connection);
    } else {
      negotiator_.begin_waiting(connection);
    }
    return context_.clock.now_us() < until;
  });
  const std::int64_t live = context_.counters.get(Counter::unauthenticated);
  logins_.tidy(static_cast<std::size_t>(std::max<std::int64_t>(live, 0)), gone);
  if (next != 0 && next <= context_.now) {
    newcomers_wait_ = true;  // There was no time for more.
  } else if (next != 0 && login_timer_ == 0) {
    login_timer_ = context_.timers.schedule(next, timer_cookie(TimerKind::logins, Handle{}));
  }
}

void Shard::rotate_ticket_keys() {
  // Whoever gets hold of a key reads what was sent under its tickets; it should not be old. One
  // shard does it, the keys are shared by all.
  if (ticket_keys_ == nullptr || ++hours_with_ticket_keys_ < ticket_key_hours) return;
  hours_with_ticket_keys_ = 0;
  if (!ticket_keys_->rotate()) log(50, "TLS ticket keys could not be renewed: no random bytes");
}

void Shard::work_for_store() {
  const MonoUs now = context_.now;
  if (delivery_.tcp_awaited() && (keeper_.next_due() <= now || next_ask_ <= now)) {
    const auto before = context_.counters.get(Counter::mailbox_acked);
    delivery_.ask_tcp();
    const bool moved = context_.counters.get(Counter::mailbox_acked) != before;
    // A peer that is gone acknowledges nothing for minutes; it is asked less and less often.
    ask_interval_ = moved ? first_ask_us : std::min(ask_interval_ * 2, last_ask_us);
    next_ask_ = now + ask_interval_;
  } else if (!delivery_.tcp_awaited()) {
    ask_interval_ = first_ask_us;
    next_ask_ = now + first_ask_us;
  }
  if (router_.draining) {
    keeper_.submit_now();
  } else {
    keeper_.submit_due();
  }
}

void Shard::shard_record(std::string_view record) {
  switch (shard_message_kind(record)) {
    case ShardMessageKind::stanza: {
      RoutedStanza routed;
      if (RoutedStanza::decode(record, routed)) stanzas_.to_user(routed);
      return;
    }
    case ShardMessageKind::safe: {
      SafeNotice notice;
      if (SafeNotice::decode(record, notice)) safe(notice.session, notice.number);
      return;
    }
    case ShardMessageKind::deliver: {
      DeliverNotice notice;
      if (DeliverNotice::decode(record, notice)) {
        messages_.deliver_to_address(notice.to_local, notice.to_resource, notice.xml);
      }
      return;
    }
    case ShardMessageKind::credentials_wanted: credentials_wanted(record); return;
    case ShardMessageKind::credentials_found: credentials_found(record); return;
    case ShardMessageKind::device_wanted: device_wanted(record); return;
    case ShardMessageKind::device_found: device_found(record); return;
  }
}

void Shard::credentials_wanted(std::string_view record) {
  CredentialsWanted wanted;
  if (!CredentialsWanted::decode(record, wanted)) return;
  if (!accounts_known_) {
    // Another shard was faster to open its listeners; the accounts are still on their way to us.
    early_questions_.emplace_back(record);
    return;
  }
  CredentialsFound found;
  found.connection = wanted.connection;
  const User* user = router_.users.find(wanted.user);
  if (user != nullptr && user->exists()) {
    found.found = true;
    found.disabled = user->disabled;
    found.keys = *user->credentials;
  }
  std::string answer;
  found.encode(answer);
  links_.reply(wanted.connection.shard(), answer);
}

void Shard::credentials_found(std::string_view record) {
  CredentialsFound found;
  if (!CredentialsFound::decode(record, found)) return;
  Connection* connection = context_.connections.get(found.connection);
  if (connection == nullptr) return;
  negotiator_.credentials(*connection, found.found ? &found.keys : nullptr, found.disabled);
}

void Shard::want_credentials(Connection& connection, std::string_view user) {
  const ShardId home = router_.home(user);
  if (home != context_.id) {
    std::string record;
    CredentialsWanted{connection.handle, user}.encode(record);
    links_.request(home, record);
    return;
  }
  const User* known = router_.users.find(user);
  const bool exists = known != nullptr && known->exists();
  negotiator_.credentials(connection, exists ? known->credentials.get() : nullptr,
                          exists && known->disabled);
}

void Shard::logged_in(Connection& connection) {
  const ShardId home = router_.home(connection.login->user);
  if (home == context_.id) {
    welcome(connection);
  } else {
    io_.move(connection, home);
  }
}

void Shard::welcome(Connection& connection) {
  if (connection.login->device) {
    devices_.welcome(connection);
  } else {
    negotiator_.welcome(connection);
  }
}

void Shard::login_requested(Connection& connection) { compact_.login_requested(connection); }

void Shard::device_proved(Connection& connection) { devices_.begin(connection); }

void Shard::device_wanted(std::string_view record) {
  DeviceWanted wanted;
  if (!DeviceWanted::decode(record, wanted)) return;
  if (!accounts_known_) {
    early_questions_.emplace_back(record);
    return;
  }
  DeviceFound found;
  found.connection = wanted.connection;
  const User* user = router_.users.find(wanted.user);
  if (user != nullptr && user->exists()) {
    const DeviceKey* key = user->device_key(wanted.device);
    found.disabled = user->disabled;
    found.found = key != nullptr;
    if (key != nullptr) found.key = *key;
  }
  std::string answer;
  found.encode(answer);
  links_.reply(wanted.connection.shard(), answer);
}

void Shard::device_found(std::string_view record) {
  DeviceFound found;
  if (!DeviceFound::decode(record, found)) return;
  Connection* connection = context_.connections.get(found.connection);
  if (connection == nullptr) return;
  compact_.device_found(*connection, found.found ? &found.key : nullptr, found.disabled);
}

void Shard::want_device(Connection& connection, std::string_view user, std::uint8_t device) {
  const ShardId home = router_.home(user);
  if (home != context_.id) {
    std::string record;
    DeviceWanted{connection.handle, user, device}.encode(record);
    links_.request(home, record);
    return;
  }
  const User* known = router_.users.find(user);
  const bool exists = known != nullptr && known->exists();
  compact_.device_found(connection, exists ? known->device_key(device) : nullptr,
                        exists && known->disabled);
}

void Shard::stream_opened(Connection& connection, const StreamHeaderView& header) {
  if (connection.session != nullptr) {
    stream_failed(connection, StreamError::invalid_xml);
    return;
  }
  negotiator_.stream_opened(connection, header);
}

void Shard::element(Connection& connection, const StanzaView& view) {
  if (connection.state == StreamState::session) {
    stanzas_.from_client(connection, view);
  } else {
    negotiator_.element(connection, view);
  }
}

void Shard::stream_closed(Connection& connection) {
  if (connection.session != nullptr) {
    sessions_.end(*connection.session, StreamError::none, {}, true);
    return;
  }
  io_.write_close(connection);
  io_.finish(connection);
}

void Shard::stream_failed(Connection& connection, StreamError error) {
  if (connection.session != nullptr) {
    sessions_.end(*connection.session, error, {}, true);
  } else {
    negotiator_.fail(connection, error, {});
  }
}

void Shard::connection_ended(Connection& connection) {
  if (connection.session != nullptr) sessions_.interrupted(*connection.session);
}

void Shard::output_sent(Connection& connection) {
  // Messages may have stayed in the mailbox because of it.
  if (connection.session != nullptr) delivery_.pump(*connection.session->user);
}

void Shard::bind(Connection& connection, const StanzaView& iq, std::string_view wish) {
  sessions_.bind(connection, iq, wish);
}

void Shard::resume(Connection& connection, std::string_view previous_id, std::uint32_t handled) {
  sessions_.resume(connection, previous_id, handled);
}

void Shard::safe(Handle handle, std::uint32_t number) {
  Session* session = context_.sessions.get(handle);
  if (session != nullptr && session->management) delivery_.safe(*session, number);
}

void Shard::mailbox_moved(User& user) { delivery_.pump(user); }

void Shard::page_moved(Session& session) { delivery_.page_moved(session); }

bool Shard::begin_drain() {
  if (router_.draining) return false;
  router_.draining = true;
  listeners_.close();
  std::vector<Handle> handles;
  context_.connections.for_each([&](Handle handle, Connection&) { handles.push_back(handle); });
  for (const Handle handle : handles) {
    Connection* connection = context_.connections.get(handle);
    if (connection == nullptr || connection->ended()) continue;
    ++sessions_closed_;
    Session* session = connection->session;
    if (session == nullptr) {
      negotiator_.fail(*connection, StreamError::system_shutdown, {});
    } else if (session->management && session->management->resumable) {
      // What it has not acknowledged is committed with its numbers, so that a resumption attempt
      // after the restart settles it exactly.
      io_.write_error(*connection, StreamError::system_shutdown, {});
      io_.write_close(*connection);
      connection->session = nullptr;
      session->connection = nullptr;
      io_.finish(*connection);
    } else {
      sessions_.end(*session, StreamError::system_shutdown, {}, true);
    }
  }
  return true;
}

bool Shard::drained() const {
  return router_.draining && context_.connections.size() == 0 && keeper_.idle() && links_.idle();
}

}  // namespace rookery
