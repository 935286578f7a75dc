// Running and judging a simulated server.
#include "sim/sim_world.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "sim/sim_devices.h"

namespace rookery::sim {
namespace {

constexpr std::uint32_t quiet_steps = 4000;
// Parts of shards' turns in a round: about one turn for each of four shards.
constexpr std::uint32_t parts_per_round = 45;
constexpr std::uint32_t parts_between_clients = 9;
constexpr std::uint32_t client_slices = parts_per_round / parts_between_clients;
constexpr MonoUs longest_part_us = 70;
constexpr MonoUs longest_leap_us = 3'000'000;
constexpr std::uint32_t longest_short_resume_seconds = 3;
constexpr std::uint64_t groups_per_refusal_of_bad_disk = 6;
constexpr std::uint64_t refusals_per_crash = 6;
constexpr std::uint64_t soon_rounds = 40;
constexpr std::uint64_t most_sends_before_death = 8;

std::string name_of(const Letter& letter) {
  return std::to_string(letter.from) + "-" + std::to_string(letter.number);
}

boundary::EngineConfig simulated_config(std::uint32_t shards) {
  boundary::EngineConfig config;
  config.domain = "sim";
  config.shards = shards;
  config.stores = 1;
  config.xmpp_listen = "sim:5222";
  config.compact_listen = sim_compact_address;
  config.starttls = boundary::Starttls::off;
  config.plain_auth_without_tls = 1;
  config.max_stanza_bytes = 65536;
  config.max_depth = 32;
  config.max_attributes = 32;
  config.unauthenticated_seconds = 600;
  config.max_unauthenticated = 100000;
  config.max_unauthenticated_bytes = 16384;
  config.max_mailbox_messages = 100000;
  config.max_mailbox_bytes = 1u << 30;
  config.max_uncommitted_bytes = 1u << 26;
  config.max_unacknowledged_stanzas = 40;
  config.max_output_bytes = 1u << 20;
  config.resume_seconds = 3600;
  config.commit_delay_us = 5000;
  config.journal_bytes = 64 * 1024;
  return config;
}

}  // namespace

/// One life of the server.
struct World::Server {
  explicit Server(World& world)
      : mesh(world.options_.shards),
        admission{AddressTable(1), {"secret", 1, scram_salt_bytes}},
        passwords(mesh, world.chance_),
        next_part(world.options_.shards) {
    const std::uint32_t count = world.options_.shards;
    for (ShardId id = 0; id < count; ++id) {
      networks.push_back(std::make_unique<SimNetwork>(world.internet_, id, count));
      ports.push_back(std::make_unique<SimStorePort>(world.disk_, world.chance_));
      stats.push_back(std::make_unique<ShardStats>());
      shards.push_back(std::make_unique<Shard>(
          id, ShardSurroundings{world.config_, world.clock_, world.chance_, *networks[id], mesh,
                                admission, passwords, *stats[id], [](ShardId) {}, [] {}}));
      shards.back()->set_noise_identity(sim_identity());
    }
  }

