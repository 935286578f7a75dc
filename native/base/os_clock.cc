// The clock of production; see the header.
#include "base/os_clock.h"

#include <ctime>

namespace rookery {

MonoUs OsClock::now_us() const {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<MonoUs>(time.tv_sec) * 1'000'000 + static_cast<MonoUs>(time.tv_nsec) / 1'000;
}

WallMs OsClock::wall_ms() const {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<WallMs>(time.tv_sec) * 1'000 + static_cast<WallMs>(time.tv_nsec) / 1'000'000;
}

}  // namespace rookery
