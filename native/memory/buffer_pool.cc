// The buffer pool: size classes of powers of two, each with a stack of idle blocks.
#include "memory/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace rookery {

void PooledBuffer::consume(std::size_t count) {
  assert(count <= size());
  if (block_ == nullptr) return;
  block_->begin += static_cast<std::uint32_t>(std::min(count, size()));
  if (block_->begin == block_->end) block_->begin = block_->end = 0;
}

BufferPool::~BufferPool() {
  for (std::vector<Block*>& blocks : idle_) {
    for (Block* block : blocks) std::free(block);
  }
}

bool BufferPool::append(PooledBuffer& buffer, std::string_view text) {
  if (text.empty()) return true;
  const std::size_t size = buffer.size();
  if (text.size() > kLargestBuffer - size) return false;
  Block* block = buffer.block_;
  if (block != nullptr && block->capacity - block->end >= text.size()) {
    std::memcpy(buffer.bytes() + block->end, text.data(), text.size());
    block->end += static_cast<std::uint32_t>(text.size());
    return true;
  }
  // A new block also where the old one has room at its front: moving within it would have to mind
  // that `text` may lie there.
  Block* larger = take(size + text.size());
  if (larger == nullptr) return false;
  char* bytes = reinterpret_cast<char*>(larger + 1);
  if (size != 0) std::memcpy(bytes, buffer.view().data(), size);
  std::memcpy(bytes + size, text.data(), text.size());
  larger->begin = 0;
  larger->end = static_cast<std::uint32_t>(size + text.size());
  buffer.block_ = larger;
  if (block != nullptr) give_back(block);
  return true;
}

void BufferPool::recycle(PooledBuffer& buffer) {
  if (buffer.block_ == nullptr) return;
  give_back(std::exchange(buffer.block_, nullptr));
}

BufferPool::Block* BufferPool::take(std::size_t capacity) {
  const std::size_t bytes = std::bit_ceil(std::max(capacity + sizeof(Block), kSmallestAllocation));
  const auto size_class =
      static_cast<std::size_t>(std::countr_zero(bytes) - std::countr_zero(kSmallestAllocation));
  if (size_class < kClasses && !idle_[size_class].empty()) {
    Block* block = idle_[size_class].back();
    idle_[size_class].pop_back();
    idle_bytes_ -= bytes;
    ++hits_;
    return block;
  }
  auto* block = static_cast<Block*>(std::malloc(bytes));
  if (block == nullptr) return nullptr;
  ++misses_;
  block->capacity = static_cast<std::uint32_t>(bytes - sizeof(Block));
  block->size_class = static_cast<std::uint32_t>(size_class);
  return block;
}

void BufferPool::give_back(Block* block) {
  const std::size_t bytes = sizeof(Block) + block->capacity;
  if (block->size_class >= kClasses || bytes > idle_limit_bytes_ - idle_bytes_) {
    std::free(block);
    return;
  }
  idle_[block->size_class].push_back(block);
  idle_bytes_ += bytes;
}

}  // namespace rookery