  Mesh mesh;
  SharedAdmission admission;
  SimPasswords passwords;
  std::vector<std::unique_ptr<SimNetwork>> networks;
  std::vector<std::unique_ptr<SimStorePort>> ports;
  std::vector<std::unique_ptr<ShardStats>> stats;
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<std::size_t> next_part;  ///< By shard, of its turn; 0: the sleep.
};

World::World(const WorldOptions& options)
    : options_(options),
      chance_(options.seed),
      transport_({.random = &chance_}),
      internet_(chance_),
      config_(simulated_config(options.shards)),
      time_leaps_(chance_.one_in(2)) {
  if (chance_.one_in(options_.worlds_per_bad_disk))
    disk_.groups_per_refusal = groups_per_refusal_of_bad_disk;
  if (time_leaps_) {
    config_.resume_seconds =
        1 + static_cast<std::uint32_t>(chance_.below(longest_short_resume_seconds));
  }
}

World::~World() = default;

void World::boot() {
  server_ = std::make_unique<Server>(*this);
  for (const auto& [sequence, record] : disk_.records) {
    const RecoveredRecord found{record.kind, sequence, record.user, record.payload};
    server_->shards[home_shard(record.user, options_.shards)]->recovered(found);
  }
  static const ScramKeys keys = derive_scram_keys(false, "pw", "salt", 1);
  const auto bytes = [](const std::array<std::uint8_t, 32>& key) {
    return std::string_view(reinterpret_cast<const char*>(key.data()), 20);
  };
  std::vector<std::string> batches(options_.shards);
  for (std::uint32_t user = 0; user < options_.users; ++user) {
    const std::string name = "u" + std::to_string(user);
    boundary::PutAccount account;
    account.user = name;
    account.sha1_iterations = keys.iterations;
    account.sha1_salt = keys.salt;
    account.sha1_stored_key = bytes(keys.stored_key);
    account.sha1_server_key = bytes(keys.server_key);
    std::string& batch = batches[home_shard(name, options_.shards)];
    account.encode(batch);
    if (!speaks_compact(user)) continue;
    const NoiseKey& key = sim_device_keys(user).open;
    std::string devices(1, static_cast<char>(sim_device_number));
    devices.append(key.begin(), key.end());
    boundary::PutDevices{name, devices}.encode(batch);
  }
  for (ShardId id = 0; id < options_.shards; ++id) {
    boundary::OpenListeners{}.encode(batches[id]);
    server_->shards[id]->recovery_complete(*server_->ports[id]);
    auto batch = std::make_unique<std::string>(std::move(batches[id]));
    if (server_->mesh.commands(id).push(batch.get())) static_cast<void>(batch.release());
  }
}

void World::crash() {
  add_counters();
  bool unsynced = false;
  bool untold = false;
  for (const auto& port : server_->ports) {
    const SimStorePort::Stage stage = port->crash();
    unsynced = unsynced || stage == SimStorePort::Stage::written;
    untold = untold || stage == SimStorePort::Stage::synced;
  }
  result_.crashes += 1;
  result_.crashed_unsynced += unsynced ? 1 : 0;
  result_.crashed_untold += untold ? 1 : 0;
  durable_at_crash_.emplace_back();
  for (const auto& [sequence, record] : disk_.records) {
    const std::size_t at = record.payload.find("id='");
    Letter letter;
    if (record.kind == RecordKind::message && at != std::string::npos &&
        std::sscanf(record.payload.c_str() + at, "id='%u-%u'", &letter.from, &letter.number) == 2) {
      durable_at_crash_.back().insert(letter);
    }
  }
  ++epoch_;
  if (options_.shown_user) std::printf("crash %u\n", epoch_);
  internet_.crash();
  server_.reset();
  schedule_crash();
  boot();
}

void World::schedule_crash() {
  death_ = Death::none;
  // Soon after the last one is the hard case: the server has just recovered.
  rounds_to_crash_ = epoch_ > 0 && chance_.one_in(4) ? 1 + chance_.below(options_.steps / 20)
                                                     : 1 + chance_.below(options_.steps);
}

void World::add_counters() {
  const auto sum = [this](Counter counter) {
    std::uint64_t all = 0;
    for (const auto& stats : server_->stats) {
      all += static_cast<std::uint64_t>(stats->counters.get(counter));
    }
    return all;
  };
  result_.resumed += sum(Counter::resumed);
  result_.resume_failures += sum(Counter::resume_failures);
}

void World::advance_shard() {
  const auto id = static_cast<ShardId>(chance_.below(options_.shards));
  Shard& shard = *server_->shards[id];
  const std::size_t part = server_->next_part[id]++;
  if (part == 0) {
    shard.sleep(0);
    return;
  }
  const auto phase = static_cast<TurnPhase>(part - 1);
  // Only what is sent can be seen from outside, so that is where a phase is cut in two.
  const bool dies = death_ == Death::inside_phase && phase == TurnPhase::output;
  if (dies) internet_.die_after(chance_.below(most_sends_before_death));
  shard.run_phase(phase);
  if (part == turn_phases) {
    server_->next_part[id] = 0;
    SpscByteRing& events = server_->mesh.events(id);
    while (!events.front().empty()) events.pop();
  }
  if (dies) {
    result_.crashed_inside += 1;
    crash();
  }
}

void World::round(bool quiet) {
  if (!quiet && --rounds_to_crash_ == 0) {
    death_ = chance_.one_in(3) ? Death::inside_phase : Death::between_phases;
  }
  const std::uint64_t crash_at = chance_.below(parts_per_round);
  for (std::uint32_t part = 0; part < parts_per_round; ++part) {
    if (part % parts_between_clients == 0) live(quiet, part / parts_between_clients);
    if (part == crash_at && death_ == Death::between_phases) crash();
    if (chance_.one_in(5)) {
      SimStorePort& port = *server_->ports[chance_.below(server_->ports.size())];
      port.step();
      // Soon after a refusal, before what was refused is written again, is a hard case too.
      if (port.refuses() && !quiet && chance_.one_in(refusals_per_crash)) {
        rounds_to_crash_ = std::min(rounds_to_crash_, 1 + chance_.below(soon_rounds));
      }
    } else {
      advance_shard();
    }
    if (chance_.one_in(parts_per_round)) server_->passwords.step();
    clock_.advance(chance_.below(longest_part_us));
  }
  if (!quiet && time_leaps_ && chance_.one_in(80)) clock_.advance(chance_.below(longest_leap_us));
}

void World::live(bool quiet, std::size_t first) {
  for (std::size_t index = first; index < clients_.size(); index += client_slices) {
    SimClient& client = *clients_[index];
    if (chance_.one_in(2)) client.step(epoch_);
    if (quiet) continue;
    if (client.online() && chance_.one_in(12)) {
      client.write_to(static_cast<std::uint32_t>(chance_.below(options_.users)), epoch_);
    }
    if (chance_.one_in(500)) client.cut();
    if (client.wanted() ? chance_.one_in(400) : chance_.one_in(60)) {
      if (client.wanted()) {
        client.leave();
      } else {
        client.come();
      }
    }
  }
}

void World::quiesce() {
  for (const auto& client : clients_) {
    client->come();
    client->manage_from_now_on();
    if (!client->managed() || chance_.one_in(3)) client->cut();
  }
  // Those without XEP-0198 come back with it, so that their mailboxes drain exactly.
  for (std::uint32_t step = 0; step < quiet_steps; ++step) {
    round(true);
    if (step % 50 != 49) continue;
    const bool done = std::all_of(clients_.begin(), clients_.end(), [](const auto& client) {
      return client->online() && client->everything_acknowledged();
    });
    std::int64_t stored = 0;
    for (const auto& stats : server_->stats) stored += stats->counters.get(Counter::mailbox_now);
    if (done && stored == 0) return;
  }
}

WorldResult World::run() {
  schedule_crash();
  boot();
  for (std::uint32_t user = 0; user < options_.users; ++user) {
    const bool compact = speaks_compact(user);
    clients_.push_back(std::make_unique<SimClient>(user, compact || !chance_.one_in(6), internet_,
                                                   chance_, compact ? &transport_ : nullptr));
    unmanaged_.push_back(!clients_.back()->managed());
    if (chance_.one_in(4)) clients_.back()->leave();
    if (options_.shown_user == user) clients_.back()->show();
  }
  for (std::uint32_t step = 0; step < options_.steps; ++step) round(false);
  if (death_ != Death::none) crash();
  quiesce();
  add_counters();
  check();
  for (const auto& client : clients_) {
    result_.trace = result_.trace * 31 + client->trace();
    result_.timed_out += client->timed_out();
  }
  return result_;
}

void World::check() {
  for (const auto& client : clients_) {
    if (!client->complaint().empty()) result_.problems.push_back(client->complaint());
    if (!client->online() || !client->everything_acknowledged()) {
      result_.problems.push_back("a client does not come to rest");
    }
  }
  std::set<Letter> received;
  for (const auto& client : clients_) {
    for (const Reception& reception : client->received()) received.insert(reception.letter);
    result_.received += client->received().size();
  }
  for (const auto& client : clients_) {
    for (const SentLetter& sent : client->sent()) {
      if (!sent.acknowledged) continue;
      ++result_.acknowledged;
      if (!received.contains(sent.letter)) {
        result_.problems.push_back("lost although acknowledged: " + name_of(sent.letter) + " to u" +
                                   std::to_string(sent.to) + ", first sent in life " +
                                   std::to_string(sent.first_epoch) +
                                   (!sent.again.empty() ? ", sent again" : "") +
                                   (unmanaged_[sent.to] ? ", recipient unmanaged" : ""));
      }
    }
  }
  for (std::uint32_t recipient = 0; recipient < clients_.size(); ++recipient) {
    check_copies(recipient);
    check_order(recipient);
  }
}

// Whether the server, when the letter was sent again, could not know that it had it: no record of
// it had outlived the crash before that life.
bool World::unknown_when_sent_again(const SentLetter& sent, const Reception& first,
                                    const Reception& second) const {
  return std::any_of(sent.again.begin(), sent.again.end(), [&](std::uint32_t life) {
    return life > first.epoch && life <= second.epoch &&
           !durable_at_crash_[life - 1].contains(sent.letter);
  });
}

// A second copy is excused in two cases. The sender sent it again after a crash before which the
// first copy had arrived and neither was on disk nor acknowledged to the sender: nobody but the
// recipient knew of it. And without XEP-0198 the recipient cannot tell the server what it has, so
// that whatever was under way when a connection ended may come again.
void World::check_copies(std::uint32_t recipient) {
  std::map<Letter, Reception> first;
  for (const Reception& reception : clients_[recipient]->received()) {
    const auto [known, fresh] = first.emplace(reception.letter, reception);
    if (fresh) continue;
    const Reception& before = known->second;
    const SentLetter& sent = clients_[reception.letter.from]->sent()[reception.letter.number];
    if (unknown_when_sent_again(sent, before, reception)) {
      ++result_.resent_after_crash;
      continue;
    }
    if (unmanaged_[recipient] && before.connection != reception.connection) continue;
    result_.problems.push_back(
        "twice: " + name_of(reception.letter) + " at u" + std::to_string(recipient) +
        ", connection " + std::to_string(before.connection) + " in life " +
        std::to_string(before.epoch) + ", then " + std::to_string(reception.connection) + " in " +
        std::to_string(reception.epoch) + (!sent.again.empty() ? ", sent again" : "") +
        (sent.acknowledged ? "" : ", unacknowledged") +
        (clients_[reception.letter.from]->managed() ? "" : ", sender unmanaged"));
  }
}

void World::check_order(std::uint32_t recipient) {
  std::map<std::uint32_t, std::uint32_t> last;
  std::set<Letter> seen;
  for (const Reception& reception : clients_[recipient]->received()) {
    if (!seen.insert(reception.letter).second) continue;
    const SimClient& sender = *clients_[reception.letter.from];
    // Without acknowledgements there is no order of acceptance that survives a crash.
    if (!sender.sent()[reception.letter.number].acknowledged) continue;
    const auto [known, fresh] = last.emplace(reception.letter.from, reception.letter.number);
    if (fresh) continue;
    if (known->second > reception.letter.number) {
      result_.problems.push_back("out of order: " + name_of(reception.letter) + " after " +
                                 name_of({reception.letter.from, known->second}) + " at u" +
                                 std::to_string(recipient));
    }
    known->second = std::max(known->second, reception.letter.number);
  }
}

}  // namespace rookery::sim
