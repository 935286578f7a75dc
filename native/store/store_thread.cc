// The store thread's loop and the commit of a group.
#include "store/store_thread.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>

#include "stats/probes.h"
#include "store/record_payloads.h"

namespace rookery {
namespace {

// A group is bounded so that one transaction stays short; what is left makes the next group.
constexpr std::size_t kGroupBytes = 4u << 20;
constexpr std::size_t kGroupRecords = 1u << 16;
// With this much waiting a commit is worth its fsync at once.
constexpr std::size_t kEagerBytes = 256u << 10;
constexpr std::uint64_t kHoldSliceUs = 500;
// Deletions per transaction: in proportion to what is written when busy, a fixed piece when idle.
constexpr std::size_t kCleanPerRecord = 2;
constexpr std::size_t kCleanLeast = 256;
constexpr std::size_t kCleanIdle = 4096;
constexpr auto kIdleBeforeThorough = std::chrono::seconds(1);

}  // namespace

StoreThread::StoreThread(ReadyStore ready, const StoreOptions& options, std::uint64_t salt)
    : store_(ready.store),
      options_(options),
      log_(std::move(ready.log)),
      liveness_(std::move(ready.liveness)),
      cleaner_(ready.store, salt, ready.ledger),
      next_(ready.next) {
  publish_gauges();
}

StoreThread::~StoreThread() { stop(); }

StoreChannel& StoreThread::add_channel(const std::string& port, std::function<void()> wake) {
  const std::string name = port + "→store-" + std::to_string(store_);
  channels_.push_back(
      std::make_unique<StoreChannel>(name, options_.queue_batches, std::move(wake)));
  return *channels_.back();
}

void StoreThread::start() {
  if (thread_.joinable()) return;
  // Signals are for the process's main thread; a new thread inherits the mask.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), ("store-" + std::to_string(store_)).c_str());
}

void StoreThread::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true);
  {
    const std::lock_guard<NamedMutex> guard(mutex_);
    condition_.notify_one();
  }
  thread_.join();
}

void StoreThread::notify() {
  if (!asleep_.load(std::memory_order_seq_cst)) return;
  // One that finds the store asleep is rare, and nothing beside the wake-up itself.
  wake_ups_.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard<NamedMutex> guard(mutex_);
  condition_.notify_one();
}

void StoreThread::loop() {
  times_.thread.begin();
  for (;;) {
    gather();
    serve_reads();
    if (!group_.empty()) {
      idle_clean_ = false;
      if (hold_back()) continue;
      commit_group();
      wake_ports();
      publish_gauges();
      continue;
    }
    wake_ports();
    if (stopping_.load()) {
      if (channels_empty()) return;
      continue;
    }
    if (!clean_failed_ && clean(false)) continue;
    const bool timed = liveness_.dead_count() > 0 && !idle_clean_;
    sleep(timed);
  }
}

void StoreThread::gather() {
  const std::size_t count = channels_.size();
  for (std::size_t step = 0; step < count; ++step) {
    StoreChannel& channel = *channels_[(first_channel_ + step) % count];
    while (group_bytes_ < kGroupBytes && group_records_ < kGroupRecords) {
      std::unique_ptr<StoreItem> item = channel.to_store.pop();
      if (!item) break;
      if (item->is_read) {
        reads_.push_back({&channel, std::move(item)});
        continue;
      }
      group_bytes_ += item->bytes.size();
      group_records_ += item->records;
      group_.push_back({&channel, std::move(item)});
    }
  }
  if (count > 0) first_channel_ = (first_channel_ + 1) % count;
}

// While commits follow each other closely, the next one waits until as much time has passed as the
// last one took: then a group is worth its fsync, and the disk is not kept busy by small ones.
bool StoreThread::hold_back() {
  if (stopping_.load() || group_bytes_ >= kEagerBytes) return false;
  const std::uint64_t pause = std::min<std::uint64_t>(last_commit_us_, options_.max_group_delay_us);
  const std::uint64_t due = last_start_us_ + last_commit_us_ + pause;
  const std::uint64_t now = store_clock_us();
  if (now >= due) return false;
  wake_ports();  // Reads may have been answered.
  std::this_thread::sleep_for(std::chrono::microseconds(std::min(due - now, kHoldSliceUs)));
  return true;
}

void StoreThread::serve_reads() {
  const std::uint64_t now = reads_.empty() ? 0 : store_clock_us();
  for (Pending& pending : reads_) {
    StoreItem& item = *pending.item;
    item.bytes.clear();
    item.status = liveness_.dead(item.sequence) ? StoreStatus::missing
                                                : log_->read(item.sequence, item.bytes);
    if (item.status == StoreStatus::corrupt && options_.log) {
      options_.log("store " + std::to_string(store_) + ": record " +
                   std::to_string(item.sequence & kOrdinalMask) + " is damaged");
    }
    count_up(counters_.reads);
    waited(pending, now);
    answer(pending);
  }
  reads_.clear();
}

