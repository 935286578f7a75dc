// What a shard counts. Its thread adds with relaxed stores; any thread reads without a lock, so a
// reader may see one counter a moment before another.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rookery {

// name, then what it counts.
#define ROOKERY_COUNTERS(X)                                                          \
  X(loops, "turns of the loop")                                                      \
  X(sleeps, "turns that went to sleep")                                              \
  X(events, "socket events")                                                         \
  X(busy_us, "time awake")                                                           \
  X(accepts, "connections accepted")                                                 \
  X(accepts_refused, "connections refused by a limit")                               \
  X(accepts_paused, "times that new connections waited for the accept rate")         \
  X(evicted, "connections not logged in that made room for newer ones")              \
  X(handed_over, "connections handed to another shard")                              \
  X(passed_on, "connections accepted for another shard, this one being full")        \
  X(home_full, "logins refused because the user's shard was full")                   \
  X(listeners_dropped, "listeners closed because the shard was full")                \
  X(arrived, "connections that came from another shard")                             \
  X(tls_handshakes, "TLS handshakes completed")                                      \
  X(tls_failures, "TLS connections that failed")                                     \
  X(tls_taken_over, "TLS connections on our own record layer")                       \
  X(websocket_upgrades, "connections that became WebSockets")                        \
  X(http_refused, "HTTP requests refused")                                           \
  X(websocket_failures, "WebSockets closed with an error of the peer's")             \
  X(noise_handshakes, "Noise handshakes completed")                                  \
  X(noise_failures, "Noise connections that failed")                                 \
  X(compact_unrepresentable, "stanzas too large for the compact form")               \
  X(logins, "logins completed")                                                      \
  X(login_failures, "logins refused")                                                \
  X(logins_behind, "turns that left logins for the next, to serve who is logged in") \
  X(logins_delayed, "logins that waited for the login rate")                         \
  X(logins_refused_busy, "PLAIN logins refused: too many passwords waited")          \
  X(logins_throttled, "logins refused: too many failures of their address")          \
  X(resumed, "sessions resumed")                                                     \
  X(resume_failures, "resumptions refused")                                          \
  X(bytes_in, "bytes received")                                                      \
  X(bytes_out, "bytes sent")                                                         \
  X(stanzas_in, "stanzas received")                                                  \
  X(stanzas_out, "stanzas sent")                                                     \
  X(messages_in, "messages received from clients")                                   \
  X(messages_delivered, "messages sent to clients")                                  \
  X(messages_bounced, "messages answered with an error")                             \
  X(messages_duplicate, "retransmissions recognised")                                \
  X(mailbox_in, "messages that entered a mailbox")                                   \
  X(mailbox_acked, "messages acknowledged by the recipient's device")                \
  X(mailbox_full, "messages refused by a full mailbox")                              \
  X(mailbox_read, "messages read back from the disk to be delivered")                \
  X(mailbox_expired, "messages whose time ended")                                    \
  X(never_on_disk, "messages acknowledged before they were committed")               \
  X(commits, "batches committed")                                                    \
  X(commit_records, "records committed")                                             \
  X(commit_failures, "batches the disk refused")                                     \
  X(commit_us, "time from submit to completion, sum")                                \
  X(records_corrupt, "stored messages that could not be read")                       \
  X(iq_in, "IQs for the control plane")                                              \
  X(iq_refused, "IQs answered with resource-constraint")                             \
  X(presence_in, "presence stanzas from clients")                                    \
  X(stream_errors, "streams closed with an error of the peer's, of any kind")        \
  X(error_not_well_formed, "not-well-formed, bad-format, wrong namespaces")          \
  X(error_restricted_xml, "restricted-xml")                                          \
  X(error_encoding, "unsupported-encoding: no UTF-8")                                \
  X(error_policy, "policy-violation: size, depth, attributes, rate")                 \
  X(error_timeout, "connection-timeout: not logged in in time")                      \
  X(error_auth, "not-authorized")                                                    \
  X(error_other, "host-unknown, invalid-from, what RFC 6120 has beside")             \
  X(error_overflow, "clients that did not read or not acknowledge")                  \
  X(senders_slowed, "times that a sender's input waited for the disk")               \
  X(congested, "turns in which sockets were not read because a ring was full")       \
  X(traces_dropped, "stanzas of traced users that were not reported")                \
  X(wakeups, "other shards woken")

// The same of what goes up and down.
#define ROOKERY_GAUGES(X)                                                              \
  X(connections, "connections open now")                                               \
  X(connections_plain, "connections now whose bytes go over TCP as they are")          \
  X(connections_tls, "connections now on our own TLS 1.3 record layer")                \
  X(connections_openssl, "connections now on OpenSSL: handshakes, TLS 1.2")            \
  X(connections_websocket, "of the connections now, those of browsers: WebSocket")     \
  X(connections_noise, "of the connections now, those of the compact protocol: Noise") \
  X(unauthenticated, "connections not logged in now")                                  \
  X(sessions, "sessions now, those waiting to be resumed included")                    \
  X(sessions_waiting, "sessions waiting to be resumed now")                            \
  X(mailbox_now, "messages in mailboxes now")                                          \
  X(mailbox_bytes, "bytes in mailboxes now")                                           \
  X(mailbox_cached, "messages in memory now")                                          \
  X(mailbox_cached_bytes, "bytes of messages in memory now")

enum class Counter : std::uint16_t {
#define ROOKERY_COUNTER_NAME(name, help) name,
  ROOKERY_COUNTERS(ROOKERY_COUNTER_NAME) ROOKERY_GAUGES(ROOKERY_COUNTER_NAME)
#undef ROOKERY_COUNTER_NAME
      count
};

class ShardCounters {
 public:
  static constexpr std::size_t size = static_cast<std::size_t>(Counter::count);

  /// Owner thread only. `by` may be negative for the "now" counters.
  void add(Counter counter, std::int64_t by = 1) {
    auto& value = values_[static_cast<std::size_t>(counter)];
    value.store(value.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  /// Any thread.
  [[nodiscard]] std::int64_t get(Counter counter) const {
    return values_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }
  static std::string_view name(std::size_t index);
  static std::string_view help(std::size_t index);
  /// Whether it goes down as well as up.
  static bool gauge(std::size_t index);

 private:
  alignas(64) std::array<std::atomic<std::int64_t>, size> values_{};
};

}  // namespace rookery
