// A slab of objects of one type, named by generation-checked handles. Objects lie in chunks of
// 1,024 and never move. The slot freed last is used next, because it is warm. One thread only.
//
// The generations lie beside the chunk's objects as one dense array: a stale handle is recognised
// without touching the object, and the object's size is not rounded up for them. A generation is
// odd while the slot is in use and even while it is free, so a live one is never zero, and no
// number that anyone can make up names a free slot.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/types.h"

namespace rookery {

template <typename T>
class Slab {
 public:
  static constexpr std::uint32_t kChunkSlots = 1024;
  /// What a Handle can name.
  static constexpr std::uint32_t kSlotsLimit = 1u << 22;

  /// `shard` goes into the handles. allocate() says "full" beyond `limit` objects.
  explicit Slab(ShardId shard, std::uint32_t limit = kSlotsLimit)
      : shard_(shard), limit_(limit < kSlotsLimit ? limit : kSlotsLimit) {}
  ~Slab() { clear(); }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  /// Makes an object; an invalid handle when the slab is full.
  template <typename... Args>
  Handle allocate(Args&&... args) {
    if (size_ >= limit_) return {};
    const std::uint32_t slot = first_free_ != kNone ? first_free_ : fresh_slot();
    Chunk& chunk = *chunks_[slot / kChunkSlots];
    const std::uint32_t index = slot % kChunkSlots;
    const std::uint32_t next_free = chunk.next_free(index);
    try {
      new (chunk.place(index)) T(std::forward<Args>(args)...);
    } catch (...) {
      // The slot stays on the free list; half an object may lie over its link.
      chunk.set_next_free(index, next_free);
      throw;
    }
    first_free_ = next_free;
    ++size_;
    return Handle::make(shard_, slot, ++chunk.generations[index]);
  }

  /// The object, or null when the handle is stale, foreign or invalid.
  [[nodiscard]] T* get(Handle handle) const {
    const std::uint32_t slot = handle.slot();
    if (slot >= slots_ || handle.shard() != shard_) return nullptr;
    Chunk& chunk = *chunks_[slot / kChunkSlots];
    const std::uint32_t index = slot % kChunkSlots;
    const std::uint32_t generation = handle.generation();
    if (chunk.generations[index] != generation || generation % 2 == 0) return nullptr;
    return chunk.object(index);
  }

  /// Destroys the object. False, and nothing happens, when the handle is stale.
  bool release(Handle handle) {
    T* object = get(handle);
    if (object == nullptr) return false;
    object->~T();
    Chunk& chunk = *chunks_[handle.slot() / kChunkSlots];
    const std::uint32_t index = handle.slot() % kChunkSlots;
    ++chunk.generations[index];
    chunk.set_next_free(index, first_free_);
    first_free_ = handle.slot();
    --size_;
    return true;
  }

  /// Calls `visit(handle, object)` for every object, in order of slots. `visit` may release the
  /// object it is given; one that it makes may or may not be visited.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
      Chunk& chunk = *chunks_[slot / kChunkSlots];
      const std::uint32_t index = slot % kChunkSlots;
      const std::uint32_t generation = chunk.generations[index];
      if (generation % 2 != 0) visit(Handle::make(shard_, slot, generation), *chunk.object(index));
    }
  }

  /// The same for the first `most` objects only.
  template <typename Visit>
  void first(std::uint32_t most, Visit&& visit) const {
    for (std::uint32_t slot = 0; slot < slots_ && most > 0; ++slot) {
      const Chunk& chunk = *chunks_[slot / kChunkSlots];
      if (chunk.generations[slot % kChunkSlots] % 2 == 0) continue;
      --most;
      visit(*chunks_[slot / kChunkSlots]->object(slot % kChunkSlots));
    }
  }

  /// Destroys all objects; handles to them become stale. The memory stays for the next ones.
  void clear() {
    for_each([this](Handle handle, T&) { release(handle); });
  }

  [[nodiscard]] std::uint32_t size() const { return size_; }
  /// Heap bytes, for the memory figures.
  [[nodiscard]] std::size_t bytes() const {
    return chunks_.size() * sizeof(Chunk) + chunks_.capacity() * sizeof(chunks_[0]);
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static_assert(sizeof(T) >= sizeof(std::uint32_t), "a free slot holds the number of the next");

  struct Chunk {
    std::array<std::uint32_t, kChunkSlots> generations{};
    alignas(T) std::array<std::byte, kChunkSlots * sizeof(T)> storage;

    [[nodiscard]] void* place(std::uint32_t index) { return storage.data() + index * sizeof(T); }
    [[nodiscard]] T* object(std::uint32_t index) {
      return std::launder(static_cast<T*>(place(index)));
    }
    [[nodiscard]] std::uint32_t next_free(std::uint32_t index) {
      std::uint32_t next;
      std::memcpy(&next, place(index), sizeof next);
      return next;
    }
    void set_next_free(std::uint32_t index, std::uint32_t next) {
      std::memcpy(place(index), &next, sizeof next);
    }
  };

  /// The next slot that was never used; its list link says "none", as the free list is empty.
  std::uint32_t fresh_slot() {
    assert(first_free_ == kNone);
    if (slots_ == chunks_.size() * kChunkSlots) {
      // Not value-initialised: pages of a chunk that are not used yet take no memory.
      chunks_.push_back(std::make_unique_for_overwrite<Chunk>());
    }
    const std::uint32_t slot = slots_++;
    chunks_[slot / kChunkSlots]->set_next_free(slot % kChunkSlots, kNone);
    // On the list at once, so that a constructor that throws loses no slot.
    first_free_ = slot;
    return slot;
  }

  ShardId shard_;
  std::uint32_t limit_;
  std::uint32_t size_ = 0;
  std::uint32_t slots_ = 0;  // Slots that were ever used.
  std::uint32_t first_free_ = kNone;
  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace rookery
