// The Network of production; see the header. Errors of one connection are results, never more.
#include "reactor/epoll_network.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/sockios.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "reactor/socket_address.h"

namespace rookery {

namespace {

// The wake eventfd's token; callers' tokens are handles or small numbers and never this.
constexpr std::uint64_t kWakeToken = ~std::uint64_t{0};
// More events than this wait for the next round, so that one round stays short.
constexpr std::size_t kEventsPerWait = 512;
// The kernel's IOV_MAX; parts beyond it go with the next send.
constexpr std::size_t kPartsPerSend = 1024;

// Places left for what a shard opens besides connections: for a moment, certificate and key.
constexpr std::uint32_t kOwnFiles = 4;

std::uint32_t epoll_mask(bool read, bool write) {
  return (read ? std::uint32_t{EPOLLIN} : 0) | (write ? std::uint32_t{EPOLLOUT} : 0);
}

bool set_option(int descriptor, int level, int name, int value) {
  return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

/// How many descriptors a table may hold.
std::uint32_t descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return static_cast<std::uint32_t>(std::min<rlim_t>(limit.rlim_cur, 1u << 30));
}

IoResult io_result(ssize_t moved) {
  if (moved >= 0) return {IoStatus::ok, static_cast<std::size_t>(moved)};
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return {later ? IoStatus::would_block : IoStatus::failed, 0};
}

}  // namespace

std::unique_ptr<EpollNetwork> EpollNetwork::create(ReactorFabric& fabric, ShardId shard,
                                                   const NetworkOptions& options,
                                                   std::string& error) {
  std::unique_ptr<EpollNetwork> network(
      new EpollNetwork(fabric, *fabric.lanes_[shard], shard, options));
  if (!network->open_epoll(error)) return nullptr;
  return network;
}

EpollNetwork::EpollNetwork(ReactorFabric& fabric, ReactorFabric::Lane& lane, ShardId shard,
                           const NetworkOptions& options)
    : fabric_(fabric),
      lane_(lane),
      shard_(shard),
      options_(options),
      owner_(std::this_thread::get_id()) {}

EpollNetwork::~EpollNetwork() {
  // On another thread this number would name something else.
  if (epoll_ >= 0 && owner_ == std::this_thread::get_id()) ::close(epoll_);
}

bool EpollNetwork::open_epoll(std::string& error) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  // Edge-triggered, so that a ring needs no read to be taken back: every write is one event.
  epoll_event event{EPOLLIN | EPOLLET, {.u64 = kWakeToken}};
  if (epoll_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, lane_.waker.event_descriptor(), &event) != 0) {
    error = std::string("epoll: ") + std::strerror(errno);
    return false;
  }
  find_capacity();
  return true;
}

void EpollNetwork::find_capacity() {
  // In the table are 0–2, epoll, and the fabric's own.
  const std::int64_t kept = 3 + 1 + 2 * std::int64_t{fabric_.shards()} + 1 + kOwnFiles;
  const std::int64_t fresh = std::max<std::int64_t>(0, descriptor_limit() - kept);
  lane_.room.fetch_add(fresh - capacity_, std::memory_order_relaxed);
  capacity_ = fresh;
}

std::uint32_t EpollNetwork::room(ShardId shard) {
  if (shard == shard_) find_capacity();  // The administrator may have raised it meanwhile.
  const std::int64_t left = fabric_.lanes_[shard]->room.load(std::memory_order_relaxed) -
                            std::int64_t{options_.reserved_descriptors};
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, left));
}

int EpollNetwork::listen(std::string_view address, std::uint64_t token, std::string& error) {
  SocketAddress parsed;
  if (!parse_socket_address(address, parsed, error)) return -1;
  const int listener = socket(parsed.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) {
    error = listen_error_text(address, errno);
    return -1;
  }
  // Not refused here: the kernel says when there is none, and a shard needs its listeners.
  lane_.room.fetch_sub(1, std::memory_order_relaxed);
  if (prepare_listener(listener, parsed.family(), parsed.any) &&
      bind(listener, parsed.get(), parsed.length) == 0 &&
      ::listen(listener, options_.backlog) == 0 && watch(listener, token)) {
    return listener;
  }
  error = listen_error_text(address, errno);
  close(listener);
  return -1;
}

bool EpollNetwork::prepare_listener(int descriptor, int family, bool any_address) const {
  // The connections inherit these, so that accepting one costs no further call.
  bool done = set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) &&
              set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) &&
              set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  if (family == AF_INET6) {
    // "[::]" serves both families, as people expect it to.
    done = done && set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, any_address ? 0 : 1);
  }
  if (options_.keepalive_idle_s > 0) {
    done = done && set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, options_.keepalive_idle_s) &&
           set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, options_.keepalive_interval_s) &&
           set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, options_.keepalive_probes);
  }
  if (options_.user_timeout_ms > 0) {
    done = done && set_option(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, options_.user_timeout_ms);
  }
  if (options_.send_buffer_bytes > 0) {
    done = done && set_option(descriptor, SOL_SOCKET, SO_SNDBUF, options_.send_buffer_bytes);
  }
  if (options_.receive_buffer_bytes > 0) {
    done = done && set_option(descriptor, SOL_SOCKET, SO_RCVBUF, options_.receive_buffer_bytes);
  }
  return done;
}

std::uint16_t EpollNetwork::local_port(int listener) const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return to_peer_address(address).port;
}

