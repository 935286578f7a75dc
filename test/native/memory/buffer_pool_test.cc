// Pooled buffers against strings, and the bound on what the pool keeps.
#include "memory/buffer_pool.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace rookery::test {
namespace {

TEST(BufferPool, AnEmptyBufferCostsEightBytes) {
  EXPECT_EQ(sizeof(PooledBuffer), 8u);
  const PooledBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.view(), "");
  EXPECT_EQ(buffer.heap_bytes(), 0u);
}

TEST(BufferPool, AppendsAndConsumes) {
  BufferPool pool(1 << 20);
  PooledBuffer buffer;
  ASSERT_TRUE(pool.append(buffer, "hello "));
  ASSERT_TRUE(pool.append(buffer, "world"));
  EXPECT_EQ(buffer.view(), "hello world");
  buffer.consume(6);
  EXPECT_EQ(buffer.view(), "world");
  buffer.consume(5);
  EXPECT_TRUE(buffer.empty());
  ASSERT_TRUE(pool.append(buffer, ""));
  EXPECT_TRUE(buffer.empty());
  pool.recycle(buffer);
  EXPECT_EQ(buffer.heap_bytes(), 0u);
}

TEST(BufferPool, UsesItsBlocksAgain) {
  BufferPool pool(1 << 20);
  for (int turn = 0; turn < 100; ++turn) {
    PooledBuffer buffer;
    ASSERT_TRUE(pool.append(buffer, "some bytes"));
    EXPECT_EQ(buffer.heap_bytes(), 256u);
    pool.recycle(buffer);
  }
  EXPECT_EQ(pool.misses(), 1u);
  EXPECT_EQ(pool.hits(), 99u);
  EXPECT_EQ(pool.idle_bytes(), 256u);
}

TEST(BufferPool, AppendsItsOwnContent) {
  BufferPool pool(1 << 20);
  PooledBuffer buffer;
  ASSERT_TRUE(pool.append(buffer, "abcdefgh"));
  for (int turn = 0; turn < 10; ++turn) ASSERT_TRUE(pool.append(buffer, buffer.view()));
  ASSERT_EQ(buffer.size(), 8u << 10);
  for (std::size_t at = 0; at < buffer.size(); ++at) {
    ASSERT_EQ(buffer.view()[at], static_cast<char>('a' + at % 8));
  }
}

TEST(BufferPool, RefusesBeyondItsLargestBuffer) {
  BufferPool pool(0);
  PooledBuffer buffer;
  ASSERT_TRUE(pool.append(buffer, "kept"));
  // The length is what is refused; the bytes are not touched.
  EXPECT_FALSE(pool.append(buffer, {buffer.view().data(), BufferPool::kLargestBuffer}));
  EXPECT_EQ(buffer.view(), "kept");
}

TEST(BufferPool, ABlockMayGoToAnotherThreadsPool) {
  BufferPool here(1 << 20);
  PooledBuffer buffer;
  ASSERT_TRUE(here.append(buffer, "moves with its connection"));
  std::thread([moved = std::move(buffer)]() mutable {
    BufferPool there(1 << 20);
    EXPECT_EQ(moved.view(), "moves with its connection");
    there.recycle(moved);
    EXPECT_EQ(there.idle_bytes(), 256u);
  }).join();
}

TEST(BufferPool, BehavesLikeStringsAndKeepsItsBound) {
  constexpr std::size_t kIdleLimit = 64 * 1024;
  std::mt19937 random(3);
  BufferPool pool(kIdleLimit);
  std::vector<PooledBuffer> buffers(20);
  std::vector<std::string> models(20);
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t which = random() % buffers.size();
    PooledBuffer& buffer = buffers[which];
    std::string& model = models[which];
    switch (random() % 4) {
      case 0:
      case 1: {
        const std::string text(random() % (std::size_t{1} << (random() % 16)),
                               static_cast<char>('a' + random() % 26));
        ASSERT_TRUE(pool.append(buffer, text));
        model += text;
        break;
      }
      case 2: {
        const std::size_t count = model.empty() ? 0 : random() % (model.size() + 1);
        buffer.consume(count);
        model.erase(0, count);
        break;
      }
      default:
        if (random() % 4 == 0) {
          pool.recycle(buffer);
          model.clear();
        }
    }
    ASSERT_EQ(buffer.view(), model);
    ASSERT_LE(pool.idle_bytes(), kIdleLimit);
  }
  EXPECT_GT(pool.hits(), 100u);
}

}  // namespace
}  // namespace rookery::test
