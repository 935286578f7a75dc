// What a shard asks of the operating system's sockets. The epoll implementation stands beside this
// file; the simulation has another. One Network belongs to one shard and is used by its thread
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/types.h"

struct iovec;

namespace rookery {

/// What happened to a watched descriptor. `token` is what watch() was given.
struct NetworkEvent {
  std::uint64_t token = 0;
  bool readable = false;
  bool writable = false;
  bool hangup = false;
};

enum class IoStatus : std::uint8_t {
  ok,           ///< `bytes` were moved.
  would_block,  ///< Nothing now; an event will tell.
  closed,       ///< The peer ended its side in order (receive returned 0).
  failed,       ///< Reset, broken pipe, or any other error: the connection is gone.
};

struct IoResult {
  IoStatus status = IoStatus::ok;
  std::size_t bytes = 0;
};

/// A peer's address, compact, for limits by address. IPv4 is stored as IPv4-mapped IPv6.
struct PeerAddress {
  std::uint8_t ip[16] = {};
  std::uint16_t port = 0;
  /// `192.0.2.1:5222`, `[2001:db8::1]:5222`; without a port when that is not known (0).
  [[nodiscard]] std::string text() const;
};

enum class AcceptStatus : std::uint8_t {
  accepted,
  none,       ///< The backlog is empty.
  exhausted,  ///< The descriptor table is full: pass on what waits in the backlog, close() the
              ///< listener, listen() again when there is room(). (Left open, it would be reported
              ///< readable for ever, and go on getting its share of the new connections.)
  failed,     ///< A transient error of one connection; try the next.
};

struct Accepted {
  AcceptStatus status = AcceptStatus::none;
  int descriptor = -1;
  PeerAddress peer;
};

/// What became of a connection that was to go to another shard.
enum class HandOver : std::uint8_t {
  gone,  ///< Descriptor and payload are the other shard's.
  busy,  ///< Too many are on their way: nothing has changed, try again later.
  full,  ///< The other shard's table has no room: nothing has changed.
};

/// A connection's descriptor that another shard has handed to this one.
struct Arrival {
  int descriptor = -1;      ///< -1: the kernel found no room in this table; the connection is lost.
  void* payload = nullptr;  ///< What the sender gave to hand_over(); ownership comes with it.
};

class Network {
 public:
  virtual ~Network() = default;

  /// Opens a non-blocking SO_REUSEPORT listener on "address:port" ("[v6]:port" too) and watches it.
  /// Returns the descriptor, or -1 with `error` saying what and why.
  virtual int listen(std::string_view address, std::uint64_t token, std::string& error) = 0;
  /// The port that a listener has (for "address:0").
  [[nodiscard]] virtual std::uint16_t local_port(int listener) const = 0;
  virtual Accepted accept(int listener) = 0;
  /// The same for a connection that is handed over at once: it may use one of the places that
  /// accept() leaves free for arrivals.
  virtual Accepted accept_to_pass_on(int listener) = 0;
  /// How many more connections a shard would accept; a hint for other shards than the own.
  [[nodiscard]] virtual std::uint32_t room(ShardId shard) = 0;

  /// Sleeps until something happens or `timeout_us` has passed (-1: no limit; 0: only look), and
  /// fills `out`. Notifications and arrivals end the sleep without an event of their own. Without
  /// an arm() before it, or with arrivals waiting, it only looks.
  virtual std::size_t wait(std::span<NetworkEvent> out, std::int64_t timeout_us) = 0;

  /// Starts to watch a descriptor for reading (level-triggered).
  virtual bool watch(int descriptor, std::uint64_t token) = 0;
  /// Changes what is watched for; neither: only a hang-up or error is reported.
  virtual void rewatch(int descriptor, std::uint64_t token, bool read, bool write) = 0;

  virtual IoResult receive(int descriptor, std::span<char> into) = 0;
  virtual IoResult send(int descriptor, std::span<const iovec> parts) = 0;
  /// Bytes handed to send() that the peer's TCP has not acknowledged (SIOCOUTQ).
  virtual std::size_t unacknowledged(int descriptor) = 0;
  /// Ends our side in order (FIN) and keeps the descriptor, so that the peer still reads what was
  /// sent before it closes its own.
  virtual void finish(int descriptor) = 0;
  virtual void close(int descriptor) = 0;

  /// Hands a descriptor with its payload to another shard's Network; once `gone` it has left this
  /// table and is no longer watched.
  virtual HandOver hand_over(ShardId to, int descriptor, void* payload) = 0;
  /// Takes the next descriptor that was handed to this shard; false when there is none.
  virtual bool take_arrival(Arrival& out) = 0;

  /// Announces that the shard is about to sleep. After this the shard must look at its queues once
  /// more, then wait(). Producers call notify() after their push.
  virtual void arm() = 0;
  /// Ends a sleep that was announced by arm(). Any thread; a no-op while the shard is awake.
  virtual void notify() = 0;
};

}  // namespace rookery
