// RFC 6455 frames: the document's examples, every way to break its rules, and that the chunks in
// which bytes arrive change nothing.
#include "codec/websocket.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "native/codec/websocket_frames.h"

namespace rookery {
namespace {

using testing::client_frame;
using testing::fin;

constexpr std::uint32_t limit = 100'000;
constexpr auto text = WebSocketOpcode::text;
constexpr auto binary = WebSocketOpcode::binary;
constexpr auto continuation = WebSocketOpcode::continuation;

/// What came of some input, in one line for each event: `message:Hello`, `failed:1002` …
std::vector<std::string> decode(std::string_view input, std::size_t chunk_bytes = SIZE_MAX,
                                WebSocketOpcode data = text, std::uint32_t most = limit) {
  WebSocketDecoder decoder(data);
  std::vector<std::string> events;
  std::string message;
  while (!input.empty()) {
    std::string_view chunk = input.substr(0, chunk_bytes);
    input.remove_prefix(chunk.size());
    while (!chunk.empty()) {
      const WebSocketResult result = decoder.feed(chunk, most, message);
      chunk.remove_prefix(result.consumed);
      const auto code = std::to_string(static_cast<int>(result.code));
      switch (result.event) {
        case WebSocketEvent::need_more: EXPECT_TRUE(chunk.empty()); break;
        case WebSocketEvent::message:
          events.push_back("message:" + message);
          message.clear();
          break;
        case WebSocketEvent::ping: events.push_back("ping:" + decoder.take_control()); break;
        case WebSocketEvent::pong: events.push_back("pong:" + decoder.take_control()); break;
        case WebSocketEvent::close: events.push_back("close:" + code); return events;
        case WebSocketEvent::failed: events.push_back("failed:" + code); return events;
      }
    }
  }
  if (!decoder.at_rest()) events.push_back("unfinished:" + message);
  return events;
}

using Events = std::vector<std::string>;

/// The same, whatever the chunks.
void expect_events(const std::string& input, const Events& expected, WebSocketOpcode data = text,
                   std::uint32_t most = limit) {
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{3}, std::size_t{7}, SIZE_MAX}) {
    EXPECT_EQ(decode(input, chunk, data, most), expected) << "in chunks of " << chunk;
  }
}

