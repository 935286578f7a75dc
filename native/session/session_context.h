// What every part of one shard works with: its identity, its injected surroundings, and the slabs
// that it owns. One object per shard, used by its thread only (or by the simulation's one thread).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/types.h"
#include "boundary/boundary.gen.h"
#include "codec/stanza_scan.h"
#include "memory/slab.h"
#include "reactor/network.h"
#include "reactor/timer_wheel.h"
#include "session/admission.h"
#include "session/connection.h"
#include "session/session.h"
#include "stats/shard_stats.h"
#include "transport/noise_identity.h"
#include "transport/tls_context.h"
#include "transport/transport_scratch.h"

namespace rookery {

/// What a timer's cookie says beside the handle: it takes the place of the handle's shard bits.
enum class TimerKind : std::uint16_t { connection, resume, listeners, expiry, logins };

inline std::uint64_t timer_cookie(TimerKind kind, Handle handle) {
  return Handle::make(static_cast<ShardId>(kind), handle.slot(), handle.generation()).bits;
}
inline TimerKind timer_kind(std::uint64_t cookie) {
  return static_cast<TimerKind>(Handle{cookie}.shard());
}
inline Handle timer_handle(std::uint64_t cookie, ShardId shard) {
  return Handle::make(shard, Handle{cookie}.slot(), Handle{cookie}.generation());
}

/// What all shards of a process share for admission.
struct SharedAdmission {
  AddressTable addresses;
  MadeUpKeys made_up_keys;  ///< For users that do not exist.
  /// Bytes of messages that were taken and are neither on disk nor acknowledged, of all shards.
  std::atomic<std::int64_t> uncommitted_bytes{0};
  std::atomic<bool> disk_refuses{false};  ///< The last commit of any shard has failed.
};

struct SessionContext {
  SessionContext(ShardId own_id, const boundary::EngineConfig& own_config, Clock& own_clock,
                 Random& own_random, Network& own_network, SharedAdmission& own_admission,
                 ShardStats& own_stats)
      : id(own_id),
        config(own_config),
        clock(own_clock),
        random(own_random),
        network(own_network),
        addresses(own_admission.addresses),
        made_up_keys(own_admission.made_up_keys),
        admission(own_admission),
        stats(own_stats),
        counters(own_stats.counters),
        timers(own_clock.now_us()),
        connections(own_id),
        sessions(own_id),
        now(own_clock.now_us()) {}

  const ShardId id;
  const boundary::EngineConfig& config;
  Clock& clock;
  Random& random;
  Network& network;
  AddressTable& addresses;
  const MadeUpKeys& made_up_keys;
  SharedAdmission& admission;
  ShardStats& stats;
  ShardCounters& counters;  ///< Of the stats.
  TimerWheel timers;
  Slab<Connection> connections;
  Slab<Session> sessions;
  std::unique_ptr<TlsContext> tls;                      ///< Null: no TLS is offered.
  std::shared_ptr<const NoiseIdentity> noise_identity;  ///< Null: no compact protocol.
  TransportScratch scratch{{.random = &random}};
  MonoUs now;  ///< Of this turn of the loop.

  [[nodiscard]] std::uint32_t shards() const { return config.shards; }
  /// More was taken for the disk than it should have before it.
  [[nodiscard]] bool too_much_uncommitted() const {
    return admission.uncommitted_bytes.load(std::memory_order_relaxed) >
           static_cast<std::int64_t>(config.max_uncommitted_bytes);
  }
  /// The disk works, but not as fast as messages come: their senders should wait for it.
  [[nodiscard]] bool disk_is_behind() const {
    return too_much_uncommitted() && !admission.disk_refuses.load(std::memory_order_relaxed);
  }
  [[nodiscard]] ScanLimits scan_limits() const {
    return {static_cast<std::uint16_t>(config.max_depth),
            static_cast<std::uint16_t>(config.max_attributes)};
  }
};

}  // namespace rookery
