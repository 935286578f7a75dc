// The whole data plane: shards on their threads, the stores, and the queues between them and the
// control plane. One per process; knows nothing of Node.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/os_clock.h"
#include "boundary/boundary.gen.h"
#include "engine/mesh.h"
#include "engine/password_thread.h"
#include "engine/shard.h"
#include "reactor/fabric.h"
#include "session/session_context.h"
#include "stats/named_mutex.h"
#include "stats/shard_stats.h"
#include "store/store_set.h"
#include "transport/ticket_keys.h"

namespace rookery {

class JsonWriter;

class Engine {
 public:
  enum class SubmitResult { ok, full, invalid };

  /// Recovers the mailboxes and starts the threads; listeners open at the OpenListeners command.
  /// `wake_control` is called from shard threads when events wait. Null with a sentence in `error`
  /// when the configuration, the data or the certificate cannot be used. Main thread.
  static std::unique_ptr<Engine> start(const boundary::EngineConfig& config,
                                       std::function<void()> wake_control, std::string& error);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes a batch of command records for the shards that they concern: all of it or none. Any
  /// thread; the bytes are copied.
  SubmitResult submit(std::string_view batch);
  /// Appends event records up to about `max_bytes` and returns their number. Main thread.
  std::size_t take_events(std::string& out, std::size_t max_bytes);
  /// Counters, queues and stores. Any thread.
  [[nodiscard]] std::string stats_json() const;
  /// What the figures of stats_json() mean, as JSON. Any thread, with or without an engine.
  static std::string metrics_help_json();
  /// Begins to stop: no new connections, every stream closed so that its client reconnects, every
  /// mailbox committed. A Drained event follows. Any thread.
  void drain();
  /// Ends and joins everything. Main thread; safe to call twice.
  void stop();

 private:
  Engine(const boundary::EngineConfig& config, std::function<void()> wake_control);

  bool open(std::string& error);
  bool resolve_listeners(std::string& error);
  bool open_stores(std::string& error);
  bool start_shards(std::string& error);
  bool recover(std::string& error);
  void run_shard(ShardId id);
  bool prepare_shard(ShardId id, std::unique_ptr<Network>& network, std::unique_ptr<Shard>& shard,
                     std::string& error);
  void emit(std::string_view event);
  void call_shards();
  [[nodiscard]] std::vector<const QueueStats*> queues() const;
  void write_contention(JsonWriter& json, const std::vector<const QueueStats*>& queues) const;

  /// How a shard's thread and the starting thread take turns.
  enum class Stage : int { preparing, ready, failed, go, give_up };
  struct Lane {
    std::thread thread;
    ShardStats stats;
    std::unique_ptr<StorePort> port;
    Shard* shard = nullptr;  ///< Owned by the thread.
    std::atomic<Stage> stage{Stage::preparing};
    std::string error;
  };

  boundary::EngineConfig config_;
  std::function<void()> wake_control_;
  OsClock clock_;
  SharedAdmission admission_;
  std::shared_ptr<TicketKeys> ticket_keys_;
  std::shared_ptr<const NoiseIdentity> noise_identity_;
  std::unique_ptr<ReactorFabric> fabric_;
  std::unique_ptr<Mesh> mesh_;
  std::unique_ptr<StoreSet> stores_;
  std::unique_ptr<PasswordThread> passwords_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> draining_{false};
  std::atomic<std::uint32_t> drained_shards_{0};
  std::atomic<std::uint64_t> sessions_closed_{0};
  NamedMutex submit_mutex_{"engine-submit"};  ///< Control plane only; no shard ever takes it.
  NamedMutex events_mutex_{"engine-events"};
  std::string own_events_;  ///< Of the engine itself and of the store threads.
  bool stopped_ = false;
};

}  // namespace rookery
