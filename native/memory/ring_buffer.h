// A growable first-in-first-out queue for one thread that owns no memory while it is empty. A
// std::deque would cost 600 bytes for each idle session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace rookery {

template <typename T>
class RingBuffer {
 public:
  RingBuffer() = default;
  RingBuffer(RingBuffer&& other) noexcept { swap(other); }
  RingBuffer& operator=(RingBuffer&& other) noexcept {
    swap(other);
    return *this;
  }

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t heap_bytes() const { return capacity_ * sizeof(T); }

  /// The element `index` places behind the oldest.
  [[nodiscard]] T& operator[](std::size_t index) { return items_[wrap(head_ + index)]; }
  [[nodiscard]] const T& operator[](std::size_t index) const { return items_[wrap(head_ + index)]; }
  [[nodiscard]] T& front() { return items_[head_]; }
  [[nodiscard]] T& back() { return items_[wrap(head_ + size_ - 1)]; }

  void push_back(T item) {
    if (size_ == capacity_) grow();
    items_[wrap(head_ + size_)] = std::move(item);
    ++size_;
  }

  /// Removes the oldest element; the memory goes back when the last one leaves a large queue.
  void pop_front() {
    items_[head_] = T{};
    head_ = static_cast<std::uint32_t>(wrap(head_ + 1));
    if (--size_ == 0 && capacity_ > kept_capacity) clear();
  }

  void clear() {
    items_.reset();
    head_ = size_ = capacity_ = 0;
  }

 private:
  static constexpr std::uint32_t first_capacity = 4;
  static constexpr std::uint32_t kept_capacity = 16;

  [[nodiscard]] std::size_t wrap(std::size_t index) const { return index & (capacity_ - 1); }

  void grow() {
    const std::uint32_t capacity = capacity_ == 0 ? first_capacity : capacity_ * 2;
    auto items = std::make_unique<T[]>(capacity);
    for (std::size_t index = 0; index < size_; ++index) items[index] = std::move((*this)[index]);
    items_ = std::move(items);
    head_ = 0;
    capacity_ = capacity;
  }

  void swap(RingBuffer& other) noexcept {
    std::swap(items_, other.items_);
    std::swap(head_, other.head_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  std::unique_ptr<T[]> items_;
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace rookery
