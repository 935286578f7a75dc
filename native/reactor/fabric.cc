// Makes the descriptors that every table shares, and moves connections between tables.
#include "reactor/fabric.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/os_clock.h"
#include "reactor/epoll_network.h"
#include "reactor/socket_address.h"
#include "stats/probes.h"

namespace rookery {

namespace {

constexpr unsigned kCloseRangeUnshare = 1u << 1;  // CLOSE_RANGE_UNSHARE, Linux 5.9

// Room for kArrivalsLimit datagrams with the kernel's overhead for each. The kernel caps it where
// the administrator set less; then the way is full a little earlier.
constexpr int kArrivalsBufferBytes = 1 << 20;

// Where the search for consecutive free numbers starts and how far it goes.
constexpr int kFirstNumber = 16;
constexpr int kSearchAttempts = 256;

std::string errno_text(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

int close_range_call(unsigned first, unsigned last, unsigned flags) {
  return static_cast<int>(syscall(SYS_close_range, first, last, flags));
}

/// Moves `descriptors` to consecutive numbers and returns the first of them; -1 with errno set.
/// Other threads may open descriptors meanwhile, so a run that is broken into is tried further up.
int move_to_consecutive(std::vector<int>& descriptors) {
  int minimum = kFirstNumber;
  for (int attempt = 0; attempt < kSearchAttempts; ++attempt) {
    std::vector<int> run;
    for (const int from : descriptors) {
      const int wanted = run.empty() ? minimum : run.back() + 1;
      const int got = fcntl(from, F_DUPFD_CLOEXEC, wanted);
      if (got < 0) break;
      run.push_back(got);
      if (run.size() > 1 && got != run.front() + static_cast<int>(run.size()) - 1) break;
    }
    const bool whole = run.size() == descriptors.size() &&
                       run.back() == run.front() + static_cast<int>(run.size()) - 1;
    if (whole) {
      for (const int from : descriptors) ::close(from);
      descriptors = run;
      return run.front();
    }
    if (run.empty()) return -1;
    minimum = run.back() + 1;
    for (const int copy : run) ::close(copy);
  }
  errno = EMFILE;
  return -1;
}

/// One datagram: the payload's address, and beside it the descriptor.
struct ArrivalMessage {
  explicit ArrivalMessage(void*& payload) : part{&payload, sizeof payload} {
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }
  iovec part;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header = {};
};

}  // namespace

std::unique_ptr<ReactorFabric> ReactorFabric::create(std::uint32_t shards, std::string& error) {
  std::unique_ptr<ReactorFabric> fabric(new ReactorFabric);
  if (!fabric->open_descriptors(shards, error)) return nullptr;
  return fabric;
}

ReactorFabric::~ReactorFabric() {
  if (first_ < 0) return;
  const auto count = static_cast<unsigned>(3 * lanes_.size());
  close_range_call(static_cast<unsigned>(first_), static_cast<unsigned>(first_) + count - 1, 0);
}

bool ReactorFabric::open_descriptors(std::uint32_t shards, std::string& error) {
  std::vector<int> descriptors(3 * std::size_t{shards}, -1);
  const auto give_up = [&](const char* what) {
    error = errno_text(what);
    for (const int descriptor : descriptors) {
      if (descriptor >= 0) ::close(descriptor);
    }
    return false;
  };
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    descriptors[shard] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptors[shard] < 0) return give_up("eventfd for the shards");
    // SEQPACKET: a message is whole, many may write, and no short queue of datagrams applies.
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
      return give_up("socket pair for the shards");
    }
    descriptors[shards + shard] = pair[0];
    descriptors[2 * std::size_t{shards} + shard] = pair[1];
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &kArrivalsBufferBytes, sizeof kArrivalsBufferBytes);
  }
  first_ = move_to_consecutive(descriptors);
  if (first_ < 0) return give_up("consecutive descriptors for the shards");
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    auto lane = std::make_unique<Lane>();
    lane->waker.attach(descriptors[shard]);
    lane->sending_end = descriptors[shards + shard];
    lane->receiving_end = descriptors[2 * std::size_t{shards} + shard];
    lane->stats.name = "shard-" + std::to_string(shard) + " arrivals";
    lane->stats.capacity = kArrivalsLimit;
    lanes_.push_back(std::move(lane));
  }
  return true;
}

std::unique_ptr<Network> ReactorFabric::make_network(ShardId shard, const NetworkOptions& options,
                                                     std::string& error) {
  if (options.private_table && !enter_private_table(shard, error)) return nullptr;
  return EpollNetwork::create(*this, shard, options, error);
}

