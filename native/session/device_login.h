// What a device's login (docs/PROTOCOL.md section 4) is about, from its first bytes to its session.
#pragma once

#include <array>
#include <cstdint>

#include "base/types.h"

namespace rookery {

/// X25519, public.
using DeviceKey = std::array<std::uint8_t, 32>;

struct DeviceLogin {
  SessionTag previous = 0;    ///< The stream that the device had before; 0: none.
  SessionTag tag = 0;         ///< The stream that it was promised.
  std::uint32_t handled = 0;  ///< Stanzas of `previous` that it has handled.
  std::uint32_t told = 0;     ///< Its own stanzas that it was told are safe.
  std::uint8_t device = 0;
  bool delayed = false;  ///< Waits for the login rate.
  bool resume = true;    ///< `previous` is to go on, if it can.
  bool resumed = false;  ///< It was promised that `previous` goes on.
};

}  // namespace rookery