void StoreThread::commit_group() {
  last_start_us_ = store_clock_us();
  for (const Pending& pending : group_) waited(pending, last_start_us_);
  if (!commit_items(0, group_.size(), true)) {
    // Settlements may use the reserve, and get their own chance: they are what makes room.
    const auto middle = std::stable_partition(
        group_.begin(), group_.end(),
        [](const Pending& pending) { return pending.item->settlements_only; });
    const auto settlements = static_cast<std::size_t>(middle - group_.begin());
    const auto fail = [&](std::size_t begin, std::size_t end) {
      for (std::size_t index = begin; index < end; ++index) {
        group_[index].item->status = StoreStatus::failed;
        group_[index].item->sequence = 0;
      }
    };
    if (settlements > 0 && !commit_items(0, settlements, false)) fail(0, settlements);
    if (settlements < group_.size() && !commit_items(settlements, group_.size(), false)) {
      fail(settlements, group_.size());
    }
  }
  clean_failed_ = false;  // A full store empties itself by cleaning: worth a try after each group.
  last_commit_us_ = store_clock_us() - last_start_us_;
  for (Pending& pending : group_) answer(pending);
  group_.clear();
  group_bytes_ = 0;
  group_records_ = 0;
}

bool StoreThread::commit_items(std::size_t begin, std::size_t end, bool clean) {
  const bool reserve =
      std::all_of(group_.begin() + static_cast<std::ptrdiff_t>(begin),
                  group_.begin() + static_cast<std::ptrdiff_t>(end),
                  [](const Pending& pending) { return pending.item->settlements_only; });
  std::size_t records = 0;
  for (std::size_t index = begin; index < end; ++index) records += group_[index].item->records;
  const LogSequence first = next_;
  // Whatever becomes of the transaction, its sequences are used up: a failed one may have left
  // them in free pages.
  next_ += records + 1;
  const bool cleaning = clean && cleaner_.plan(liveness_, false);
  const std::size_t budget = kCleanLeast + records * kCleanPerRecord;
  const std::uint64_t start = store_clock_us();
  std::string error;
  const auto result = log_->write(
      [&](MessageLog::Writer& writer) {
        if (!append_items(writer, begin, end, first)) return false;
        return !cleaning || cleaner_.run(writer, liveness_, budget, first, first + records);
      },
      reserve, error);
  if (result != MessageLog::Result::ok) {
    count_up(counters_.failed_groups);
    report_failure(error);
    return false;
  }
  report_recovery();
  const std::uint64_t us = store_clock_us() - start;
  count_up(counters_.commits);
  count_up(counters_.records, records);
  count_up(counters_.commit_us_sum, us);
  raise_to(counters_.commit_us_max, us);
  count_up(counters_.sync_us_sum, log_->last_sync_us());
  times_.commit_us.record(us);
  times_.sync_us.record(log_->last_sync_us());
  times_.batch.record(records);
  probes::group_committed(store_, records, us);
  raise_to(counters_.sync_us_max, log_->last_sync_us());
  raise_to(counters_.group_records_max, records);
  account(begin, end, first);
  if (cleaning) count_up(counters_.cleaned, cleaner_.apply(liveness_));
  return true;
}

bool StoreThread::append_items(MessageLog::Writer& writer, std::size_t begin, std::size_t end,
                               LogSequence first) {
  LogSequence sequence = first;
  for (std::size_t index = begin; index < end; ++index) {
    std::size_t at = 0;
    ItemRecord record;
    while (next_record(*group_[index].item, at, record)) {
      if (!writer.append({sequence++, record.kind, record.user, record.payload})) return false;
    }
  }
  return true;
}

// The group is durable: its records count from now on, and what its settlements name is dead.
void StoreThread::account(std::size_t begin, std::size_t end, LogSequence first) {
  LogSequence sequence = first;
  for (std::size_t index = begin; index < end; ++index) {
    StoreItem& item = *group_[index].item;
    item.status = StoreStatus::ok;
    item.sequence = sequence;
    std::size_t at = 0;
    ItemRecord record;
    while (next_record(item, at, record)) account_record(sequence++, record);
  }
}

