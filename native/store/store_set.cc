// Opening a data folder's stores, and the ports to them.
#include "store/store_set.h"

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "stats/probes.h"
#include "store/recovery_report.h"
#include "store/store_channel.h"
#include "store/store_files.h"
#include "store/store_recovery.h"
#include "store/store_thread.h"

namespace rookery {
namespace {

constexpr std::size_t kSpareItems = 64;
constexpr std::size_t kSpareBytes = 256u << 10;  // A bigger buffer is not worth keeping.
constexpr std::size_t kMaxBatchRecords = 1u << 16;
constexpr std::uint32_t kMaxStores = 255;

// A shard's end of the channels to all stores.
class Port final : public StorePort {
 public:
  struct Lane {
    StoreThread* thread = nullptr;
    StoreChannel* channel = nullptr;
    std::size_t items = 0;  ///< Under way.
    std::size_t bytes = 0;
  };

  Port(const StoreOptions& options, std::uint8_t own) : options_(options), own_(own) {}

  void add_lane(StoreThread& thread, StoreChannel& channel) {
    lanes_[thread.store()] = lanes_list_.size();
    lanes_list_.push_back({&thread, &channel});
  }

  bool submit(std::uint64_t token, std::span<const RecordInput> records) override {
    bool settlements_only = !records.empty();
    bool possible = !records.empty() && records.size() <= kMaxBatchRecords;
    std::size_t bytes = 0;
    for (const RecordInput& record : records) {
      settlements_only = settlements_only && record.kind == RecordKind::settlement;
      possible = possible && record.user.size() <= kMaxUserBytes &&
                 record.payload.size() <= kMaxPayloadBytes;
      bytes += record.user.size() + record.payload.size();
    }
    Lane* lane = possible ? lane_for(records, settlements_only) : nullptr;
    if (lane == nullptr) {
      refused_.push_back({StoreEvent::Kind::committed, StoreStatus::failed, token, 0, {}});
      return true;
    }
    if (!has_room(*lane, bytes)) return false;
    std::unique_ptr<StoreItem> item = spare_item();
    item->token = token;
    item->is_read = false;
    item->settlements_only = settlements_only;
    item->charged = bytes;
    encode_records(records, *item);
    return send(*lane, std::move(item));
  }

  bool read(std::uint64_t token, LogSequence sequence) override {
    const auto at = lanes_.find(store_of(sequence));
    if (at == lanes_.end()) {
      refused_.push_back(
          {StoreEvent::Kind::record_read, StoreStatus::missing, token, sequence, {}});
      return true;
    }
    Lane& lane = lanes_list_[at->second];
    if (!has_room(lane, 0)) return false;
    std::unique_ptr<StoreItem> item = spare_item();
    item->token = token;
    item->is_read = true;
    item->settlements_only = false;
    item->sequence = sequence;
    item->records = 0;
    item->charged = 0;
    return send(lane, std::move(item));
  }

  bool poll(StoreEvent& out) override {
    if (!refused_.empty()) {
      out = std::move(refused_.front());
      refused_.pop_front();
      return true;
    }
    for (std::size_t step = 0; step < lanes_list_.size(); ++step) {
      Lane& lane = lanes_list_[(next_lane_ + step) % lanes_list_.size()];
      std::unique_ptr<StoreItem> item = lane.channel->to_port.pop();
      if (!item) continue;
      next_lane_ = (next_lane_ + step) % lanes_list_.size();
      take_answer(lane, std::move(item), out);
      return true;
    }
    return false;
  }

  [[nodiscard]] std::uint8_t own_store() const override { return own_; }

 private:
  // Null when the store of a settlement's first sequence does not exist.
  Lane* lane_for(std::span<const RecordInput> records, bool settlements_only) {
    std::uint8_t store = own_;
    if (settlements_only && records.front().payload.size() >= 8) {
      store = store_of(load64(records.front().payload.data()));
    }
    const auto at = lanes_.find(store);
    return at == lanes_.end() ? nullptr : &lanes_list_[at->second];
  }

  // A batch larger than the whole limit goes alone rather than never.
  bool has_room(Lane& lane, std::size_t bytes) {
    const bool fits = lane.items < options_.queue_batches &&
                      (lane.bytes == 0 || lane.bytes + bytes <= options_.queue_bytes);
    if (!fits) {
      count_up(lane.channel->stats.refused);
      probes::queue_full(lane.channel->stats.name.c_str());
    }
    return fits;
  }

  bool send(Lane& lane, std::unique_ptr<StoreItem> item) {
    const std::size_t charged = item->charged;
    item->submitted_us = store_clock_us();
    if (!lane.channel->to_store.push(item)) return false;
    ++lane.items;
    lane.bytes += charged;
    QueueStats& stats = lane.channel->stats;
    count_up(stats.pushed);
    raise_to(stats.high_water, lane.items);
    lane.thread->notify();
    return true;
  }

  void take_answer(Lane& lane, std::unique_ptr<StoreItem> item, StoreEvent& out) {
    --lane.items;
    lane.bytes -= item->charged;
    out.kind = item->is_read ? StoreEvent::Kind::record_read : StoreEvent::Kind::committed;
    out.status = item->status;
    out.token = item->token;
    out.sequence = item->sequence;
    out.payload.clear();
    if (item->is_read && item->status == StoreStatus::ok) out.payload.swap(item->bytes);
    if (spare_.size() < kSpareItems && item->bytes.capacity() <= kSpareBytes) {
      spare_.push_back(std::move(item));
    }
  }

