// What a queue costs: nanoseconds per item for the rings (one thread, and two threads at full
// speed), for a timer and for a slab slot. Usage: queue_bench [--items N] [--rounds N]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "load/args.h"
#include "memory/slab.h"
#include "queue/mpsc_pointer_ring.h"
#include "queue/spsc_byte_ring.h"
#include "reactor/timer_wheel.h"

namespace rookery::load {
namespace {

constexpr std::size_t kRingBytes = 1 << 20;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Runs `body` a few times and prints the best and the worst time per item.
void measure(const char* what, std::uint64_t items, int rounds, const std::function<void()>& body) {
  std::vector<double> ns_per_item;
  for (int round = 0; round < rounds; ++round) {
    const double start = seconds_now();
    body();
    ns_per_item.push_back((seconds_now() - start) * 1e9 / static_cast<double>(items));
  }
  const auto [best, worst] = std::minmax_element(ns_per_item.begin(), ns_per_item.end());
  std::printf("%-52s %7.1f ns per item (worst of %d rounds: %.1f)\n", what, *best, rounds, *worst);
}

bool push_record(SpscByteRing& ring, std::uint64_t number, std::size_t bytes) {
  std::byte* place = ring.reserve(bytes);
  if (place == nullptr) return false;
  std::memset(place, 1, bytes);
  std::memcpy(place, &number, sizeof number);
  ring.commit(bytes);
  return true;
}

std::uint64_t pop_record(SpscByteRing& ring) {
  std::uint64_t number = 0;
  std::memcpy(&number, ring.front().data(), sizeof number);
  ring.pop();
  return number;
}

void spsc_alone(std::uint64_t items, std::size_t bytes, std::size_t batch) {
  SpscByteRing ring("bench", kRingBytes);
  std::uint64_t sum = 0;
  for (std::uint64_t done = 0; done < items; done += batch) {
    for (std::size_t count = 0; count < batch; ++count) push_record(ring, done + count, bytes);
    for (std::size_t count = 0; count < batch; ++count) sum += pop_record(ring);
  }
  if (sum == 0) std::puts("nothing was moved");
}

void spsc_two_threads(std::uint64_t items, std::size_t bytes) {
  SpscByteRing ring("bench", kRingBytes);
  std::thread producer([&] {
    for (std::uint64_t number = 0; number < items;) {
      if (push_record(ring, number, bytes)) {
        ++number;
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (std::uint64_t received = 0; received < items;) {
    if (ring.front().empty()) {
      std::this_thread::yield();
      continue;
    }
    pop_record(ring);
    ++received;
  }
  producer.join();
}

void mpsc(std::uint64_t items, unsigned producers) {
  MpscPointerRing ring("bench", 4096);
  int item = 0;
  std::vector<std::thread> threads;
  for (unsigned producer = 0; producer < producers; ++producer) {
    threads.emplace_back([&] {
      for (std::uint64_t count = 0; count < items / producers; ++count) {
        while (!ring.push(&item)) std::this_thread::yield();
      }
    });
  }
  for (std::uint64_t received = 0; received < items / producers * producers;) {
    if (ring.pop() != nullptr) {
      ++received;
    } else {
      std::this_thread::yield();
    }
  }
  for (std::thread& thread : threads) thread.join();
}

void timers(std::uint64_t items) {
  // As timeouts are used: set, and cancelled before they are due, among 100,000 that wait.
  constexpr std::size_t kWaiting = 100'000;
  TimerWheel wheel(0);
  std::vector<TimerId> ids(kWaiting, 0);
  MonoUs now = 0;
  for (std::uint64_t number = 0; number < items; ++number) {
    TimerId& id = ids[number * 7919 % kWaiting];
    wheel.cancel(id);
    id = wheel.schedule(now + 60'000'000, number);
    if (number % 64 == 0) {
      now += 1'000;
      wheel.advance(now, [](std::uint64_t) {});
    }
  }
}

void slots(std::uint64_t items) {
  struct Object {
    char bytes[128];
  };
  constexpr std::size_t kLiving = 100'000;
  Slab<Object> slab(0);
  std::vector<Handle> handles(kLiving);
  for (std::uint64_t number = 0; number < items; ++number) {
    Handle& handle = handles[number * 7919 % kLiving];
    slab.release(handle);
    handle = slab.allocate();
    if (slab.get(handle) == nullptr) std::puts("lost a slot");
  }
}

}  // namespace
}  // namespace rookery::load

int main(int argc, char** argv) {
  using namespace rookery::load;
  Args args(argc, argv);
  const auto items = static_cast<std::uint64_t>(args.number("items", 4'000'000));
  const auto rounds = static_cast<int>(args.number("rounds", 5));
  args.finish();
  measure("byte ring, 64 B, one thread, batches of 32", items, rounds,
          [&] { spsc_alone(items, 64, 32); });
  measure("byte ring, 64 B, two threads", items, rounds, [&] { spsc_two_threads(items, 64); });
  measure("byte ring, 300 B, two threads", items, rounds, [&] { spsc_two_threads(items, 300); });
  measure("pointer ring, one producer", items, rounds, [&] { mpsc(items, 1); });
  measure("pointer ring, three producers", items, rounds, [&] { mpsc(items, 3); });
  measure("timer: cancel, schedule (100,000 waiting)", items, rounds, [&] { timers(items); });
  measure("slab: release, allocate, get (100,000 living)", items, rounds, [&] { slots(items); });
  return 0;
}