TEST(WebSocketDecoder, ExamplesOfTheDocument) {
  expect_events(std::string("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11), {"message:Hello"});
  expect_events(std::string("\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11), {"ping:Hello"});
  expect_events(client_frame(text, "Hel", false) + client_frame(continuation, "lo"),
                {"message:Hello"});
}

TEST(WebSocketDecoder, LengthsAroundTheirBounds) {
  for (const std::size_t size : {0, 1, 3, 4, 15, 16, 17, 125, 126, 127, 128, 65535, 65536, 99999}) {
    std::string payload;
    for (std::size_t at = 0; at < size; ++at) payload += static_cast<char>('a' + at % 26);
    EXPECT_EQ(decode(client_frame(text, payload)), Events{"message:" + payload}) << size;
    EXPECT_EQ(decode(client_frame(text, payload), 1000), Events{"message:" + payload}) << size;
  }
}

TEST(WebSocketDecoder, AnyMaskServes) {
  for (const std::string_view mask : {std::string_view("\0\0\0\0", 4), std::string_view("abcd"),
                                      std::string_view("\xff\x00\xff\x80", 4)}) {
    expect_events(client_frame(fin | 1u, "five hundred and one hippopotami", mask),
                  {"message:five hundred and one hippopotami"});
  }
}

TEST(WebSocketDecoder, ControlFramesBetweenFragments) {
  expect_events(client_frame(text, "a", false) + client_frame(WebSocketOpcode::ping, "1") +
                    client_frame(continuation, "b", false) +
                    client_frame(WebSocketOpcode::pong, "") +
                    client_frame(WebSocketOpcode::ping, "") + client_frame(continuation, "c") +
                    client_frame(text, "d"),
                {"ping:1", "pong:", "ping:", "message:abc", "message:d"});
  expect_events(client_frame(text, "a", false) + client_frame(WebSocketOpcode::close, ""),
                {"close:1005"});
}

TEST(WebSocketDecoder, EmptyFramesAreFrames) {
  expect_events(client_frame(text, "", false) + client_frame(continuation, "", false) +
                    client_frame(continuation, ""),
                {"message:"});
  expect_events(client_frame(text, ""), {"message:"});
}

TEST(WebSocketDecoder, UnmaskedFramesAreRefused) {
  expect_events(std::string("\x81\x05Hello", 7), {"failed:1002"});
  expect_events(std::string("\x89\x00", 2), {"failed:1002"});
}

TEST(WebSocketDecoder, ReservedBitsAndOpcodesAreRefused) {
  for (const unsigned bit : {0x40u, 0x20u, 0x10u}) {
    expect_events(client_frame(fin | bit | 1u, "x"), {"failed:1002"});
    expect_events(client_frame(fin | bit | 9u, "x"), {"failed:1002"});
  }
  for (const unsigned opcode : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u}) {
    expect_events(client_frame(fin | opcode, "x"), {"failed:1002"});
    expect_events(client_frame(text, "a", false) + client_frame(fin | opcode, ""), {"failed:1002"});
  }
}

TEST(WebSocketDecoder, LengthsThatAreNotTheShortestAreRefused) {
  expect_events(client_frame(fin | 1u, "short", testing::example_mask, 2), {"failed:1002"});
  expect_events(client_frame(fin | 1u, std::string(125, 'x'), testing::example_mask, 2),
                {"failed:1002"});
  expect_events(client_frame(fin | 1u, std::string(126, 'x'), testing::example_mask, 8),
                {"failed:1002"});
  EXPECT_EQ(decode(client_frame(fin | 1u, std::string(65535, 'x'), testing::example_mask, 8)),
            Events{"failed:1002"});
  expect_events(std::string("\x81\xff\x80\0\0\0\0\0\0\0abcd", 14), {"failed:1002"});
}

TEST(WebSocketDecoder, ControlFramesAreShortAndWhole) {
  expect_events(client_frame(WebSocketOpcode::ping, std::string(125, 'p')),
                {"ping:" + std::string(125, 'p')});
  expect_events(client_frame(WebSocketOpcode::ping, std::string(126, 'p')), {"failed:1002"});
  expect_events(client_frame(WebSocketOpcode::ping, "x", false), {"failed:1002"});
  expect_events(client_frame(WebSocketOpcode::close, "", false), {"failed:1002"});
}

TEST(WebSocketDecoder, FragmentsFollowTheirOrder) {
  expect_events(client_frame(continuation, "x"), {"failed:1002"});
  expect_events(client_frame(continuation, "x", false), {"failed:1002"});
  expect_events(client_frame(text, "a", false) + client_frame(text, "b"), {"failed:1002"});
  expect_events(client_frame(text, "a") + client_frame(continuation, "b"),
                {"message:a", "failed:1002"});
}

TEST(WebSocketDecoder, OneKindOfData) {
  expect_events(client_frame(binary, "x"), {"failed:1003"});
  expect_events(client_frame(text, "x"), {"failed:1003"}, binary);
  expect_events(client_frame(binary, "\xff\xfe"), {"message:\xff\xfe"}, binary);
  // The kind of a message is its first frame's.
  expect_events(client_frame(text, "a", false) + client_frame(binary, "b"), {"failed:1002"});
}

TEST(WebSocketDecoder, MessagesHaveALimit) {
  expect_events(client_frame(text, "12345678"), {"message:12345678"}, text, 8);
  expect_events(client_frame(text, "123456789"), {"failed:1009"}, text, 8);
  expect_events(client_frame(text, "12345", false) + client_frame(continuation, "678"),
                {"message:12345678"}, text, 8);
  expect_events(client_frame(text, "12345", false) + client_frame(continuation, "6789"),
                {"failed:1009"}, text, 8);
  // A header alone is enough to know it; a huge one must not overflow.
  expect_events(std::string("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff"
                            "abcd",
                            14),
                {"failed:1009"});
  expect_events(client_frame(text, "1", false) + std::string("\x80\xff\0\0\0\0\xff\xff\xff\xff"
                                                             "abcd",
                                                             14),
                {"failed:1009"}, text, UINT32_MAX);
  // The next message begins to count anew.
  expect_events(client_frame(text, "12345678") + client_frame(text, "12345678"),
                {"message:12345678", "message:12345678"}, text, 8);
}

TEST(WebSocketDecoder, TextIsUtf8) {
  const std::string wide = "\xce\xba\xe1\xbd\xb9\xf0\x9f\x90\xa6\xf4\x8f\xbf\xbf";
  expect_events(client_frame(text, wide), {"message:" + wide});
  // Fragments may part a character.
  expect_events(client_frame(text, wide.substr(0, 1), false) +
                    client_frame(continuation, wide.substr(1, 6), false) +
                    client_frame(continuation, wide.substr(7)),
                {"message:" + wide});
  for (const char* bad : {"\x80", "\xff", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80",
                          "\xed\xbf\xbf", "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf5\x80",
                          "\xe1\x80", "\xc3", "a\xc3(", "\xe1\x80z"}) {
    expect_events(client_frame(text, bad), {"failed:1007"});
    expect_events(client_frame(text, std::string("seventeen bytes..") + bad), {"failed:1007"});
  }
  expect_events(client_frame(text, "\xc3", false) + client_frame(continuation, ""),
                {"failed:1007"});
}

TEST(WebSocketDecoder, InvalidTextIsRefusedBeforeItsMessageEnds) {
  expect_events(client_frame(text, "a\xf4\x90", false), {"failed:1007"});
  // Even before its frame ends.
  const std::string frame = client_frame(text, "abc\xff" + std::string(100, 'x'));
  EXPECT_EQ(decode(std::string_view(frame).substr(0, 10)), Events{"failed:1007"});
  // What one message left unfinished does not reach the next.
  expect_events(client_frame(text, "\xc3\xa9") + client_frame(text, "a"),
                {"message:\xc3\xa9", "message:a"});
}

TEST(WebSocketDecoder, CloseCodes) {
  const auto close = [](unsigned code, std::string_view reason = {}) {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
    payload += reason;
    return client_frame(WebSocketOpcode::close, payload);
  };
  expect_events(client_frame(WebSocketOpcode::close, ""), {"close:1005"});
  expect_events(client_frame(WebSocketOpcode::close, "x"), {"failed:1002"});
  for (const unsigned code : {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1009u, 1010u, 1011u, 1012u,
                              1013u, 1014u, 3000u, 3999u, 4000u, 4999u}) {
    expect_events(close(code), {"close:" + std::to_string(code)});
  }
  for (const unsigned code :
       {0u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u, 5000u, 65535u}) {
    expect_events(close(code), {"failed:1002"});
  }
  expect_events(close(1000, "bye \xc3\xa9"), {"close:1000"});
  expect_events(close(1000, std::string(123, 'x')), {"close:1000"});
  expect_events(close(1000, "\xff"), {"failed:1007"});
  expect_events(close(1000, "\xc3"), {"failed:1007"});
}

TEST(WebSocketDecoder, KeepsNothingAtRest) {
  WebSocketDecoder decoder(text);
  std::string payload;
  const std::string ping = client_frame(WebSocketOpcode::ping, std::string(125, 'p'));
  EXPECT_TRUE(decoder.at_rest());
  EXPECT_EQ(decoder.feed(ping, limit, payload).event, WebSocketEvent::ping);
  EXPECT_EQ(decoder.take_control().size(), 125u);
  EXPECT_TRUE(decoder.at_rest());
  EXPECT_EQ(decoder.heap_bytes(), 0u);
  EXPECT_TRUE(payload.empty());
  EXPECT_EQ(decoder.feed(std::string_view(ping).substr(0, 1), limit, payload).event,
            WebSocketEvent::need_more);
  EXPECT_FALSE(decoder.at_rest());
}

TEST(WebSocketDecoder, RandomFramesSurviveRandomChunks) {
  std::srand(7);
  for (int round = 0; round < 200; ++round) {
    std::string input;
    Events expected;
    std::string message;
    bool fresh = true;
    for (int frame = 0; frame < 12; ++frame) {
      if (std::rand() % 4 == 0) {
        const std::string payload(static_cast<std::size_t>(std::rand() % 126), 'p');
        input += client_frame(WebSocketOpcode::ping, payload);
        expected.push_back("ping:" + payload);
        continue;
      }
      std::string payload;
      for (int left = std::rand() % 300; left > 0; --left) {
        payload += static_cast<char>(std::rand() % 256);
      }
      const bool final = std::rand() % 2 == 0;
      input += client_frame(fresh ? binary : continuation, payload, final);
      message += payload;
      fresh = final;
      if (final) {
        expected.push_back("message:" + message);
        message.clear();
      }
    }
    input += client_frame(fresh ? binary : continuation, "");
    expected.push_back("message:" + message);
    const auto chunk = static_cast<std::size_t>(1 + std::rand() % 40);
    ASSERT_EQ(decode(input, chunk, binary), expected);
    ASSERT_EQ(decode(input, SIZE_MAX, binary), expected);
  }
}

TEST(WebSocketEncoder, HeadersAreAsShortAsTheyMayBe) {
  const auto header = [](std::size_t size) {
    std::string out;
    append_websocket_header(out, binary, size);
    return out;
  };
  EXPECT_EQ(header(0), std::string("\x82\x00", 2));
  EXPECT_EQ(header(125), std::string("\x82\x7d", 2));
  EXPECT_EQ(header(126), std::string("\x82\x7e\x00\x7e", 4));
  EXPECT_EQ(header(65535), std::string("\x82\x7e\xff\xff", 4));
  EXPECT_EQ(header(65536), std::string("\x82\x7f\0\0\0\0\0\x01\0\0", 10));
}

TEST(WebSocketEncoder, ControlFrames) {
  std::string out;
  append_websocket_close(out, WebSocketClose::protocol_error);
  EXPECT_EQ(out, std::string("\x88\x02\x03\xea", 4));
  out.clear();
  append_websocket_close(out, WebSocketClose::absent);
  EXPECT_EQ(out, std::string("\x88\x00", 2));
  out.clear();
  append_websocket_control(out, WebSocketOpcode::pong, "Hello");
  EXPECT_EQ(out, "\x8a\x05Hello");
}

}  // namespace
}  // namespace rookery
