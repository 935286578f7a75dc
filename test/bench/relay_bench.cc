// The bare relay that the server's CPU is compared with: a few threads, level-triggered epoll, one
// read and one write per wake-up of a socket, the bytes passed on as they came. It parses nothing
// but the eight bytes with which a client says which pair it belongs to.
//   relay_bench --listen 127.0.0.1:5333 --threads 2 --seconds 600
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "load/args.h"
#include "load/client.h"
#include "load/process_stat.h"

namespace {

using rookery::load::die;

constexpr std::size_t buffer_bytes = 64 * 1024;

struct Side {
  int fd = -1;
  std::atomic<int> partner{-1};
  bool greeted = false;
};

struct Pairing {
  std::unordered_map<std::uint32_t, Side*> waiting;
};

void add_to(int epoll, Side* side) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = side;
  epoll_ctl(epoll, EPOLL_CTL_ADD, side->fd, &event);
}

// A relay that cannot write measures nothing: the load keeps few bytes in flight, so a full
// socket buffer means that the run is wrong.
void write_all(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = send(fd, bytes, size, MSG_NOSIGNAL);
    if (written < 0) {
      if (errno == EAGAIN) die("relay: a partner does not read");
      return;
    }
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

void relay_thread(int epoll, const std::atomic<bool>& stop) {
  std::vector<char> buffer(buffer_bytes);
  epoll_event events[256];
  while (!stop.load(std::memory_order_relaxed)) {
    const int count = epoll_wait(epoll, events, 256, 500);
    for (int index = 0; index < count; ++index) {
      auto* side = static_cast<Side*>(events[index].data.ptr);
      const ssize_t size = recv(side->fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (size > 0) {
        write_all(side->partner.load(std::memory_order_relaxed), buffer.data(),
                  static_cast<std::size_t>(size));
      } else if (size == 0 || errno != EAGAIN) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, side->fd, nullptr);
        shutdown(side->fd, SHUT_RDWR);
      }
    }
  }
}

int open_listener(const std::string& address) {
  rookery::load::ClientSettings settings;
  rookery::load::set_server(settings, address);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&settings.server), sizeof settings.server) !=
          0 ||
      listen(listener, 4096) != 0) {
    die("relay: cannot listen on " + address + ": " + std::strerror(errno));
  }
  return listener;
}

// Reads the greeting of a new socket and, when both sides of the pair are there, joins them.
void greet(Side* side, Pairing& pairing, const std::vector<int>& epolls) {
  char hello[8];
  if (recv(side->fd, hello, sizeof hello, MSG_WAITALL) != sizeof hello ||
      std::memcmp(hello, "pair", 4) != 0) {
    close(side->fd);
    return;
  }
  std::uint32_t pair = 0;
  std::memcpy(&pair, hello + 4, sizeof pair);
  const auto found = pairing.waiting.find(pair);
  // The client that waits for its partner must not wait for our answer.
  write_all(side->fd, "k", 1);
  if (found == pairing.waiting.end()) {
    pairing.waiting[pair] = side;
    return;
  }
  Side* other = found->second;
  pairing.waiting.erase(found);
  side->partner = other->fd;
  other->partner = side->fd;
  // The two sides of a pair sit on two threads, as two users may sit on two shards.
  add_to(epolls[pair % epolls.size()], other);
  add_to(epolls[(pair + 1) % epolls.size()], side);
}

}  // namespace

int main(int argc, char** argv) {
  rookery::load::Args args(argc, argv);
  const std::string address = args.text("listen", "127.0.0.1:5333");
  const std::int64_t threads = args.number("threads", 2);
  const std::int64_t seconds = args.number("seconds", 600);
  args.finish();
  rookery::load::raise_descriptor_limit();
  const int listener = open_listener(address);
  std::atomic<bool> stop{false};
  std::vector<int> epolls;
  std::vector<std::thread> workers;
  for (std::int64_t index = 0; index < threads; ++index) {
    epolls.push_back(epoll_create1(EPOLL_CLOEXEC));
    workers.emplace_back(relay_thread, epolls.back(), std::cref(stop));
  }
  std::printf("ready relay %s\n", address.c_str());
  std::fflush(stdout);
  Pairing pairing;
  std::vector<std::unique_ptr<Side>> sides;
  const std::uint64_t deadline =
      rookery::load::monotonic_ns() + static_cast<std::uint64_t>(seconds) * 1'000'000'000ull;
  const timeval patience{1, 0};
  setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  while (rookery::load::monotonic_ns() < deadline) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sides.push_back(std::make_unique<Side>());
    sides.back()->fd = fd;
    greet(sides.back().get(), pairing, epolls);
  }
  stop = true;
  for (std::thread& worker : workers) worker.join();
  return 0;
}
