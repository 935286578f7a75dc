// A bounded lock-free ring of owned pointers from many producers to one consumer: how the control
// plane's threads hand batches to a shard.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "stats/queue_stats.h"

namespace rookery {

class MpscPointerRing {
 public:
  MpscPointerRing(std::string name, std::size_t capacity);
  ~MpscPointerRing();
  MpscPointerRing(const MpscPointerRing&) = delete;
  MpscPointerRing& operator=(const MpscPointerRing&) = delete;

  /// Any thread. False when full (counted as refused); the caller keeps the pointer.
  bool push(void* item);
  /// The consumer's thread. Null when empty.
  void* pop();
  [[nodiscard]] bool empty() const;
  [[nodiscard]] QueueStats& stats();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rookery
