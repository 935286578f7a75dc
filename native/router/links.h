// What the router asks of the queues that leave its shard: to the other shards and to the control
// plane. The engine implements it over lock-free rings.
#pragma once

#include <string_view>

#include "base/types.h"

namespace rookery {

class Links {
 public:
  virtual ~Links() = default;
  /// A record for another shard (shard_message.h) that may cause more records there. Never lost:
  /// when the ring is full it waits here, and congested() is true until it is through.
  virtual void request(ShardId to, std::string_view record) = 0;
  /// A record whose handling causes no further record; on rings of their own, so that two shards
  /// that are full towards each other still make progress.
  virtual void reply(ShardId to, std::string_view record) = 0;
  /// Something waits for a full ring: take in no more work from sockets.
  [[nodiscard]] virtual bool congested() const = 0;

  /// An event record for the control plane. False when its ring is full: the caller answers with
  /// resource-constraint.
  virtual bool offer_event(std::string_view record) = 0;
  /// More than half of that ring is taken: time to see to it that nobody takes all.
  [[nodiscard]] virtual bool events_pressing() const = 0;
  /// An event that must not be lost (few of them: a session's beginning and end).
  virtual void event(std::string_view record) = 0;
};

}  // namespace rookery
