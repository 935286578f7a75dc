// What the reactor costs in CPU: a wake-up of a sleeping shard, a notification of a busy one, and
// moving a live connection between two shards, both sides together.
// Usage: reactor_bench [--moves N] [--wakes N] [--group N]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "load/args.h"
#include "reactor/fabric.h"

namespace rookery::load {
namespace {

double cpu_seconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::unique_ptr<Network> network_of(ReactorFabric& fabric, ShardId shard) {
  std::string error;
  auto network = fabric.make_network(shard, {}, error);
  if (network == nullptr) die(error);
  return network;
}

std::unique_ptr<ReactorFabric> two_shards() {
  std::string error;
  auto fabric = ReactorFabric::create(2, error);
  if (fabric == nullptr) die(error);
  return fabric;
}

/// Two shards wake each other in turn; every turn sleeps and wakes once.
void measure_wake_ups(std::uint64_t wakes) {
  const auto fabric = two_shards();
  std::atomic<std::uint64_t> turn{0};
  const auto play = [&](ShardId shard) {
    const auto network = network_of(*fabric, shard);
    NetworkEvent events[4];
    for (;;) {
      const std::uint64_t now = turn.load();
      if (now >= wakes) break;
      if (now % 2 == shard) {
        turn.store(now + 1);
        fabric->waker(1 - shard).notify();
        continue;
      }
      network->arm();
      if (turn.load() == now) network->wait(events, 1'000'000);
    }
    fabric->waker(1 - shard).notify();
  };
  const double before = cpu_seconds(RUSAGE_SELF);
  std::thread first(play, 0);
  std::thread second(play, 1);
  first.join();
  second.join();
  std::printf("wake a sleeping shard: %.2f us of CPU, both sides (%llu wake-ups, %llu rings)\n",
              (cpu_seconds(RUSAGE_SELF) - before) * 1e6 / static_cast<double>(wakes),
              static_cast<unsigned long long>(wakes),
              static_cast<unsigned long long>(fabric->waker(0).rings() + fabric->waker(1).rings()));
}

void measure_busy_notification() {
  constexpr int kCount = 20'000'000;
  Waker waker;
  const double before = cpu_seconds(RUSAGE_THREAD);
  for (int count = 0; count < kCount; ++count) waker.notify();
  std::printf("notify a busy shard: %.1f ns\n",
              (cpu_seconds(RUSAGE_THREAD) - before) * 1e9 / kCount);
}

/// Connections that travel between the shards, `group` at a time, being watched at each stop.
class Mover {
 public:
  Mover(ReactorFabric& fabric, ShardId shard, std::uint64_t moves, std::atomic<std::uint64_t>& done)
      : fabric_(fabric), shard_(shard), moves_(moves), done_(done) {}

  void run(std::uint32_t group, std::promise<void>& connected) {
    const auto network = network_of(fabric_, shard_);
    if (shard_ == 0) begin(*network, group);
    connected.set_value();
    NetworkEvent events[64];
    while (done_.load() < moves_) {
      network->arm();
      Arrival arrival;
      bool any = false;
      while (network->take_arrival(arrival)) {
        any = true;
        network->watch(arrival.descriptor, 2);
        send_on(*network, arrival.descriptor);
      }
      if (!any) network->wait(events, 10'000);
    }
    fabric_.waker(1 - shard_).notify();
  }

 private:
  void begin(Network& network, std::uint32_t group) {
    std::string error;
    const int listener = network.listen("127.0.0.1:0", 1, error);
    if (listener < 0) die(error);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(network.local_port(listener));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (std::uint32_t number = 0; number < group; ++number) {
      const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        die("connect to myself");
      }
      const Accepted accepted = network.accept(listener);
      if (accepted.status != AcceptStatus::accepted) die("accept");
      network.watch(accepted.descriptor, 2);
      send_on(network, accepted.descriptor);
    }
  }

  void send_on(Network& network, int descriptor) {
    while (network.hand_over(1 - shard_, descriptor, this) != HandOver::gone) {
      std::this_thread::yield();
    }
    done_.fetch_add(1);
  }

  ReactorFabric& fabric_;
  ShardId shard_;
  std::uint64_t moves_;
  std::atomic<std::uint64_t>& done_;
};

void measure_moves(std::uint64_t moves, std::uint32_t group) {
  const auto fabric = two_shards();
  std::atomic<std::uint64_t> done{0};
  Mover first(*fabric, 0, moves, done);
  Mover second(*fabric, 1, moves, done);
  std::promise<void> up[2];
  const double before = cpu_seconds(RUSAGE_SELF);
  std::thread threads[] = {std::thread([&] { first.run(group, up[0]); }),
                           std::thread([&] { second.run(group, up[1]); })};
  for (std::thread& thread : threads) thread.join();
  std::printf("move a connection, %u at a time: %.2f us of CPU, both sides\n", group,
              (cpu_seconds(RUSAGE_SELF) - before) * 1e6 / static_cast<double>(done.load()));
  for (const ShardId shard : {ShardId{0}, ShardId{1}}) {
    Arrival arrival;
    while (fabric->take_stranded(shard, arrival)) ::close(arrival.descriptor);
  }
}

}  // namespace
}  // namespace rookery::load

int main(int argc, char** argv) {
  using namespace rookery::load;
  Args args(argc, argv);
  const auto moves = static_cast<std::uint64_t>(args.number("moves", 100'000));
  const auto wakes = static_cast<std::uint64_t>(args.number("wakes", 50'000));
  const auto group = static_cast<std::uint32_t>(args.number("group", 32));
  args.finish();
  measure_busy_notification();
  measure_wake_ups(wakes);
  measure_moves(moves, 1);
  measure_moves(moves, group);
  return 0;
}
