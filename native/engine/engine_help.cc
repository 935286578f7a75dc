// What the figures of Engine::stats_json() mean: the one list, from which the metrics' exposition
// and their documentation are made. It stands where the figures are declared; what is declared
// nowhere else (fields of a queue, of a store) is described here.
#include <span>
#include <string>

#include "engine/engine.h"
#include "engine/json_writer.h"

namespace rookery {
namespace {

struct Figure {
  std::string_view name;
  std::string_view kind;  ///< counter, gauge or histogram.
  std::string_view unit;  ///< Empty: a plain number.
  std::string_view help;
};

constexpr std::string_view counter = "counter";
constexpr std::string_view gauge = "gauge";
constexpr std::string_view histogram = "histogram";

constexpr Figure shard_figures[] = {
    {"cpu_us", counter, "us", "CPU time of the shard's thread"},
    {"woken", counter, "", "times that the shard was woken from its sleep by another thread"},
};

constexpr Figure phase_figures[] = {
    {"inbox", counter, "us", "commands, records of other shards, connections that arrive"},
    {"sockets", counter, "us", "receiving, decrypting, parsing and routing"},
    {"timers", counter, "us", "timers, and logins that waited for their turn"},
    {"store", counter, "us", "asking TCP what arrived, and handing batches to the store"},
    {"completions", counter, "us", "what the store has committed or read"},
    {"output", counter, "us", "receipts, encrypting and sending"},
    {"publish", counter, "us", "waking the other shards and the control plane"},
    {"farewell", counter, "us", "handing connections over, freeing what ended"},
};

constexpr Figure mailbox_figures[] = {
    {"messages", gauge, "", "messages in mailboxes"},
    {"bytes", gauge, "bytes", "their bytes"},
    {"cached", gauge, "", "of the messages, those in memory"},
    {"cached_bytes", gauge, "bytes", "bytes of messages in memory"},
    {"written", counter, "", "messages committed to the disk"},
    {"drained", counter, "", "messages read back from the disk to be delivered"},
    {"never_on_disk", counter, "", "messages acknowledged before they were committed"},
    {"never_on_disk_permyriad", gauge, "", "their share of all acknowledged, in hundredths of %"},
    {"oldest_seconds", gauge, "seconds", "age of the oldest message, to a minute"},
};

constexpr Figure queue_figures[] = {
    {"limit", gauge, "", "what the queue can hold, in its unit"},
    {"depth", gauge, "", "what is in it now"},
    {"high_water", gauge, "", "the most that a look has found"},
    {"pushed", counter, "", "what was put in"},
    {"popped", counter, "", "what was taken out"},
    {"refused", counter, "", "times that it was full"},
    {"wait_us", histogram, "us", "how long what was put in has waited; of rings, samples"},
};

constexpr Figure store_figures[] = {
    {"cpu_us", counter, "us", "CPU time of the store's thread"},
    {"commits", counter, "", "groups committed"},
    {"records", counter, "", "records in them"},
    {"bytes", counter, "bytes", "bytes of users and payloads in them"},
    {"failures", counter, "", "groups that the disk refused"},
    {"commit_us", histogram, "us", "a whole group: encoding, tree, writing, fsync"},
    {"fsync_us", histogram, "us", "of that, writing the pages and fsync"},
    {"batch", histogram, "records", "records in a group"},
    {"reads", counter, "", "records read"},
    {"settled", counter, "", "records that were reported as no longer needed"},
    {"cleaned", counter, "", "records deleted from the file"},
    {"clean_commits", counter, "", "commits for cleaning alone"},
    {"clean_us", counter, "us", "their time"},
    {"present", gauge, "", "records in the file"},
    {"dead", gauge, "", "of these, no longer needed"},
    {"file_bytes", gauge, "bytes", "the file"},
    {"map_bytes", gauge, "bytes", "its map: address space, not memory"},
    {"woken", counter, "", "times that a shard found the thread asleep"},
};

constexpr Figure contention_figures[] = {
    {"wake_ups_asked", counter, "", "times that a shard told another of records for it"},
    {"wake_ups_rung", counter, "", "of all notifications of shards, those that found them asleep"},
    {"congested_turns", counter, "", "turns in which sockets were not read: a ring was full"},
    {"lock_taken", counter, "", "times that a lock of the control path was taken"},
    {"lock_waited", counter, "", "of these, times that it was held by somebody else"},
    {"lock_wait_us", counter, "us", "how long in all"},
    {"commit_senders_slowed", counter, "", "times that a sender's input waited for the disk"},
    {"commit_batches", counter, "", "batches of shards that were committed"},
    {"commit_wait_us", counter, "us", "from their submission to their completion"},
    {"commit_refused", counter, "", "batches of shards that the disk refused"},
};

void write_figure(JsonWriter& json, const Figure& figure) {
  json.key(figure.name)
      .open('{')
      .field("kind", figure.kind)
      .field("unit", figure.unit)
      .field("help", figure.help)
      .close('}');
}

void write_figures(JsonWriter& json, std::string_view name, std::span<const Figure> figures) {
  json.key(name).open('{');
  for (const Figure& figure : figures) write_figure(json, figure);
  json.close('}');
}

void write_counters(JsonWriter& json) {
  json.key("counters").open('{');
  for (std::size_t index = 0; index < ShardCounters::size; ++index) {
    const std::string_view name = ShardCounters::name(index);
    const bool us = name.ends_with("_us");
    const bool bytes = name.ends_with("_bytes") || name.starts_with("bytes_");
    write_figure(json, {name, ShardCounters::gauge(index) ? gauge : counter,
                        us      ? "us"
                        : bytes ? "bytes"
                                : "",
                        ShardCounters::help(index)});
  }
  json.close('}').key("histograms").open('{');
  for (std::size_t index = 0; index < ShardStats::histograms; ++index) {
    const ShardStats::Text text = ShardStats::histogram_text(index);
    write_figure(json, {text.name, histogram, text.unit, text.help});
  }
  json.close('}');
}

}  // namespace

std::string Engine::metrics_help_json() {
  std::string out;
  JsonWriter json(out);
  json.open('{');
  write_counters(json);
  write_figures(json, "shards", shard_figures);
  write_figures(json, "phases_us", phase_figures);
  write_figures(json, "mailboxes", mailbox_figures);
  write_figures(json, "queues", queue_figures);
  write_figures(json, "stores", store_figures);
  write_figures(json, "contention", contention_figures);
  json.key("memory").open('{');
  for (std::size_t index = 0; index < ShardStats::holdings; ++index) {
    if (static_cast<Holding>(index) == Holding::oldest_message_s) continue;
    const ShardStats::Text text = ShardStats::holding_text(index);
    write_figure(json, {text.name, gauge, "bytes", text.help});
  }
  write_figure(json, {"queues", gauge, "bytes", "the rings"});
  write_figure(json, {"mapped_files_resident", gauge, "bytes",
                      "pages of files in memory: the stores' maps, and the programs' own"});
  json.close('}').close('}').finish();
  return out;
}

}  // namespace rookery