void StoreThread::account_record(LogSequence sequence, const ItemRecord& record) {
  count_up(counters_.bytes, record.user.size() + record.payload.size());
  if (record.kind != static_cast<std::uint8_t>(RecordKind::settlement)) {
    liveness_.add(sequence);
    return;
  }
  std::uint64_t subjects = 0;
  std::uint64_t settled = 0;
  for_each_subject(record.payload, store_, [&](LogSequence subject) {
    ++subjects;
    if (liveness_.mark_dead(subject)) ++settled;
  });
  liveness_.add_settlement(sequence, subjects);
  count_up(counters_.settled, settled);
}

void StoreThread::waited(const Pending& pending, std::uint64_t now) {
  const std::uint64_t submitted = pending.item->submitted_us;
  pending.channel->stats.wait.record(now > submitted ? now - submitted : 0);
}

void StoreThread::answer(Pending& pending) {
  StoreChannel& channel = *pending.channel;
  count_up(channel.stats.popped);
  channel.answered = true;
  channel.to_port.push(pending.item);  // Has room: see StoreChannel.
}

void StoreThread::wake_ports() {
  for (const auto& channel : channels_) {
    if (!channel->answered) continue;
    channel->answered = false;
    if (channel->wake) channel->wake();
  }
}

// A transaction of its own for cleaning, when no batch waits to carry it.
bool StoreThread::clean(bool thorough) {
  if (!cleaner_.plan(liveness_, thorough)) return false;
  const LogSequence ledger = next_++;
  const std::uint64_t start = store_clock_us();
  std::string error;
  const auto result = log_->write(
      [&](MessageLog::Writer& writer) {
        return cleaner_.run(writer, liveness_, kCleanIdle, ledger, ledger);
      },
      true, error);
  clean_failed_ = result != MessageLog::Result::ok;
  if (clean_failed_) {
    report_failure(error);
    return false;
  }
  count_up(counters_.cleaned, cleaner_.apply(liveness_));
  count_up(counters_.clean_commits);
  count_up(counters_.clean_us_sum, store_clock_us() - start);
  publish_gauges();
  return true;
}

void StoreThread::publish_gauges() {
  const auto set = [](std::atomic<std::uint64_t>& gauge, std::uint64_t value) {
    gauge.store(value, std::memory_order_relaxed);
  };
  set(counters_.present, liveness_.present_count());
  set(counters_.dead, liveness_.dead_count());
  set(counters_.file_bytes, log_->file_bytes());
  set(counters_.map_bytes, log_->map_bytes());
}

void StoreThread::report_failure(const std::string& error) {
  if (!failing_ && options_.log) {
    options_.log("store " + std::to_string(store_) + " cannot write: " + error);
  }
  failing_ = true;
}

void StoreThread::report_recovery() {
  if (failing_ && options_.log) {
    options_.log("store " + std::to_string(store_) + " writes again");
  }
  failing_ = false;
}

bool StoreThread::channels_empty() const {
  return std::all_of(channels_.begin(), channels_.end(),
                     [](const auto& channel) { return channel->to_store.empty(); });
}

void StoreThread::sleep(bool timed) {
  std::unique_lock<NamedMutex> lock(mutex_);
  asleep_.store(true, std::memory_order_seq_cst);
  const auto woken = [this] { return stopping_.load() || !channels_empty(); };
  bool idle = false;
  if (timed) {
    idle = !condition_.wait_for(lock, kIdleBeforeThorough, woken);
  } else {
    condition_.wait(lock, woken);
  }
  asleep_.store(false, std::memory_order_seq_cst);
  lock.unlock();
  if (idle) idle_clean_ = !clean(true);
}

StoreStats StoreThread::stats() const {
  const auto get = [](const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  StoreStats stats;
  stats.store = store_;
  stats.commits = get(counters_.commits);
  stats.records = get(counters_.records);
  stats.bytes = get(counters_.bytes);
  stats.commit_us_sum = get(counters_.commit_us_sum);
  stats.commit_us_max = get(counters_.commit_us_max);
  stats.sync_us_sum = get(counters_.sync_us_sum);
  stats.sync_us_max = get(counters_.sync_us_max);
  stats.group_records_max = get(counters_.group_records_max);
  stats.failed_groups = get(counters_.failed_groups);
  stats.reads = get(counters_.reads);
  stats.settled = get(counters_.settled);
  stats.cleaned = get(counters_.cleaned);
  stats.clean_commits = get(counters_.clean_commits);
  stats.clean_us_sum = get(counters_.clean_us_sum);
  stats.present = get(counters_.present);
  stats.dead = get(counters_.dead);
  stats.file_bytes = get(counters_.file_bytes);
  stats.map_bytes = get(counters_.map_bytes);
  stats.wake_ups = get(wake_ups_);
  stats.times = &times_;
  stats.lock = &mutex_;
  return stats;
}

}  // namespace rookery
