// Making the keys, once in a process.
#include "sim/sim_devices.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "transport/noise_crypto.h"

namespace rookery::sim {
namespace {

NoiseKeyPair pair_of(std::uint8_t kind, std::uint32_t number) {
  NoiseKeyPair pair;
  pair.secret.fill(kind);
  std::memcpy(pair.secret.data() + 1, &number, sizeof number);
  NoiseCrypto crypto(nullptr);
  if (!crypto.complete(pair)) std::abort();
  return pair;
}

}  // namespace

const std::shared_ptr<const NoiseIdentity>& sim_identity() {
  static const std::shared_ptr<const NoiseIdentity> identity = [] {
    const NoiseKeyPair keys = pair_of('s', 0);
    NoiseKey seed;
    seed.fill('i');
    const std::string secret(keys.secret.begin(), keys.secret.end());
    std::string error;
    auto made =
        NoiseIdentity::create(secret, make_noise_certificate("sim", 0, seed, keys.open), error);
    if (!made) std::abort();
    return made;
  }();
  return identity;
}

const NoiseKeyPair& sim_device_keys(std::uint32_t user) {
  static std::map<std::uint32_t, NoiseKeyPair> made;
  const auto found = made.find(user);
  return found != made.end() ? found->second : made.emplace(user, pair_of('d', user)).first->second;
}

}  // namespace rookery::sim
