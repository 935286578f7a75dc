// What ties the shards' reactors together: one eventfd and one hand-over socket pair for each
// shard, made before the threads start and kept at the same descriptor numbers in every table. So
// any thread (a shard, a store thread, Node's main thread or a pool worker) wakes any shard by a
// write to the same number, and any shard hands connections to any other.
//
// Order of life: create() on the main thread (its table is the "main table", which the store
// threads and Node's workers share) → shard threads start; each calls make_network() as the first
// thing that touches descriptors → shards run, destroy their Network on their own thread, end → the
// main thread joins them, take_stranded() until empty, then destroys the fabric.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/network.h"
#include "reactor/waker.h"
#include "stats/queue_stats.h"

namespace rookery {

/// How a shard's sockets are set up. The kernel does all dead-peer work; the shard has no timers
/// for it. Socket options are set on the listener, whose connections inherit them.
struct NetworkOptions {
  int backlog = 4096;
  int keepalive_idle_s = 600;  ///< Silence before the first probe; 0: no keep-alive.
  int keepalive_interval_s = 30;
  int keepalive_probes = 4;
  int user_timeout_ms = 120'000;  ///< Unacknowledged bytes older than this end the connection.
  int send_buffer_bytes = 0;      ///< 0: the kernel's automatic size.
  int receive_buffer_bytes = 0;   ///< 0: the kernel's automatic size.
  /// Descriptors that accept() leaves free for connections handed over by other shards.
  std::uint32_t reserved_descriptors = 64;
  /// False: share the process's table (only for tools that cannot have their own).
  bool private_table = true;
};

class ReactorFabric {
 public:
  /// Connections on their way to one shard at most; hand_over() says false beyond.
  static constexpr std::uint32_t kArrivalsLimit = 256;

  /// Main thread. Null with `error` when the descriptors cannot be had.
  static std::unique_ptr<ReactorFabric> create(std::uint32_t shards, std::string& error);
  ~ReactorFabric();
  ReactorFabric(const ReactorFabric&) = delete;
  ReactorFabric& operator=(const ReactorFabric&) = delete;

  /// The shard's own thread, once, before it opens anything: gives the thread its private
  /// descriptor table (everything inherited is closed there but 0–2 and the fabric's own) and
  /// returns its Network, which must be destroyed on this thread. Null with `error`.
  std::unique_ptr<Network> make_network(ShardId shard, const NetworkOptions& options,
                                        std::string& error);

  /// Any thread: waker(shard).notify() after a push to one of the shard's queues. The same as the
  /// shard's Network::notify(), without needing the object.
  [[nodiscard]] Waker& waker(ShardId shard) { return lanes_[shard]->waker; }
  [[nodiscard]] std::uint32_t shards() const { return static_cast<std::uint32_t>(lanes_.size()); }
  /// Any thread: connections on their way to `shard`.
  [[nodiscard]] const QueueStats& arrival_stats(ShardId shard) const {
    return lanes_[shard]->stats;
  }

  /// Main thread, after the shard's thread has ended: takes what was handed to it and never taken,
  /// so that payloads are freed. The descriptor is in the caller's table. False when none is left.
  bool take_stranded(ShardId shard, Arrival& out);

  /// Main thread, before the shards listen: true when nobody listens on "address:port" yet.
  /// SO_REUSEPORT alone would let a second server of the same user share the port unnoticed.
  static bool address_is_free(std::string_view address, std::string& error);

 private:
  friend class EpollNetwork;

  /// One shard's entrance. `in_flight` is raised before a send and lowered after a receive, which
  /// is also what orders the payload's memory between the two threads.
  struct Lane {
    /// Takes a place in this shard's table, unless that leaves fewer than `reserve`. Any thread.
    bool claim(std::uint32_t reserve);
    void give_back() { room.fetch_add(1, std::memory_order_relaxed); }

    Waker waker;
    alignas(64) std::atomic<std::uint32_t> in_flight{0};
    /// Places left in the shard's table. Below zero when the limit was lowered under it.
    alignas(64) std::atomic<std::int64_t> room{0};
    int sending_end = -1;
    int receiving_end = -1;
    QueueStats stats;
  };

  ReactorFabric() = default;
  bool open_descriptors(std::uint32_t shards, std::string& error);
  bool enter_private_table(ShardId shard, std::string& error) const;
  bool send_to(ShardId to, int descriptor, void* payload);
  bool receive_from(Lane& lane, Arrival& out);

  std::vector<std::unique_ptr<Lane>> lanes_;
  // The fabric's descriptors lie in [first_, first_ + 3 × shards): eventfds, sending ends,
  // receiving ends.
  int first_ = -1;
};

}  // namespace rookery
