// Fuzzes the WebSocket decoder: the chunks in which bytes arrive change nothing of what it says,
// text that it lets through is UTF-8, and what a client frames as it should comes out as it went
// in. The first bytes choose the kind of data, the limit and the chunks.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/websocket.h"
#include "codec/xml_chars.h"
#include "native/codec/websocket_frames.h"

namespace {

using namespace rookery;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Event {
  WebSocketEvent event;
  WebSocketClose code;
  std::string payload;
  bool operator==(const Event&) const = default;
};

/// Chunk sizes: whole, byte by byte, or from a generator of which the input is the seed.
struct Chunks {
  std::size_t fixed;
  std::uint32_t seed = 0;
  std::size_t next() {
    if (fixed != 0) return fixed;
    seed = seed * 1664525 + 1013904223;
    return 1 + (seed >> 16) % ((seed & 0x4000) != 0 ? 150 : 5);
  }
};

bool is_utf8(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::uint32_t code = 0;
    const std::size_t size = codec::decode_utf8(at, end, code);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

std::vector<Event> decode(std::string_view input, Chunks chunks, WebSocketOpcode data,
                          std::uint32_t limit) {
  WebSocketDecoder decoder(data);
  std::vector<Event> events;
  std::string message;
  while (!input.empty()) {
    const std::size_t size = std::min(chunks.next(), input.size());
    // A block of its own, so that the sanitizer sees a read behind it.
    const auto block = std::make_unique<char[]>(size);
    std::copy_n(input.data(), size, block.get());
    std::string_view chunk(block.get(), size);
    input.remove_prefix(size);
    while (!chunk.empty()) {
      const WebSocketResult result = decoder.feed(chunk, limit, message);
      require(result.consumed <= chunk.size() && message.size() <= limit);
      chunk.remove_prefix(result.consumed);
      switch (result.event) {
        case WebSocketEvent::need_more: require(chunk.empty()); continue;
        case WebSocketEvent::message:
          require(data == WebSocketOpcode::binary || is_utf8(message));
          events.push_back({result.event, result.code, std::move(message)});
          message.clear();
          continue;
        case WebSocketEvent::ping:
        case WebSocketEvent::pong:
          events.push_back({result.event, result.code, decoder.take_control()});
          require(events.back().payload.size() <= 125 && decoder.heap_bytes() == 0);
          continue;
        case WebSocketEvent::close:
        case WebSocketEvent::failed:
          require(result.event == WebSocketEvent::close || result.code != WebSocketClose::absent);
          events.push_back({result.event, result.code, {}});
          return events;
      }
    }
  }
  return events;
}

/// The input as the payload of two fragments with a ping between them.
void there_and_back(std::string_view payload) {
  using testing::client_frame;
  const std::size_t half = payload.size() / 2;
  const std::string frames =
      client_frame(WebSocketOpcode::binary, payload.substr(0, half), false) +
      client_frame(WebSocketOpcode::ping, payload.substr(0, std::min<std::size_t>(half, 125))) +
      client_frame(WebSocketOpcode::continuation, payload.substr(half));
  const auto limit = static_cast<std::uint32_t>(payload.size());
  const auto events = decode(frames, {.fixed = frames.size()}, WebSocketOpcode::binary, limit);
  require(events.size() == 2 && events[0].event == WebSocketEvent::ping);
  require(events[1].event == WebSocketEvent::message && events[1].payload == payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 4) return 0;
  const auto data = (bytes[0] & 1) != 0 ? WebSocketOpcode::binary : WebSocketOpcode::text;
  const std::uint32_t limit = bytes[1] * 8u;
  const auto seed = static_cast<std::uint32_t>(bytes[2] << 8 | bytes[3]);
  const std::string_view input(reinterpret_cast<const char*>(bytes) + 4, size - 4);
  const auto whole = decode(input, {.fixed = size}, data, limit);
  require(whole == decode(input, {.fixed = 1}, data, limit));
  require(whole == decode(input, {.fixed = 0, .seed = seed}, data, limit));
  there_and_back(input);
  return 0;
}
