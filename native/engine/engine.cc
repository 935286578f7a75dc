// Start and stop of the data plane, and its side of the door to the control plane.
#include "engine/engine.h"

#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/os_random.h"
#include "reactor/socket_address.h"

namespace rookery {
namespace {

constexpr std::uint8_t log_warning = 40;
constexpr std::uint8_t log_info = 30;
constexpr std::int64_t longest_sleep_us = 1'000'000;

std::uint64_t random_key() {
  OsRandom random;
  return random.next64();
}

std::string random_secret() {
  OsRandom random;
  std::string secret(32, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()});
  return secret;
}

MadeUpKeys made_up_keys(const boundary::EngineConfig& config) {
  MadeUpKeys keys;
  keys.secret = config.made_up_salt_secret.empty() ? random_secret() : config.made_up_salt_secret;
  if (config.scram_iterations != 0) keys.iterations = config.scram_iterations;
  if (config.scram_salt_bytes != 0) keys.salt_bytes = config.scram_salt_bytes;
  return keys;
}

void pin_to_core(ShardId id) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  if (cores < 1) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(id % static_cast<unsigned>(cores), &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/// Sockets that hold the ports which were chosen, until all are.
class HeldPorts {
 public:
  HeldPorts() = default;
  HeldPorts(const HeldPorts&) = delete;
  HeldPorts& operator=(const HeldPorts&) = delete;
  ~HeldPorts() {
    for (const int descriptor : descriptors_) ::close(descriptor);
  }
  void hold(int descriptor) { descriptors_.push_back(descriptor); }

 private:
  std::vector<int> descriptors_;
};

/// Replaces port 0 by one that is free now, so that every shard listens on the same.
bool resolve_port(std::string_view line, HeldPorts& held, std::string& out, std::string& error) {
  out = line;
  if (line.size() < 2 || line.substr(line.size() - 2) != ":0") {
    return ReactorFabric::address_is_free(line, error);
  }
  SocketAddress address;
  if (!parse_socket_address(line, address, error)) return false;
  const int probe = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  const bool good = probe >= 0 && bind(probe, address.get(), address.length) == 0 &&
                    getsockname(probe, reinterpret_cast<sockaddr*>(&bound), &length) == 0;
  if (!good) error = listen_error_text(line, errno);
  if (probe >= 0) held.hold(probe);
  if (!good) return false;
  out.resize(out.size() - 1);
  out += std::to_string(to_peer_address(bound).port);
  return true;
}

}  // namespace

Engine::Engine(const boundary::EngineConfig& config, std::function<void()> wake_control)
    : config_(config),
      wake_control_(std::move(wake_control)),
      admission_{AddressTable(random_key()), made_up_keys(config)} {}

Engine::~Engine() { stop(); }

std::unique_ptr<Engine> Engine::start(const boundary::EngineConfig& config,
                                      std::function<void()> wake_control, std::string& error) {
  std::unique_ptr<Engine> engine(new Engine(config, std::move(wake_control)));
  if (!engine->open(error)) return nullptr;
  return engine;
}

bool Engine::open(std::string& error) {
  if (config_.shards == 0 || config_.shards > 1023) {
    error = "shards must be between 1 and 1023";
    return false;
  }
  if (!resolve_listeners(error)) return false;
  ticket_keys_ = TicketKeys::create();
  if (!config_.noise_static_key.empty()) {
    noise_identity_ =
        NoiseIdentity::create(config_.noise_static_key, config_.noise_certificate, error);
    if (!noise_identity_) return false;
  }
  fabric_ = ReactorFabric::create(config_.shards, error);
  if (!fabric_) return false;
  mesh_ = std::make_unique<Mesh>(config_.shards);
  passwords_ = std::make_unique<PasswordThread>(
      std::max<std::uint32_t>(config_.max_password_checks, 1),
      [this](std::string_view record) { return submit(record) != SubmitResult::full; });
  return open_stores(error) && start_shards(error) && recover(error);
}

bool Engine::resolve_listeners(std::string& error) {
  HeldPorts held;
  for (std::string* lines :
       {&config_.xmpp_listen, &config_.xmpp_direct_tls, &config_.websocket_listen,
        &config_.websocket_direct_tls, &config_.compact_listen}) {
    std::string resolved;
    std::string_view rest = *lines;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      std::string address;
      if (!line.empty()) {
        if (!resolve_port(line, held, address, error)) return false;
        resolved += address;
        resolved += '\n';
      }
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    *lines = std::move(resolved);
  }
  return true;
}

bool Engine::open_stores(std::string& error) {
  StoreOptions options;
  options.folder = config_.data;
  options.stores = config_.stores == 0 ? 1 : config_.stores;
  options.log = [this](std::string_view line) {
    std::string event;
    boundary::Log{log_warning, "store", line}.encode(event);
    emit(event);
  };
  stores_ = StoreSet::open(options, error);
  return stores_ != nullptr;
}

bool Engine::start_shards(std::string& error) {
  for (ShardId id = 0; id < config_.shards; ++id) lanes_.push_back(std::make_unique<Lane>());
  for (ShardId id = 0; id < config_.shards; ++id) {
    lanes_[id]->thread = std::thread([this, id] { run_shard(id); });
  }
  bool good = true;
  for (const auto& lane : lanes_) {
    lane->stage.wait(Stage::preparing);
    if (lane->stage.load() == Stage::failed) {
      good = false;
      error = lane->error;
    }
  }
  return good;
}

bool Engine::recover(std::string& error) {
  RecoveryReport report;
  const bool good = stores_->recover(
      [this](const RecoveredRecord& record) {
        lanes_[home_shard(record.user, config_.shards)]->shard->recovered(record);
      },
      report, error);
  if (!good) return false;
  for (const std::string& detail : report.details) {
    std::string event;
    boundary::Log{log_warning, "store", detail}.encode(event);
    emit(event);
  }
  std::uint64_t stored = 0;
  for (const auto& lane : lanes_) {
    stored += static_cast<std::uint64_t>(lane->stats.counters.get(Counter::mailbox_now));
  }
  std::string event;
  boundary::Started{stored, report.bad_records, static_cast<std::uint32_t>(report.ms)}.encode(
      event);
  emit(event);
  for (ShardId id = 0; id < config_.shards; ++id) {
    Lane& lane = *lanes_[id];
    lane.port = stores_->make_port(id, [this, id] { fabric_->waker(id).notify(); });
    lane.shard->recovery_complete(*lane.port);
  }
  stores_->start();
  passwords_->start();
  for (const auto& lane : lanes_) {
    lane->stage.store(Stage::go);
    lane->stage.notify_all();
  }
  return true;
}

bool Engine::prepare_shard(ShardId id, std::unique_ptr<Network>& network,
                           std::unique_ptr<Shard>& shard, std::string& error) {
  network = fabric_->make_network(id, NetworkOptions{}, error);
  if (!network) return false;
  if (config_.pin_shards != 0) pin_to_core(id);
  Lane& lane = *lanes_[id];
  static thread_local OsRandom random;
  shard = std::make_unique<Shard>(
      id, ShardSurroundings{config_, clock_, random, *network, *mesh_, admission_, *passwords_,
                            lane.stats, [this](ShardId to) { fabric_->waker(to).notify(); },
                            wake_control_});
  if (!config_.tls_cert.empty() &&
      !shard->load_tls(config_.tls_cert, config_.tls_key, ticket_keys_, error)) {
    return false;
  }
  shard->set_noise_identity(noise_identity_);
  lane.shard = shard.get();
  return true;
}

void Engine::run_shard(ShardId id) {
  Lane& lane = *lanes_[id];
  lane.stats.thread.begin();
  pthread_setname_np(pthread_self(), ("shard-" + std::to_string(id)).c_str());
  std::unique_ptr<Network> network;
  std::unique_ptr<Shard> shard;
  const bool good = prepare_shard(id, network, shard, lane.error);
  lane.stage.store(good ? Stage::ready : Stage::failed);
  lane.stage.notify_all();
  if (!good) return;
  lane.stage.wait(Stage::ready);
  bool reported = false;
  while (!stopping_.load(std::memory_order_relaxed) && lane.stage.load() == Stage::go) {
    // The drain makes work that no event announces.
    const bool begun = draining_.load(std::memory_order_relaxed) && shard->begin_drain();
    shard->turn(begun ? 0 : longest_sleep_us);
    if (!reported && shard->drained()) {
      reported = true;
      sessions_closed_.fetch_add(shard->sessions_closed());
      if (drained_shards_.fetch_add(1) + 1 == config_.shards) {
        std::string event;
        boundary::Drained{sessions_closed_.load()}.encode(event);
        emit(event);
      }
    }
  }
  lane.shard = nullptr;
}

void Engine::emit(std::string_view event) {
  {
    const std::lock_guard lock(events_mutex_);
    own_events_ += event;
  }
  wake_control_();
}

Engine::SubmitResult Engine::submit(std::string_view batch) {
  std::vector<std::unique_ptr<std::string>> parts(config_.shards);
  const auto part = [&](ShardId shard) -> std::string& {
    if (!parts[shard]) parts[shard] = std::make_unique<std::string>();
    return *parts[shard];
  };
  std::string_view rest = batch;
  boundary::RecordHeader header;
  std::string_view record;
  while (boundary::next_record(rest, header, record)) {
    boundary::Route route;
    if (!boundary::route(record, route)) return SubmitResult::invalid;
    switch (route.by) {
      case boundary::RouteBy::all:
        for (ShardId shard = 0; shard < config_.shards; ++shard) part(shard) += record;
        break;
      case boundary::RouteBy::handle: {
        const ShardId shard = Handle{route.handle}.shard();
        if (shard < config_.shards) part(shard) += record;
        break;
      }
      case boundary::RouteBy::user:
      case boundary::RouteBy::to: part(home_shard(route.user, config_.shards)) += record; break;
    }
  }
  if (!rest.empty()) return SubmitResult::invalid;
  const std::lock_guard lock(submit_mutex_);
  const MonoUs now = clock_.now_us();
  // Only submitters add, and they hold the lock: what has room now has room below.
  for (ShardId shard = 0; shard < config_.shards; ++shard) {
    const QueueStats& stats = mesh_->commands(shard).stats();
    if (parts[shard] && stats.depth() >= stats.capacity) return SubmitResult::full;
  }
  for (ShardId shard = 0; shard < config_.shards; ++shard) {
    if (!parts[shard]) continue;
    mesh_->commands(shard).follow(now);
    if (mesh_->commands(shard).push(parts[shard].get())) {
      static_cast<void>(parts[shard].release());  // the shard's now
      fabric_->waker(shard).notify();
    }
  }
  return SubmitResult::ok;
}

std::size_t Engine::take_events(std::string& out, std::size_t max_bytes) {
  std::size_t count = 0;
  const std::size_t start = out.size();
  {
    const std::lock_guard lock(events_mutex_);
    std::string_view rest = own_events_;
    boundary::RecordHeader header;
    std::string_view record;
    while (boundary::next_record(rest, header, record)) ++count;
    out += own_events_;
    own_events_.clear();
  }
  const MonoUs now = clock_.now_us();
  for (ShardId shard = 0; shard < config_.shards; ++shard) {
    SpscByteRing& ring = mesh_->events(shard);
    const std::size_t before = count;
    while (out.size() - start < max_bytes) {
      const auto record = ring.front();
      if (record.empty()) break;
      out.append(reinterpret_cast<const char*>(record.data()), record.size());
      ring.pop();
      ++count;
    }
    if (count > before) ring.looked(now);
  }
  return count;
}

// Makes every shard's loop go round, so that it sees the flags. A notification alone would be lost
// on a shard that has looked at the flags and is about to sleep; an empty batch it finds.
void Engine::call_shards() {
  const std::lock_guard lock(submit_mutex_);
  for (ShardId shard = 0; fabric_ && mesh_ && shard < lanes_.size(); ++shard) {
    auto nothing = std::make_unique<std::string>();
    // A full queue means that the shard does not sleep.
    if (mesh_->commands(shard).push(nothing.get())) static_cast<void>(nothing.release());
    fabric_->waker(shard).notify();
  }
}

void Engine::drain() {
  draining_.store(true);
  call_shards();
}

void Engine::stop() {
  if (stopped_) return;
  stopped_ = true;
  stopping_.store(true);
  for (const auto& lane : lanes_) {
    Stage ready = Stage::ready;
    lane->stage.compare_exchange_strong(ready, Stage::give_up);
    lane->stage.notify_all();
  }
  call_shards();
  for (const auto& lane : lanes_) {
    if (lane->thread.joinable()) lane->thread.join();
  }
  if (passwords_) passwords_->stop();
  for (ShardId shard = 0; fabric_ && shard < lanes_.size(); ++shard) {
    Arrival stranded;
    while (fabric_->take_stranded(shard, stranded)) {
      const std::unique_ptr<TravellingConnection> traveller(
          static_cast<TravellingConnection*>(stranded.payload));
      if (stranded.descriptor >= 0) ::close(stranded.descriptor);
    }
  }
  if (stores_) stores_->stop();
  for (const auto& lane : lanes_) lane->port.reset();
}

}  // namespace rookery
