// Every queue between shards, and between each shard and the control plane. All are bounded, named
// and counted; what happens when one is full stands with each. Made once, before the threads start.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/types.h"
#include "queue/mpsc_pointer_ring.h"
#include "queue/spsc_byte_ring.h"

namespace rookery {

class Mesh {
 public:
  explicit Mesh(std::uint32_t shards);
  ~Mesh();
  Mesh(const Mesh&) = delete;
  Mesh& operator=(const Mesh&) = delete;

  /// Stanzas on their way. Full: the sender keeps the record and reads no more from its sockets.
  [[nodiscard]] SpscByteRing& requests(ShardId from, ShardId to) {
    return *requests_[at(from, to)];
  }
  /// Answers, which cause no further records. Full: the sender keeps the record and takes no more
  /// requests.
  [[nodiscard]] SpscByteRing& replies(ShardId from, ShardId to) { return *replies_[at(from, to)]; }
  /// Events for the control plane. Full: IQs are answered with resource-constraint; the others
  /// wait.
  [[nodiscard]] SpscByteRing& events(ShardId from) { return *events_[from]; }
  /// Batches of command records (std::string*, owned). Full: submit() refuses, the control plane
  /// keeps its batch.
  [[nodiscard]] MpscPointerRing& commands(ShardId to) { return *commands_[to]; }

  [[nodiscard]] std::uint32_t shards() const { return shards_; }
  [[nodiscard]] std::vector<const QueueStats*> stats() const;

 private:
  [[nodiscard]] std::size_t at(ShardId from, ShardId to) const {
    return static_cast<std::size_t>(from) * shards_ + to;
  }
  std::uint32_t shards_;
  std::vector<std::unique_ptr<SpscByteRing>> requests_;
  std::vector<std::unique_ptr<SpscByteRing>> replies_;
  std::vector<std::unique_ptr<SpscByteRing>> events_;
  std::vector<std::unique_ptr<MpscPointerRing>> commands_;
};

}  // namespace rookery
