// Fuzzes the stream splitter: the chunks in which bytes arrive, taken from the input, must change
// nothing of what it says. The first bytes choose limits and chunks, the rest is the stream.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/stream_splitter.h"

namespace {

using namespace rookery;

struct Piece {
  SplitOutcome outcome;
  StreamError error;
  std::string text;
  bool operator==(const Piece&) const = default;
};

/// Chunk sizes: whole, byte by byte, or from a generator of which the input is the seed.
struct Chunks {
  std::size_t fixed;
  std::uint32_t seed = 0;
  std::size_t next() {
    if (fixed != 0) return fixed;
    seed = seed * 1664525 + 1013904223;
    // Mostly about the length of a stanza or a block, sometimes a few bytes.
    return 1 + (seed >> 16) % ((seed & 0x4000) != 0 ? 150 : 5);
  }
};

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<Piece> split(std::string_view input, Chunks chunks, const SplitLimits& limits) {
  StreamSplitter splitter;
  std::vector<Piece> pieces;
  std::string current;
  while (!input.empty()) {
    const std::size_t size = std::min(chunks.next(), input.size());
    // A block of its own, so that the sanitizer sees a read behind it.
    const auto block = std::make_unique<char[]>(size);
    std::copy_n(input.data(), size, block.get());
    std::string_view chunk(block.get(), size);
    input.remove_prefix(size);
    while (!chunk.empty()) {
      const SplitResult result = splitter.feed(chunk, limits);
      require(result.consumed <= chunk.size());
      require((result.outcome == SplitOutcome::error) == (result.error != StreamError::none));
      current.append(chunk.substr(0, result.consumed));
      chunk.remove_prefix(result.consumed);
      require(current.size() <= limits.max_bytes || result.outcome == SplitOutcome::whitespace);
      if (result.outcome == SplitOutcome::need_more) {
        require(chunk.empty() && !splitter.at_rest());
        continue;
      }
      const bool blank = result.outcome == SplitOutcome::whitespace;
      require(blank == (current.find_first_not_of(" \t\r\n") == current.npos && !current.empty()));
      if (blank && !pieces.empty() && pieces.back().outcome == SplitOutcome::whitespace) {
        pieces.back().text += current;
      } else {
        pieces.push_back({result.outcome, result.error, current});
      }
      current.clear();
      if (result.outcome == SplitOutcome::error) return pieces;
      require(result.consumed > 0 && splitter.at_rest());
    }
  }
  pieces.push_back({SplitOutcome::need_more, StreamError::none, current});
  return pieces;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const SplitLimits limits{.max_bytes = 16u + data[0] * 8u,
                           .max_depth = static_cast<std::uint16_t>(data[1] % 9)};
  const auto seed = static_cast<std::uint32_t>(data[2] << 8 | data[3]);
  const std::string_view input(reinterpret_cast<const char*>(data) + 4, size - 4);
  const std::vector<Piece> whole = split(input, {.fixed = size}, limits);
  require(whole == split(input, {.fixed = 1}, limits));
  require(whole == split(input, {.fixed = 0, .seed = seed}, limits));
  return 0;
}