Accepted EpollNetwork::accept(int listener) {
  return accept_leaving(listener, options_.reserved_descriptors);
}

Accepted EpollNetwork::accept_to_pass_on(int listener) { return accept_leaving(listener, 0); }

Accepted EpollNetwork::accept_leaving(int listener, std::uint32_t reserve) {
  if (!lane_.claim(reserve)) return {AcceptStatus::exhausted, -1, {}};
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  const int descriptor = accept4(listener, reinterpret_cast<sockaddr*>(&address), &length,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor >= 0) return {AcceptStatus::accepted, descriptor, to_peer_address(address)};
  lane_.give_back();
  switch (errno) {
    case EAGAIN: return {AcceptStatus::none, -1, {}};
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return {AcceptStatus::exhausted, -1, {}};
    // EBADF, EINVAL: the listener is gone, so nothing more will come from it.
    case EBADF:
    case EINVAL: return {AcceptStatus::none, -1, {}};
    // ECONNABORTED, EINTR, and the network errors that accept(2) passes on.
    default: return {AcceptStatus::failed, -1, {}};
  }
}

std::size_t EpollNetwork::wait(std::span<NetworkEvent> out, std::int64_t timeout_us) {
  // Whoever rang between arm() and here has taken the flag down; an arrival counts as well.
  if (timeout_us != 0 &&
      (!lane_.waker.armed() || lane_.in_flight.load(std::memory_order_seq_cst) != 0)) {
    timeout_us = 0;
  }
  epoll_event events[kEventsPerWait];
  const int count =
      wait_for_events(events, static_cast<int>(std::min(out.size(), kEventsPerWait)), timeout_us);
  lane_.waker.disarm();
  std::size_t filled = 0;
  for (int index = 0; index < count; ++index) {
    const epoll_event& event = events[index];
    if (event.data.u64 == kWakeToken) continue;
    out[filled++] = {event.data.u64, (event.events & EPOLLIN) != 0, (event.events & EPOLLOUT) != 0,
                     (event.events & (EPOLLHUP | EPOLLERR)) != 0};
  }
  return filled;
}

int EpollNetwork::wait_for_events(epoll_event* events, int capacity, std::int64_t timeout_us) {
  if (has_pwait2_) {
    timespec timeout{timeout_us / 1'000'000, (timeout_us % 1'000'000) * 1'000};
    const long count = syscall(SYS_epoll_pwait2, epoll_, events, capacity,
                               timeout_us < 0 ? nullptr : &timeout, nullptr, std::size_t{0});
    if (count >= 0) return static_cast<int>(count);
    if (errno != ENOSYS) return 0;
    has_pwait2_ = false;
  }
  // Rounded up: a timer that is not due yet would only make the shard spin.
  const std::int64_t timeout_ms = timeout_us < 0 ? -1 : (timeout_us + 999) / 1'000;
  const auto capped = static_cast<int>(std::min<std::int64_t>(timeout_ms, 1 << 30));
  return std::max(0, epoll_wait(epoll_, events, capacity, capped));
}

bool EpollNetwork::watch(int descriptor, std::uint64_t token) {
  epoll_event event{EPOLLIN, {.u64 = token}};
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void EpollNetwork::rewatch(int descriptor, std::uint64_t token, bool read, bool write) {
  epoll_event event{epoll_mask(read, write), {.u64 = token}};
  // Fails only for a descriptor that is not watched, which is the caller's mistake.
  [[maybe_unused]] const int result = epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event);
  assert(result == 0);
}

IoResult EpollNetwork::receive(int descriptor, std::span<char> into) {
  assert(!into.empty());
  const ssize_t got = recv(descriptor, into.data(), into.size(), MSG_DONTWAIT);
  if (got == 0) return {IoStatus::closed, 0};
  return io_result(got);
}

IoResult EpollNetwork::send(int descriptor, std::span<const iovec> parts) {
  msghdr header{};
  header.msg_iov = const_cast<iovec*>(parts.data());
  header.msg_iovlen = std::min<std::size_t>(parts.size(), kPartsPerSend);
  return io_result(sendmsg(descriptor, &header, MSG_DONTWAIT | MSG_NOSIGNAL));
}

std::size_t EpollNetwork::unacknowledged(int descriptor) {
  int bytes = 0;
  if (ioctl(descriptor, SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<std::size_t>(bytes);
}

void EpollNetwork::finish(int descriptor) { shutdown(descriptor, SHUT_WR); }

void EpollNetwork::close(int descriptor) {
  if (descriptor < 0) return;
  // Leaves epoll by itself: no other table has a copy.
  ::close(descriptor);
  lane_.give_back();
}

HandOver EpollNetwork::hand_over(ShardId to, int descriptor, void* payload) {
  ReactorFabric::Lane& target = *fabric_.lanes_[to];
  if (!target.claim(0)) return HandOver::full;
  if (!fabric_.send_to(to, descriptor, payload)) {
    target.give_back();
    return HandOver::busy;
  }
  // The socket lives on in the other table, so closing it here does not take it out of epoll.
  epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
  ::close(descriptor);
  lane_.give_back();
  fabric_.waker(to).notify();
  return HandOver::gone;
}

bool EpollNetwork::take_arrival(Arrival& out) {
  if (!fabric_.receive_from(lane_, out)) return false;
  if (out.descriptor < 0) lane_.give_back();
  return true;
}

}  // namespace rookery
