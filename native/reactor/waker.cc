// The rare half of a notification: the consumer really sleeps.
#include "reactor/waker.h"

#include <unistd.h>

#include "stats/probes.h"

namespace rookery {

void Waker::ring() {
  rings_.fetch_add(1, std::memory_order_relaxed);
  probes::wake_up(event_descriptor_);
  if (event_descriptor_ < 0) return;
  const std::uint64_t one = 1;
  // Can only fail once the counter has reached 2^64 - 2: by then the eventfd is readable anyway.
  [[maybe_unused]] const auto written = write(event_descriptor_, &one, sizeof one);
}

}  // namespace rookery
