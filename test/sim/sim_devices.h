// Keys of the simulated server and of the simulated devices, which speak the compact protocol. They
// are the same in every run: only ephemeral keys are chance, and that comes from the seed.
#pragma once

#include <cstdint>
#include <memory>

#include "transport/noise_identity.h"

namespace rookery::sim {

/// The number of every user's only device.
inline constexpr std::uint8_t sim_device_number = 1;

/// A part of the users has devices in place of XMPP clients.
constexpr bool speaks_compact(std::uint32_t user) { return user % 10 == 2; }

/// Who the server is.
const std::shared_ptr<const NoiseIdentity>& sim_identity();

/// The keys of a user's device; they stay where they are.
const NoiseKeyPair& sim_device_keys(std::uint32_t user);

}  // namespace rookery::sim
