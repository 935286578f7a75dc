// A queue that is fair to addresses: each address that waits has a lane of its own, first come
// first served, and the lanes take turns. Whoever waits with ten thousand delays another by one
// place, not by ten thousand. Not bounded by itself: the owner looks at size() and says what
// happens then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rookery {

template <typename Item>
class FairQueue {
 public:
  /// `address` is a place of the AddressTable.
  void push(std::uint32_t address, Item item) {
    const std::uint32_t node = take_node(std::move(item));
    const auto [found, fresh] = lanes_.try_emplace(address, Lane{node, node, 0});
    Lane& lane = found->second;
    if (fresh) {
      turns_.push_back(address);
    } else {
      nodes_[lane.last].next = node;
      lane.last = node;
    }
    ++lane.count;
    ++size_;
  }

  /// The first of the lane whose turn it is, which then goes to the end of the row. Items for
  /// which `gone(item)` is true are dropped on the way and cost their lane no turn.
  template <typename Gone>
  std::optional<Item> pop(Gone gone) {
    while (!turns_.empty()) {
      const std::uint32_t address = turns_.front();
      turns_.pop_front();
      const auto found = lanes_.find(address);
      std::optional<Item> item;
      while (found->second.count > 0 && !item) {
        Item first = drop_first(found->second);
        if (!gone(first)) item.emplace(std::move(first));
      }
      if (found->second.count == 0) {
        lanes_.erase(found);
      } else {
        turns_.push_back(address);
      }
      if (item) return item;
    }
    return std::nullopt;
  }
  std::optional<Item> pop() {
    return pop([](const Item&) { return false; });
  }

  /// Takes out everything for which `gone(item)` is true; the order of the rest stays.
  template <typename Gone>
  void sweep(Gone gone) {
    std::vector<std::pair<std::uint32_t, Item>> kept;
    kept.reserve(size_);
    // Turn by turn, which is the order in which they would come.
    while (!turns_.empty()) {
      const std::uint32_t address = turns_.front();
      std::optional<Item> item = pop();
      if (!gone(*item)) kept.emplace_back(address, std::move(*item));
    }
    for (auto& [address, item] : kept) push(address, std::move(item));
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// How many addresses wait.
  [[nodiscard]] std::size_t lanes() const { return lanes_.size(); }
  /// How many of the address wait.
  [[nodiscard]] std::size_t waiting(std::uint32_t address) const {
    const auto found = lanes_.find(address);
    return found == lanes_.end() ? 0 : found->second.count;
  }

 private:
  static constexpr std::uint32_t kNone = ~0u;
  struct Node {
    Item item;
    std::uint32_t next;
  };
  struct Lane {
    std::uint32_t first;
    std::uint32_t last;
    std::uint32_t count;
  };

  std::uint32_t take_node(Item item) {
    if (free_ == kNone) {
      nodes_.push_back({std::move(item), kNone});
      return static_cast<std::uint32_t>(nodes_.size() - 1);
    }
    const std::uint32_t node = free_;
    free_ = nodes_[node].next;
    nodes_[node] = {std::move(item), kNone};
    return node;
  }

  Item drop_first(Lane& lane) {
    const std::uint32_t node = lane.first;
    Item item = std::move(nodes_[node].item);
    lane.first = nodes_[node].next;
    nodes_[node].next = free_;
    free_ = node;
    --lane.count;
    if (--size_ == 0) {
      // A storm is over: what it took is given back.
      nodes_ = {};
      free_ = kNone;
    }
    return item;
  }

  std::vector<Node> nodes_;
  std::unordered_map<std::uint32_t, Lane> lanes_;
  std::deque<std::uint32_t> turns_;  ///< Addresses with a lane, each once.
  std::uint32_t free_ = kNone;
  std::size_t size_ = 0;
};

}  // namespace rookery