bool ReactorFabric::enter_private_table(ShardId shard, std::string& error) const {
  const auto first = static_cast<unsigned>(first_);
  const auto count = static_cast<unsigned>(lanes_.size());
  const unsigned own_end = first + 2 * count + shard;
  const unsigned end = first + 3 * count;
  // The first call makes the copy, of what lies below `end` only. Copies of others' sockets must
  // not stay: as long as one is open, closing the original sends no FIN.
  if (close_range_call(end, ~0u, kCloseRangeUnshare) != 0) {
    error = errno_text("private descriptor table (close_range with CLOSE_RANGE_UNSHARE)");
    return false;
  }
  bool closed = close_range_call(3, first - 1, 0) == 0;
  // The other shards' receiving ends are their own business.
  if (shard > 0) closed = close_range_call(first + 2 * count, own_end - 1, 0) == 0 && closed;
  if (own_end + 1 < end) closed = close_range_call(own_end + 1, end - 1, 0) == 0 && closed;
  if (!closed) error = errno_text("private descriptor table (close_range)");
  return closed;
}

bool ReactorFabric::Lane::claim(std::uint32_t reserve) {
  std::int64_t left = room.load(std::memory_order_relaxed);
  do {
    if (left <= std::int64_t{reserve}) return false;
  } while (!room.compare_exchange_weak(left, left - 1, std::memory_order_relaxed));
  return true;
}

bool ReactorFabric::send_to(ShardId to, int descriptor, void* payload) {
  Lane& lane = *lanes_[to];
  if (lane.in_flight.fetch_add(1, std::memory_order_acq_rel) >= kArrivalsLimit) {
    lane.in_flight.fetch_sub(1, std::memory_order_acq_rel);
    lane.stats.refused.fetch_add(1, std::memory_order_relaxed);
    probes::queue_full(lane.stats.name.c_str());
    return false;
  }
  // Reading the clock is nothing beside sending a descriptor.
  lane.stats.wait.pushing(lane.stats.pushed.load(std::memory_order_relaxed) + 1,
                          OsClock().now_us());
  ArrivalMessage message(payload);
  cmsghdr* control = CMSG_FIRSTHDR(&message.header);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(control), &descriptor, sizeof descriptor);
  ssize_t sent;
  do {
    sent = sendmsg(lane.sending_end, &message.header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    // EAGAIN: the buffer is full; ETOOMANYREFS: too many descriptors are under way in the system.
    lane.in_flight.fetch_sub(1, std::memory_order_acq_rel);
    lane.stats.refused.fetch_add(1, std::memory_order_relaxed);
    probes::queue_full(lane.stats.name.c_str());
    return false;
  }
  lane.stats.pushed.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool ReactorFabric::receive_from(Lane& lane, Arrival& out) {
  const std::uint32_t waiting = lane.in_flight.load(std::memory_order_acquire);
  if (waiting == 0) return false;
  ArrivalMessage message(out.payload);
  ssize_t got;
  do {
    got = recvmsg(lane.receiving_end, &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof out.payload) {
    // Counted, but not sent yet: the sender notifies when it is.
    out.payload = nullptr;
    return false;
  }
  // Pairs with the sender's fetch_add: what it wrote to the payload is visible from here on.
  lane.in_flight.fetch_sub(1, std::memory_order_acq_rel);
  raise_to(lane.stats.high_water, waiting);
  count_up(lane.stats.popped);
  lane.stats.wait.taken(lane.stats.popped.load(std::memory_order_relaxed), OsClock().now_us());
  out.descriptor = -1;
  const cmsghdr* control = CMSG_FIRSTHDR(&message.header);
  if (control != nullptr && control->cmsg_type == SCM_RIGHTS &&
      control->cmsg_len >= CMSG_LEN(sizeof(int))) {
    std::memcpy(&out.descriptor, CMSG_DATA(control), sizeof out.descriptor);
  }
  return true;
}

bool ReactorFabric::take_stranded(ShardId shard, Arrival& out) {
  return receive_from(*lanes_[shard], out);
}

bool ReactorFabric::address_is_free(std::string_view address, std::string& error) {
  SocketAddress parsed;
  if (!parse_socket_address(address, parsed, error)) return false;
  const int probe = socket(parsed.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) {
    error = std::string(address) + ": " + std::strerror(errno);
    return false;
  }
  // Connections of an earlier run in TIME_WAIT do not count; a listener of anybody does.
  const int on = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool free = bind(probe, parsed.get(), parsed.length) == 0;
  if (!free) error = listen_error_text(address, errno);
  ::close(probe);
  return free;
}

}  // namespace rookery
