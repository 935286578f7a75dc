// Making and naming of the queues.
#include "engine/mesh.h"

namespace rookery {
namespace {

constexpr std::size_t request_ring_bytes = 256 * 1024;
constexpr std::size_t reply_ring_bytes = 64 * 1024;
constexpr std::size_t event_ring_bytes = 1024 * 1024;
constexpr std::size_t command_batches = 4096;

std::string shard_name(std::uint32_t shard) { return "shard-" + std::to_string(shard); }

}  // namespace

Mesh::Mesh(std::uint32_t shards) : shards_(shards) {
  for (std::uint32_t from = 0; from < shards; ++from) {
    for (std::uint32_t to = 0; to < shards; ++to) {
      const std::string way = shard_name(from) + "-to-" + shard_name(to);
      const bool own = from == to;  // never used: a shard calls itself
      requests_.push_back(
          own ? nullptr : std::make_unique<SpscByteRing>(way + "-requests", request_ring_bytes));
      replies_.push_back(own ? nullptr
                             : std::make_unique<SpscByteRing>(way + "-replies", reply_ring_bytes));
    }
    events_.push_back(
        std::make_unique<SpscByteRing>(shard_name(from) + "-events", event_ring_bytes));
    commands_.push_back(
        std::make_unique<MpscPointerRing>(shard_name(from) + "-commands", command_batches));
  }
}

Mesh::~Mesh() {
  for (const auto& ring : commands_) {
    while (void* batch = ring->pop()) delete static_cast<std::string*>(batch);
  }
}

std::vector<const QueueStats*> Mesh::stats() const {
  std::vector<const QueueStats*> found;
  for (const auto& ring : requests_) {
    if (ring) found.push_back(&ring->stats());
  }
  for (const auto& ring : replies_) {
    if (ring) found.push_back(&ring->stats());
  }
  for (const auto& ring : events_) found.push_back(&ring->stats());
  for (const auto& ring : commands_) found.push_back(&ring->stats());
  return found;
}

}  // namespace rookery
