// The engine's figures as JSON, for whoever asks. Nothing here stops a shard or takes a lock that
// a shard takes: all of it are relaxed loads, and the CPU clocks of the threads.
#include <cstdio>
#include <string>

#include <unistd.h>

#include "engine/engine.h"
#include "engine/json_writer.h"

namespace rookery {
namespace {

using Shards = std::vector<const ShardStats*>;

std::uint64_t get(const std::atomic<std::uint64_t>& value) {
  return value.load(std::memory_order_relaxed);
}

std::int64_t sum_of(const Shards& shards, Counter counter) {
  std::int64_t sum = 0;
  for (const ShardStats* shard : shards) sum += shard->counters.get(counter);
  return sum;
}

void write_counters(JsonWriter& json, const Shards& shards) {
  json.key("counters").open('{');
  for (std::size_t index = 0; index < ShardCounters::size; ++index) {
    json.field(ShardCounters::name(index), sum_of(shards, static_cast<Counter>(index)));
  }
  json.close('}');
}

/// Of every hundred messages that were acknowledged, those that had not been on disk, times 100.
std::int64_t never_on_disk_permyriad(const ShardCounters& counters) {
  const std::int64_t gone = counters.get(Counter::mailbox_acked);
  return gone > 0 ? counters.get(Counter::never_on_disk) * 10'000 / gone : 0;
}

void write_mailboxes(JsonWriter& json, const ShardStats& shard, std::uint64_t now_s) {
  const ShardCounters& counters = shard.counters;
  const std::uint64_t oldest = shard.held(Holding::oldest_message_s);
  json.key("mailboxes")
      .open('{')
      .field("messages", counters.get(Counter::mailbox_now))
      .field("bytes", counters.get(Counter::mailbox_bytes))
      .field("cached", counters.get(Counter::mailbox_cached))
      .field("cached_bytes", counters.get(Counter::mailbox_cached_bytes))
      .field("written", counters.get(Counter::commit_records))
      .field("drained", counters.get(Counter::mailbox_read))
      .field("never_on_disk", counters.get(Counter::never_on_disk))
      .field("never_on_disk_permyriad", never_on_disk_permyriad(counters))
      .field("oldest_seconds", oldest != 0 && now_s > oldest ? now_s - oldest : 0)
      .close('}');
}

void write_shard(JsonWriter& json, ShardId id, const ShardStats& shard, std::uint64_t rung,
                 std::uint64_t now_s) {
  json.open('{').field("id", id).field("cpu_us", shard.thread.cpu_us()).field("woken", rung);
  write_counters(json, {&shard});
  json.key("phases_us").open('{');
  for (std::size_t phase = 0; phase < turn_phases; ++phase) {
    json.field(phase_name(static_cast<TurnPhase>(phase)), shard.phase_us(phase));
  }
  json.close('}').key("histograms").open('{');
  for (std::size_t index = 0; index < ShardStats::histograms; ++index) {
    json.field(ShardStats::histogram_text(index).name, shard.histogram(index));
  }
  json.close('}');
  write_mailboxes(json, shard, now_s);
  json.close('}');
}

void write_queue(JsonWriter& json, const QueueStats& queue) {
  json.open('{')
      .field("name", queue.name)
      .field("unit", std::string_view(queue.unit))
      .field("limit", queue.capacity)
      .field("depth", queue.depth())
      .field("high_water", get(queue.high_water))
      .field("pushed", get(queue.pushed))
      .field("popped", get(queue.popped))
      .field("refused", get(queue.refused))
      .field("wait_us", queue.wait.waits_us())
      .close('}');
}

void write_store(JsonWriter& json, const StoreStats& store) {
  json.open('{')
      .field("id", store.store)
      .field("cpu_us", store.times->thread.cpu_us())
      .field("commits", store.commits)
      .field("records", store.records)
      .field("bytes", store.bytes)
      .field("failures", store.failed_groups)
      .field("commit_us", store.times->commit_us)
      .field("fsync_us", store.times->sync_us)
      .field("batch", store.times->batch)
      .field("reads", store.reads)
      .field("settled", store.settled)
      .field("cleaned", store.cleaned)
      .field("clean_commits", store.clean_commits)
      .field("clean_us", store.clean_us_sum)
      .field("present", store.present)
      .field("dead", store.dead)
      .field("file_bytes", store.file_bytes)
      .field("map_bytes", store.map_bytes)
      .field("woken", store.wake_ups)
      .close('}');
}

/// Pages of files that this process has in memory: LMDB's maps, and the programs' own.
std::uint64_t mapped_files_resident() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long size = 0;
  unsigned long long resident = 0;
  unsigned long long shared = 0;
  const bool good = std::fscanf(file, "%llu %llu %llu", &size, &resident, &shared) == 3;
  std::fclose(file);
  return good ? shared * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

void write_memory(JsonWriter& json, const Shards& shards, std::uint64_t queue_bytes) {
  json.key("memory").open('{');
  for (std::size_t index = 0; index < ShardStats::holdings; ++index) {
    const auto holding = static_cast<Holding>(index);
    if (holding == Holding::oldest_message_s) continue;
    std::uint64_t sum = 0;
    for (const ShardStats* shard : shards) sum += shard->held(holding);
    json.field(ShardStats::holding_text(index).name, sum);
  }
  json.field("queues", queue_bytes)
      .field("mapped_files_resident", mapped_files_resident())
      .close('}');
}

void write_lock(JsonWriter& json, const std::string& name, const NamedMutex& lock) {
  json.open('{')
      .field("name", name)
      .field("taken", lock.taken())
      .field("waited", lock.waited())
      .field("wait_us", lock.wait_us())
      .close('}');
}

}  // namespace

std::vector<const QueueStats*> Engine::queues() const {
  auto queues = mesh_->stats();
  queues.push_back(&passwords_->stats());
  for (const QueueStats* queue : stores_->queues()) queues.push_back(queue);
  for (ShardId shard = 0; shard < config_.shards; ++shard) {
    queues.push_back(&fabric_->arrival_stats(shard));
  }
  return queues;
}

void Engine::write_contention(JsonWriter& json,
                              const std::vector<const QueueStats*>& queues) const {
  Shards shards;
  for (const auto& lane : lanes_) shards.push_back(&lane->stats);
  json.key("contention").open('{').key("full").open('[');
  for (const QueueStats* queue : queues) {
    const std::uint64_t refused = get(queue->refused);
    if (refused == 0) continue;
    json.open('{').field("name", queue->name).field("refused", refused).close('}');
  }
  json.close(']').key("wake_ups").open('{').field("asked", sum_of(shards, Counter::wakeups));
  std::uint64_t rung = 0;
  for (ShardId shard = 0; shard < config_.shards; ++shard) rung += fabric_->waker(shard).rings();
  json.field("rung", rung).close('}').key("locks").open('[');
  write_lock(json, submit_mutex_.name(), submit_mutex_);
  write_lock(json, events_mutex_.name(), events_mutex_);
  write_lock(json, ticket_keys_->lock().name(), ticket_keys_->lock());
  const std::vector<StoreStats> stores = stores_->stats();
  for (const StoreStats& store : stores) {
    write_lock(json, store.lock->name() + ("-" + std::to_string(store.store)), *store.lock);
  }
  json.close(']')
      .key("commit_waits")
      .open('{')
      .field("senders_slowed", sum_of(shards, Counter::senders_slowed))
      .field("batches", sum_of(shards, Counter::commits))
      .field("wait_us", sum_of(shards, Counter::commit_us))
      .field("refused", sum_of(shards, Counter::commit_failures))
      .close('}')
      .field("congested_turns", sum_of(shards, Counter::congested))
      .close('}');
}

std::string Engine::stats_json() const {
  std::string out;
  JsonWriter json(out);
  const std::uint64_t now_s = clock_.wall_ms() / 1000;
  Shards shards;
  for (const auto& lane : lanes_) shards.push_back(&lane->stats);
  json.open('{');
  write_counters(json, shards);
  json.key("shards").open('[');
  for (ShardId id = 0; id < shards.size(); ++id) {
    write_shard(json, id, *shards[id], fabric_->waker(id).rings(), now_s);
  }
  json.close(']').key("queues").open('[');
  const std::vector<const QueueStats*> all = queues();
  std::uint64_t queue_bytes = 0;
  for (const QueueStats* queue : all) {
    write_queue(json, *queue);
    if (queue->unit == std::string_view("bytes")) queue_bytes += queue->capacity;
  }
  json.close(']').key("stores").open('[');
  for (const StoreStats& store : stores_->stats()) write_store(json, store);
  json.close(']').key("threads").open('{').field("passwords_cpu_us", passwords_->cpu_us());
  json.close('}');
  write_memory(json, shards, queue_bytes);
  write_contention(json, all);
  json.close('}').finish();
  return out;
}

}  // namespace rookery
