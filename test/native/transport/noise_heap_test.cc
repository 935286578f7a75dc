// malloc's own account of what a Noise connection costs, against heap_bytes().
#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>
#include <vector>

#include "native/transport/noise_test_support.h"

namespace rookery::noise_test {
namespace {

constexpr std::size_t kConnections = 1000;

struct Cost {
  double malloc_bytes = 0;  ///< Of one transport, with malloc's own header.
  std::size_t heap_bytes = 0;
};

/// Connections are brought to where they are to be measured by `advance`, and only their transports
/// are kept.
template <typename Advance>
Cost measure(NoisePattern pattern, Advance advance) {
  const auto make = [&] {
    NoisePair pair(pattern);
    advance(pair);
    return std::move(pair.server);
  };
  for (int warm_up = 0; warm_up < 300; ++warm_up) make();  // Fills malloc's caches.
  std::vector<std::unique_ptr<NoiseTransport>> kept;
  kept.reserve(kConnections);
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t index = 0; index < kConnections; ++index) kept.push_back(make());
  const std::size_t after = mallinfo2().uordblks;
  return {static_cast<double>(after - before) / kConnections, kept.front()->heap_bytes()};
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// The sanitizers' allocators do not answer mallinfo2().
#else
TEST(NoiseHeap, AtRest) {
  for (const NoisePattern pattern : {NoisePattern::xx, NoisePattern::ik}) {
    const Cost cost = measure(pattern, [](NoisePair& pair) {
      pair.connect();
      pair.client.send("hello");
      ASSERT_EQ(pair.to_server(pair.client.take_wire(), 3), TransportStatus::ok);
    });
    RecordProperty(pattern == NoisePattern::xx ? "xx" : "ik", std::to_string(cost.malloc_bytes));
    EXPECT_LE(cost.heap_bytes, 96u);
    EXPECT_LE(cost.malloc_bytes, 116.0);
    EXPECT_GE(cost.malloc_bytes, static_cast<double>(cost.heap_bytes));
  }
}

/// What somebody costs who has shown nothing but a prologue and a key.
TEST(NoiseHeap, BeforeTheLogin) {
  const Cost cost = measure(NoisePattern::xx, [](NoisePair& pair) {
    pair.client.start("login");
    ASSERT_EQ(pair.to_server(pair.client.take_wire()), TransportStatus::ok);
  });
  EXPECT_LE(cost.malloc_bytes, static_cast<double>(cost.heap_bytes) + 3 * 16);
  EXPECT_LE(cost.malloc_bytes, 700.0);
}
#endif

}  // namespace
}  // namespace rookery::noise_test
