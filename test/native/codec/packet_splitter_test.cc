// Packets back to back, cut anywhere: the splitter finds the same ends, whatever the chunks are.
#include "codec/packet_splitter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace rookery {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::uint32_t limit = 20'000;

TEST(PacketSplitter, FindsWholePackets) {
  PacketSplitter splitter;
  EXPECT_TRUE(splitter.at_rest());
  PacketResult result = splitter.feed("\x02\x03\x00\x00"sv, limit);
  EXPECT_EQ(result.outcome, PacketOutcome::packet);
  EXPECT_EQ(result.consumed, 3u);
  EXPECT_EQ(result.length_bytes, 1);
  EXPECT_TRUE(splitter.at_rest());
  result = splitter.feed("\x00"sv, limit);
  EXPECT_EQ(result.outcome, PacketOutcome::keep_alive);
  EXPECT_EQ(result.consumed, 1u);
  EXPECT_EQ(splitter.feed({}, limit).outcome, PacketOutcome::need_more);
  result = splitter.feed("\x85\x01xyz"sv, limit);
  EXPECT_EQ(result.outcome, PacketOutcome::need_more);
  EXPECT_EQ(splitter.missing_bytes(), 130u);
  EXPECT_FALSE(splitter.at_rest());
  result = splitter.feed(std::string(131, 'x'), limit);
  EXPECT_EQ(result.outcome, PacketOutcome::packet);
  EXPECT_EQ(result.consumed, 130u);
  EXPECT_EQ(result.length_bytes, 2);
}

TEST(PacketSplitter, FindsTheSameInAnyChunks) {
  std::mt19937 random(3);
  for (int turn = 0; turn < 300; ++turn) {
    std::string stream;
    std::vector<std::size_t> ends;
    for (int count = 0; count < 6; ++count) {
      const std::size_t size = std::vector<std::size_t>{0, 1, 127, 128, 300, 16'384}[random() % 6];
      for (std::size_t rest = size;; rest >>= 7) {
        stream += static_cast<char>(rest >= 0x80 ? rest | 0x80 : rest);
        if (rest < 0x80) break;
      }
      for (std::size_t left = size; left > 0; --left) stream += static_cast<char>(random());
      ends.push_back(stream.size());
    }
    PacketSplitter splitter;
    std::vector<std::size_t> found;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t most = random() % 3 == 0 ? 3 : 10'000;
      const std::size_t size = std::min<std::size_t>(1 + random() % most, stream.size() - at);
      const PacketResult result = splitter.feed(std::string_view(stream).substr(at, size), limit);
      ASSERT_NE(result.outcome, PacketOutcome::error);
      at += result.consumed;
      if (result.outcome == PacketOutcome::need_more) {
        ASSERT_EQ(result.consumed, size);
      } else {
        found.push_back(at);
      }
    }
    ASSERT_EQ(found, ends);
  }
}

void expect_refused(std::string_view stream, StreamError error) {
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    PacketSplitter splitter;
    PacketResult result = splitter.feed(stream.substr(0, cut), limit);
    if (result.outcome != PacketOutcome::error) result = splitter.feed(stream.substr(cut), limit);
    EXPECT_EQ(result.outcome, PacketOutcome::error);
    EXPECT_EQ(stream_error_name(result.error), stream_error_name(error));
    EXPECT_EQ(splitter.feed("\x00"sv, limit).outcome, PacketOutcome::error);
  }
}

TEST(PacketSplitter, RefusesWhatIsTooLongOrNoLength) {
  expect_refused("\x80\x00"sv, StreamError::bad_format);
  expect_refused("\x81\x80\x00"sv, StreamError::bad_format);
  expect_refused("\x80\x80\x80\x80\x80"sv, StreamError::bad_format);
  expect_refused("\xA1\x9C\x01"sv, StreamError::policy_violation);
  expect_refused("\xFF\xFF\xFF\xFF\x0F"sv, StreamError::policy_violation);
  PacketSplitter splitter;
  EXPECT_EQ(splitter.feed("\xA0\x9C\x01"sv, limit).outcome, PacketOutcome::need_more);
  EXPECT_EQ(splitter.missing_bytes(), limit);
}

}  // namespace
}  // namespace rookery
