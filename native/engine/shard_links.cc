// Records through rings. A record too large for its ring travels as a pointer to a heap copy, so
// that rings can stay small however large a stanza may be.
#include "engine/shard_links.h"

#include <cstdint>
#include <cstring>
#include <memory>

namespace rookery {
namespace {

constexpr std::size_t inline_bytes = 8 * 1024;
constexpr char large_record = '\xFF';
constexpr int records_per_way = 1024;
// A record that is followed costs both shards a cache miss: too much for each of them.
constexpr std::uint32_t turns_per_follow = 16;
// What a large record takes in its ring: the pointer itself is meant, not what it points to.
constexpr std::size_t pointer_bytes = sizeof(std::uintptr_t);
static_assert(pointer_bytes == sizeof(void*));

}  // namespace

ShardLinks::ShardLinks(Mesh& mesh, ShardId id, ShardStats& stats,
                       std::function<void(ShardId)> wake_shard, std::function<void()> wake_control)
    : mesh_(mesh),
      id_(id),
      counters_(stats.counters),
      wake_shard_(std::move(wake_shard)),
      wake_control_(std::move(wake_control)),
      ways_(mesh.shards()) {}

bool ShardLinks::push(SpscByteRing& ring, std::string_view record) {
  if (record.size() <= inline_bytes) {
    std::byte* room = ring.reserve(record.size());
    if (room == nullptr) return false;
    std::memcpy(room, record.data(), record.size());
    ring.commit(record.size());
    return true;
  }
  std::byte* room = ring.reserve(1 + pointer_bytes);
  if (room == nullptr) return false;
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): the consumer takes it over
  auto* copy = new std::string(record);
  room[0] = static_cast<std::byte>(large_record);
  std::memcpy(room + 1, &copy, pointer_bytes);
  ring.commit(1 + pointer_bytes);
  return true;
}

void ShardLinks::take(std::string_view record,
                      const std::function<void(std::string_view)>& handle) {
  if (record[0] != large_record) {
    handle(record);
    return;
  }
  std::string* raw = nullptr;
  std::memcpy(&raw, record.data() + 1, pointer_bytes);
  const std::unique_ptr<std::string> copy(raw);
  handle(*copy);
}

void ShardLinks::request(ShardId to, std::string_view record) {
  Way& way = ways_[to];
  way.touched = true;
  SpscByteRing& ring = mesh_.requests(id_, to);
  if (following_) ring.follow(now_);
  if (way.requests.empty() && push(ring, record)) return;
  way.requests.emplace_back(record);
  ++requests_waiting_;
}

void ShardLinks::reply(ShardId to, std::string_view record) {
  Way& way = ways_[to];
  way.touched = true;
  SpscByteRing& ring = mesh_.replies(id_, to);
  if (following_) ring.follow(now_);
  if (way.replies.empty() && push(ring, record)) return;
  way.replies.emplace_back(record);
  ++replies_waiting_;
}

bool ShardLinks::offer_event(std::string_view record) {
  SpscByteRing& ring = mesh_.events(id_);
  if (!events_.empty() || record.size() > ring.max_record()) return false;
  std::byte* room = ring.reserve(record.size());
  if (room == nullptr) return false;
  if (following_) ring.follow(now_);
  std::memcpy(room, record.data(), record.size());
  ring.commit(record.size());
  control_touched_ = true;
  return true;
}

bool ShardLinks::events_pressing() const {
  const QueueStats& stats = mesh_.events(id_).stats();
  return stats.depth() > stats.capacity / 2;
}

void ShardLinks::event(std::string_view record) {
  if (offer_event(record)) return;
  control_touched_ = true;
  events_.emplace_back(record);
}

std::size_t ShardLinks::drain(MonoUs now, const std::function<void(std::string_view)>& handle) {
  now_ = now;
  following_ = ++turns_ % turns_per_follow == 0;
  std::size_t taken = 0;
  for (ShardId from = 0; from < mesh_.shards(); ++from) {
    if (from == id_) continue;
    for (const bool replies : {true, false}) {
      // A request may cause replies; while ours find no room, taking more would only pile them up.
      if (!replies && replies_waiting_ > 0) continue;
      SpscByteRing& ring = replies ? mesh_.replies(from, id_) : mesh_.requests(from, id_);
      int count = 0;
      for (; count < records_per_way; ++count) {
        const auto record = ring.front();
        if (record.empty()) break;
        take({reinterpret_cast<const char*>(record.data()), record.size()}, handle);
        ring.pop();
      }
      if (count > 0) ring.looked(now);
      taken += static_cast<std::size_t>(count);
    }
  }
  return taken;
}

bool ShardLinks::anything_to_take() const {
  for (ShardId from = 0; from < mesh_.shards(); ++from) {
    if (from == id_) continue;
    if (!mesh_.replies(from, id_).empty()) return true;
    if (replies_waiting_ == 0 && !mesh_.requests(from, id_).empty()) return true;
  }
  return !mesh_.commands(id_).empty();
}

void ShardLinks::retry() {
  for (ShardId to = 0; to < ways_.size(); ++to) {
    Way& way = ways_[to];
    while (!way.replies.empty() && push(mesh_.replies(id_, to), way.replies.front())) {
      way.replies.pop_front();
      --replies_waiting_;
      way.touched = true;
    }
    while (!way.requests.empty() && push(mesh_.requests(id_, to), way.requests.front())) {
      way.requests.pop_front();
      --requests_waiting_;
      way.touched = true;
    }
  }
}

void ShardLinks::publish() {
  if (requests_waiting_ + replies_waiting_ > 0) retry();
  while (!events_.empty()) {
    std::string record = std::move(events_.front());
    events_.pop_front();
    if (offer_event(record)) continue;
    events_.push_front(std::move(record));
    break;
  }
  for (ShardId to = 0; to < ways_.size(); ++to) {
    if (!ways_[to].touched) continue;
    ways_[to].touched = false;
    counters_.add(Counter::wakeups);
    wake_shard_(to);
  }
  if (control_touched_) {
    control_touched_ = false;
    wake_control_();
  }
}

bool ShardLinks::idle() const {
  return requests_waiting_ == 0 && replies_waiting_ == 0 && events_.empty();
}

}  // namespace rookery
