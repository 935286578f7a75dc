// The engine's figures as JSON, for `rookery status` and whoever else asks.
#include <string>

#include "engine/engine.h"

namespace rookery {
namespace {

void append_string(std::string& out, std::string_view text) {
  out += '"';
  out += text;  // names are ours: nothing in them needs escaping
  out += '"';
}

void append_field(std::string& out, std::string_view name, std::uint64_t value) {
  append_string(out, name);
  out += ':';
  out += std::to_string(value);
  out += ',';
}

void close_list(std::string& out, char bracket) {
  if (out.back() == ',') out.pop_back();
  out += bracket;
}

}  // namespace

std::string Engine::stats_json() const {
  std::string out = "{\"shards\":[";
  for (const auto& lane : lanes_) {
    out += '{';
    for (std::size_t index = 0; index < ShardCounters::size; ++index) {
      append_string(out, ShardCounters::name(index));
      out += ':';
      out += std::to_string(lane->counters.get(static_cast<Counter>(index)));
      out += ',';
    }
    close_list(out, '}');
    out += ',';
  }
  close_list(out, ']');
  out += ",\"counters\":{";
  for (std::size_t index = 0; index < ShardCounters::size; ++index) {
    std::int64_t sum = 0;
    for (const auto& lane : lanes_) sum += lane->counters.get(static_cast<Counter>(index));
    append_string(out, ShardCounters::name(index));
    out += ':';
    out += std::to_string(sum);
    out += ',';
  }
  close_list(out, '}');
  out += ",\"queues\":[";
  auto queues = mesh_->stats();
  queues.push_back(&passwords_->stats());
  for (const QueueStats* queue : stores_->queues()) queues.push_back(queue);
  for (ShardId shard = 0; shard < config_.shards; ++shard) {
    queues.push_back(&fabric_->arrival_stats(shard));
  }
  for (const QueueStats* queue : queues) {
    out += "{\"name\":";
    append_string(out, queue->name);
    out += ",\"unit\":";
    append_string(out, queue->unit);
    out += ',';
    append_field(out, "limit", queue->capacity);
    append_field(out, "depth", queue->depth());
    append_field(out, "high_water", queue->high_water.load(std::memory_order_relaxed));
    append_field(out, "pushed", queue->pushed.load(std::memory_order_relaxed));
    append_field(out, "refused", queue->refused.load(std::memory_order_relaxed));
    close_list(out, '}');
    out += ',';
  }
  close_list(out, ']');
  out += ",\"stores\":[";
  for (const StoreStats& store : stores_->stats()) {
    out += '{';
    append_field(out, "store", store.store);
    append_field(out, "commits", store.commits);
    append_field(out, "records", store.records);
    append_field(out, "bytes", store.bytes);
    append_field(out, "commit_us_sum", store.commit_us_sum);
    append_field(out, "commit_us_max", store.commit_us_max);
    append_field(out, "sync_us_sum", store.sync_us_sum);
    append_field(out, "failed_groups", store.failed_groups);
    append_field(out, "present", store.present);
    append_field(out, "dead", store.dead);
    append_field(out, "file_bytes", store.file_bytes);
    close_list(out, '}');
    out += ',';
  }
  close_list(out, ']');
  out += '}';
  return out;
}

}  // namespace rookery
