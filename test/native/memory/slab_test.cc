// The slab: handles against a model, staleness, lifetimes.
#include "memory/slab.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <stdexcept>

namespace rookery::test {
namespace {

/// Counts the living, so that a leak or a double destruction shows.
struct Tracked {
  explicit Tracked(std::uint64_t number) : value(number) {
    if (number == kRefused) throw std::runtime_error("refused");
    ++living;
  }
  ~Tracked() { --living; }
  Tracked(const Tracked&) = delete;
  Tracked& operator=(const Tracked&) = delete;

  static constexpr std::uint64_t kRefused = ~std::uint64_t{0};
  static inline int living = 0;
  std::uint64_t value;
};

TEST(Slab, FindsWhatItMade) {
  Slab<Tracked> slab(5);
  const Handle handle = slab.allocate(42u);
  ASSERT_TRUE(handle.valid());
  EXPECT_EQ(handle.shard(), 5);
  ASSERT_NE(slab.get(handle), nullptr);
  EXPECT_EQ(slab.get(handle)->value, 42u);
  EXPECT_EQ(slab.size(), 1u);
}

TEST(Slab, RecognisesStaleForeignAndInventedHandles) {
  Slab<Tracked> slab(1);
  const Handle first = slab.allocate(1u);
  EXPECT_TRUE(slab.release(first));
  EXPECT_FALSE(slab.release(first));
  EXPECT_EQ(slab.get(first), nullptr);
  const Handle second = slab.allocate(2u);
  EXPECT_EQ(second.slot(), first.slot()) << "the warm slot is used first";
  EXPECT_NE(second, first);
  EXPECT_EQ(slab.get(first), nullptr);
  EXPECT_EQ(slab.get(Handle{}), nullptr);
  EXPECT_EQ(slab.get(Handle::make(2, second.slot(), second.generation())), nullptr);
  EXPECT_EQ(slab.get(Handle::make(1, 4000, 1)), nullptr);
  slab.release(second);
  for (std::uint32_t generation = 0; generation < 10; ++generation) {
    EXPECT_EQ(slab.get(Handle::make(1, second.slot(), generation)), nullptr);
  }
}

TEST(Slab, SaysWhenItIsFull) {
  Slab<Tracked> slab(0, 3);
  const Handle first = slab.allocate(1u);
  slab.allocate(2u);
  slab.allocate(3u);
  EXPECT_FALSE(slab.allocate(4u).valid());
  slab.release(first);
  EXPECT_TRUE(slab.allocate(5u).valid());
}

TEST(Slab, AConstructorThatThrowsCostsNoSlot) {
  {
    Slab<Tracked> slab(0, 2);
    for (int turn = 0; turn < 10; ++turn) {
      EXPECT_THROW(slab.allocate(Tracked::kRefused), std::runtime_error);
    }
    EXPECT_EQ(slab.size(), 0u);
    EXPECT_EQ(slab.allocate(1u).slot(), 0u);
    EXPECT_EQ(slab.allocate(2u).slot(), 1u);
  }
  EXPECT_EQ(Tracked::living, 0);
}

TEST(Slab, ObjectsNeverMove) {
  Slab<Tracked> slab(0);
  const Handle first = slab.allocate(7u);
  const Tracked* address = slab.get(first);
  for (std::uint64_t number = 0; number < 5 * Slab<Tracked>::kChunkSlots; ++number) {
    slab.allocate(number);
  }
  EXPECT_EQ(slab.get(first), address);
  EXPECT_EQ(address->value, 7u);
}

TEST(Slab, CostsAnObjectFourBytes) {
  Slab<Tracked> slab(0);
  for (std::uint64_t number = 0; number < Slab<Tracked>::kChunkSlots; ++number) {
    slab.allocate(number);
  }
  EXPECT_LE(slab.bytes(), Slab<Tracked>::kChunkSlots * (sizeof(Tracked) + 4) + 64);
}

TEST(Slab, BehavesLikeAMap) {
  {
    std::mt19937_64 random(11);
    Slab<Tracked> slab(9);
    std::map<std::uint64_t, std::uint64_t> model;
    std::vector<Handle> stale;
    for (int step = 0; step < 60'000; ++step) {
      // Grows in the first half, shrinks in the second.
      if (random() % 100 < (step < 30'000 ? 60u : 40u)) {
        const std::uint64_t value = random() | (1u << 20);
        const Handle handle = slab.allocate(value);
        ASSERT_TRUE(model.emplace(handle.bits, value).second) << "the handle is in use";
      } else if (!model.empty()) {
        auto victim = model.lower_bound(random());
        if (victim == model.end()) victim = model.begin();
        const Handle handle{victim->first};
        ASSERT_EQ(slab.get(handle)->value, victim->second);
        ASSERT_TRUE(slab.release(handle));
        stale.push_back(handle);
        model.erase(victim);
      }
      if (!stale.empty()) {
        ASSERT_EQ(slab.get(stale[random() % stale.size()]), nullptr);
      }
      ASSERT_EQ(slab.size(), model.size());
    }
    std::map<std::uint64_t, std::uint64_t> visited;
    slab.for_each([&](Handle handle, Tracked& object) { visited[handle.bits] = object.value; });
    EXPECT_EQ(visited, model);
    EXPECT_EQ(Tracked::living, static_cast<int>(model.size()));
  }
  EXPECT_EQ(Tracked::living, 0) << "the slab destroys what is left";
}

TEST(Slab, ClearMakesEveryHandleStale) {
  Slab<Tracked> slab(0);
  std::vector<Handle> handles;
  for (std::uint64_t number = 0; number < 3000; ++number) handles.push_back(slab.allocate(number));
  slab.clear();
  EXPECT_EQ(slab.size(), 0u);
  for (const Handle handle : handles) EXPECT_EQ(slab.get(handle), nullptr);
  EXPECT_EQ(Tracked::living, 0);
}

}  // namespace
}  // namespace rookery::test