  std::unique_ptr<StoreItem> spare_item() {
    if (spare_.empty()) return std::make_unique<StoreItem>();
    std::unique_ptr<StoreItem> item = std::move(spare_.back());
    spare_.pop_back();
    item->status = StoreStatus::ok;
    return item;
  }

  const StoreOptions& options_;
  std::uint8_t own_;
  std::map<std::uint8_t, std::size_t> lanes_;
  std::vector<Lane> lanes_list_;
  std::size_t next_lane_ = 0;
  std::vector<std::unique_ptr<StoreItem>> spare_;
  std::deque<StoreEvent> refused_;  ///< Answers for requests that no store can serve.
};

class Set final : public StoreSet {
 public:
  explicit Set(const StoreOptions& options) : options_(options) {}
  ~Set() override { stop(); }

  bool prepare(std::string& error);
  bool recover(const std::function<void(const RecoveredRecord&)>& record, RecoveryReport& report,
               std::string& error) override;
  std::unique_ptr<StorePort> make_port(ShardId shard, std::function<void()> wake) override;
  void start() override {
    for (const auto& thread : threads_) thread->start();
  }
  void stop() override {
    for (const auto& thread : threads_) thread->stop();
  }
  [[nodiscard]] std::vector<StoreStats> stats() const override;
  [[nodiscard]] std::vector<const QueueStats*> queues() const override;

 private:
  std::uint64_t find_salt();

  StoreOptions options_;
  FolderLock lock_;
  std::uint64_t salt_ = 0;
  std::vector<std::string> early_notes_;
  std::vector<std::unique_ptr<StoreThread>> threads_;
};

// The salt of the folder, from the first place that still knows it.
std::uint64_t Set::find_salt() {
  const Marker marker = read_marker(options_.folder);
  if (marker.state == MarkerState::good) return marker.salt;
  const bool damaged = marker.state == MarkerState::damaged;
  const std::vector<std::uint8_t> stores = find_stores(options_.folder);
  if (damaged || !stores.empty()) {
    early_notes_.push_back("the format marker of " + options_.folder + " is " +
                           (damaged ? "damaged" : "missing") + "; it is written anew");
  }
  for (const std::uint8_t store : stores) {
    const Marker copy = read_marker(store_folder(options_.folder, store));
    if (copy.state == MarkerState::good) return copy.salt;
  }
  for (const std::uint8_t store : stores) {
    const std::uint64_t salt = StoreRecovery::find_salt(log_path(options_.folder, store));
    if (salt != 0) return salt;
  }
  return random_salt();
}

bool Set::prepare(std::string& error) {
  if (options_.stores < 1 || options_.stores > kMaxStores) {
    error = "the number of stores must be 1 to " + std::to_string(kMaxStores);
    return false;
  }
  if (!make_folder(options_.folder, error) || !lock_.take(options_.folder, error)) return false;
  if (read_marker(options_.folder).state == MarkerState::newer) {
    error = options_.folder + " was written by a newer version of Rookery";
    return false;
  }
  salt_ = find_salt();
  const Marker marker = read_marker(options_.folder);
  if (marker.state == MarkerState::good && marker.salt == salt_) return true;
  std::string problem;
  if (!write_marker(options_.folder, salt_, problem)) {
    early_notes_.push_back("the format marker could not be written: " + problem);
  }
  return true;
}

bool Set::recover(const std::function<void(const RecoveredRecord&)>& record, RecoveryReport& report,
                  std::string& error) {
  const auto start = std::chrono::steady_clock::now();
  for (std::string& line : early_notes_) note_detail(options_, report, std::move(line));
  early_notes_.clear();
  std::set<std::uint8_t> numbers;
  for (std::uint32_t store = 0; store < options_.stores; ++store) {
    numbers.insert(static_cast<std::uint8_t>(store));
  }
  // Stores of an earlier configuration are still read, settled and cleaned.
  for (const std::uint8_t store : find_stores(options_.folder)) numbers.insert(store);
  for (const std::uint8_t store : numbers) {
    ReadyStore ready;
    StoreRecovery recovery(options_, store, salt_, report);
    if (!recovery.run(record, ready, error)) return false;
    threads_.push_back(std::make_unique<StoreThread>(std::move(ready), options_, salt_));
    ++report.stores;
  }
  report.ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                             std::chrono::steady_clock::now() - start)
                                             .count());
  return true;
}

std::unique_ptr<StorePort> Set::make_port(ShardId shard, std::function<void()> wake) {
  const auto own = static_cast<std::uint8_t>(shard % options_.stores);
  auto port = std::make_unique<Port>(options_, own);
  const std::string name = "shard-" + std::to_string(shard);
  for (const auto& thread : threads_) port->add_lane(*thread, thread->add_channel(name, wake));
  return port;
}

std::vector<StoreStats> Set::stats() const {
  std::vector<StoreStats> all;
  for (const auto& thread : threads_) all.push_back(thread->stats());
  return all;
}

std::vector<const QueueStats*> Set::queues() const {
  std::vector<const QueueStats*> all;
  for (const auto& thread : threads_) {
    for (const auto& channel : thread->channels()) all.push_back(&channel->stats);
  }
  return all;
}

}  // namespace

std::unique_ptr<StoreSet> StoreSet::open(const StoreOptions& options, std::string& error) {
  auto set = std::make_unique<Set>(options);
  if (!set->prepare(error)) return nullptr;
  return set;
}

}  // namespace rookery
