// The Network of production: epoll, level-triggered, on the shard's own descriptor table. Made by
// ReactorFabric::make_network() on the shard's thread and used by it alone (but for notify()).
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "reactor/fabric.h"
#include "reactor/network.h"

struct epoll_event;

namespace rookery {

class EpollNetwork final : public Network {
 public:
  /// The calling thread is the shard's. Null with `error`.
  static std::unique_ptr<EpollNetwork> create(ReactorFabric& fabric, ShardId shard,
                                              const NetworkOptions& options, std::string& error);
  /// On the shard's thread. Connections that are still open end with the thread's table.
  ~EpollNetwork() override;
  EpollNetwork(const EpollNetwork&) = delete;
  EpollNetwork& operator=(const EpollNetwork&) = delete;

  int listen(std::string_view address, std::uint64_t token, std::string& error) override;
  [[nodiscard]] std::uint16_t local_port(int listener) const override;
  /// Says `exhausted` already `reserved_descriptors` before the table's end, so that connections
  /// from other shards still find room. The shard then close()s its listener (SO_REUSEPORT would
  /// go on sending it connections) and listen()s again when others have closed.
  Accepted accept(int listener) override;
  Accepted accept_to_pass_on(int listener) override;
  [[nodiscard]] std::uint32_t room(ShardId shard) override;

  std::size_t wait(std::span<NetworkEvent> out, std::int64_t timeout_us) override;

  bool watch(int descriptor, std::uint64_t token) override;
  void rewatch(int descriptor, std::uint64_t token, bool read, bool write) override;

  IoResult receive(int descriptor, std::span<char> into) override;
  IoResult send(int descriptor, std::span<const iovec> parts) override;
  std::size_t unacknowledged(int descriptor) override;
  void finish(int descriptor) override;
  void close(int descriptor) override;

  /// Whoever adds a descriptor to a table claims its place before (ReactorFabric::Lane::room), so
  /// that a connection is refused where its client can still be told.
  HandOver hand_over(ShardId to, int descriptor, void* payload) override;
  /// An Arrival with descriptor -1 is a payload whose connection found the table full in spite of
  /// its claim (somebody lowered the limit): the connection is lost, the payload is the caller's.
  bool take_arrival(Arrival& out) override;

  void arm() override { lane_.waker.arm(); }
  void notify() override { lane_.waker.notify(); }

 private:
  EpollNetwork(ReactorFabric& fabric, ReactorFabric::Lane& lane, ShardId shard,
               const NetworkOptions& options);
  bool open_epoll(std::string& error);
  void find_capacity();
  Accepted accept_leaving(int listener, std::uint32_t reserve);
  bool prepare_listener(int descriptor, int family, bool any_address) const;
  int wait_for_events(epoll_event* events, int capacity, std::int64_t timeout_us);

  ReactorFabric& fabric_;
  ReactorFabric::Lane& lane_;
  const ShardId shard_;
  const NetworkOptions options_;
  const std::thread::id owner_;
  int epoll_ = -1;
  bool has_pwait2_ = true;  // Before Linux 5.11 sleeps are whole milliseconds.
  // Connections and listeners that the table may hold.
  std::int64_t capacity_ = 0;
};

}  // namespace rookery
