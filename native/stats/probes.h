// Every static probe (USDT) of the engine, for bpftrace, perf and SystemTap: where a tracer may
// look in while the server runs. A probe that nobody traces is one NOP; its arguments are values at
// hand. scripts/bpftrace/ has scripts that use them, docs/PROFILING.md says how.
//
// Texts are pointers to strings that end with a zero and live as long as the probe takes.
#pragma once

#include <cstdint>

#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#define ROOKERY_PROBE1(name, a) DTRACE_PROBE1(rookery, name, a)
#define ROOKERY_PROBE3(name, a, b, c) DTRACE_PROBE3(rookery, name, a, b, c)
#define ROOKERY_PROBE4(name, a, b, c, d) DTRACE_PROBE4(rookery, name, a, b, c, d)
#else  // Built without systemtap-sdt-dev: there are none.
#define ROOKERY_PROBE1(name, a) static_cast<void>(a)
#define ROOKERY_PROBE3(name, a, b, c) \
  static_cast<void>(a), static_cast<void>(b), static_cast<void>(c)
#define ROOKERY_PROBE4(name, a, b, c, d) \
  static_cast<void>(a), static_cast<void>(b), static_cast<void>(c), static_cast<void>(d)
#endif

namespace rookery::probes {

/// A client's message goes to its recipient's shard (perhaps the same).
inline void message_routed(std::uint32_t from_shard, std::uint32_t to_shard, std::uint64_t bytes) {
  ROOKERY_PROBE3(message_routed, from_shard, to_shard, bytes);
}

/// A message has entered a mailbox. With the user, `sequence` names it until it leaves.
inline void message_accepted(std::uint32_t shard, const char* user, std::uint64_t sequence,
                             std::uint64_t bytes) {
  ROOKERY_PROBE4(message_accepted, shard, user, sequence, bytes);
}

/// It was written to a session's stream, to go out at the end of the turn.
inline void message_delivered(std::uint32_t shard, const char* user, std::uint64_t sequence,
                              const char* resource) {
  ROOKERY_PROBE4(message_delivered, shard, user, sequence, resource);
}

/// It is on the disk.
inline void message_committed(std::uint32_t shard, const char* user, std::uint64_t sequence,
                              std::uint64_t log_sequence) {
  ROOKERY_PROBE4(message_committed, shard, user, sequence, log_sequence);
}

/// It has left the mailbox. `why`: boundary::MessageStepKind.
inline void message_settled(std::uint32_t shard, const char* user, std::uint64_t sequence,
                            std::uint32_t why) {
  ROOKERY_PROBE4(message_settled, shard, user, sequence, why);
}

/// Something found no room in a queue.
inline void queue_full(const char* queue) { ROOKERY_PROBE1(queue_full, queue); }

/// A shard that sleeps is woken. `descriptor`: of its eventfd, the same in every table.
inline void wake_up(int descriptor) { ROOKERY_PROBE1(wake_up, descriptor); }

/// A store thread has committed a group.
inline void group_committed(std::uint32_t store, std::uint64_t records, std::uint64_t us) {
  ROOKERY_PROBE3(group_committed, store, records, us);
}

}  // namespace rookery::probes
