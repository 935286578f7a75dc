// The clock of production: the operating system's.
#pragma once

#include "base/clock.h"

namespace rookery {

class OsClock final : public Clock {
 public:
  /// CLOCK_MONOTONIC; answered without a system call.
  [[nodiscard]] MonoUs now_us() const override;
  /// CLOCK_REALTIME.
  [[nodiscard]] WallMs wall_ms() const override;
};

}  // namespace rookery
