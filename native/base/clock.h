// The clock that the shards are given. Nothing below the engine asks the operating system for the
// time, so that a simulation can run a day in a second.
#pragma once

#include "base/types.h"

namespace rookery {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Microseconds of a clock that never goes back.
  [[nodiscard]] virtual MonoUs now_us() const = 0;
  /// Milliseconds since 1970, for stamps that people read.
  [[nodiscard]] virtual WallMs wall_ms() const = 0;
};

}  // namespace rookery
