// Byte buffers for what must wait: the rest of an incomplete stanza, output that the socket did not
// take. A connection without such bytes holds a null pointer; one with them borrows a block from
// its shard's pool and gives it back. One thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rookery {

/// A growing byte string that costs its owner 8 bytes while empty. It owns its block and may move
/// to another thread with its connection; any pool can take the block back, and a buffer that is
/// destroyed with a block frees it.
class PooledBuffer {
 public:
  PooledBuffer() = default;
  ~PooledBuffer() { std::free(block_); }
  PooledBuffer(PooledBuffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  PooledBuffer& operator=(PooledBuffer&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const {
    return block_ == nullptr ? 0 : block_->end - block_->begin;
  }
  /// Valid until the buffer is next changed.
  [[nodiscard]] std::string_view view() const {
    return block_ == nullptr ? std::string_view()
                             : std::string_view(bytes() + block_->begin, size());
  }
  /// Drops `count` bytes (at most size()) from the front; nothing is moved.
  void consume(std::size_t count);
  /// Heap bytes held.
  [[nodiscard]] std::size_t heap_bytes() const {
    return block_ == nullptr ? 0 : sizeof(Block) + block_->capacity;
  }

 private:
  friend class BufferPool;

  /// The head of an allocation; the bytes follow it.
  struct Block {
    std::uint32_t capacity;
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t size_class;
  };

  [[nodiscard]] char* bytes() const { return reinterpret_cast<char*>(block_ + 1); }

  Block* block_ = nullptr;
};

class BufferPool {
 public:
  /// No buffer may grow beyond this; the caller's own limits are far below.
  static constexpr std::size_t kLargestBuffer = std::size_t{1} << 30;

  /// Keeps at most `idle_limit_bytes` of unused blocks; what comes back beyond is freed.
  explicit BufferPool(std::size_t idle_limit_bytes) : idle_limit_bytes_(idle_limit_bytes) {}
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// Appends, taking or exchanging a block as needed. `text` may lie in the buffer itself. False,
  /// and the buffer is as before, beyond kLargestBuffer or without memory.
  [[nodiscard]] bool append(PooledBuffer& buffer, std::string_view text);
  /// Empties the buffer and takes its block back.
  void recycle(PooledBuffer& buffer);

  [[nodiscard]] std::size_t idle_bytes() const { return idle_bytes_; }
  /// Blocks that had to be asked of the heap, and those that the pool could serve.
  [[nodiscard]] std::uint64_t misses() const { return misses_; }
  [[nodiscard]] std::uint64_t hits() const { return hits_; }

 private:
  using Block = PooledBuffer::Block;

  // Allocations of 256 B, 512 B … 64 KiB are pooled; larger ones are rare and go to the heap.
  static constexpr std::size_t kSmallestAllocation = 256;
  static constexpr std::size_t kClasses = 9;

  [[nodiscard]] Block* take(std::size_t capacity);
  void give_back(Block* block);

  std::size_t idle_limit_bytes_;
  std::size_t idle_bytes_ = 0;
  std::uint64_t misses_ = 0;
  std::uint64_t hits_ = 0;
  std::array<std::vector<Block*>, kClasses> idle_;
};

}  // namespace rookery
