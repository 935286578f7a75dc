// The splitter: what is one piece, what is refused, and that the chunks in which bytes arrive
// change nothing.
#include "codec/stream_splitter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace rookery {
namespace {

constexpr SplitLimits wide{.max_bytes = 1u << 20, .max_depth = 64};
constexpr std::string_view header =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>";

struct Piece {
  SplitOutcome outcome;
  std::string text;
  StreamError error = StreamError::none;
  friend bool operator==(const Piece&, const Piece&) = default;
};

std::ostream& operator<<(std::ostream& out, const Piece& piece) {
  return out << static_cast<int>(piece.outcome) << " \"" << piece.text << "\" "
             << stream_error_name(piece.error);
}

/// Feeds `input` in chunks of the given sizes (over and over), and joins neighbouring white space.
std::vector<Piece> split(std::string_view input, const std::vector<std::size_t>& sizes,
                         const SplitLimits& limits = wide) {
  StreamSplitter splitter;
  std::vector<Piece> pieces;
  std::string current;
  std::size_t turn = 0;
  while (!input.empty()) {
    std::string_view chunk = input.substr(0, sizes[turn++ % sizes.size()]);
    input.remove_prefix(chunk.size());
    while (!chunk.empty()) {
      const SplitResult result = splitter.feed(chunk, limits);
      current += chunk.substr(0, result.consumed);
      chunk.remove_prefix(result.consumed);
      if (result.outcome == SplitOutcome::need_more) {
        EXPECT_TRUE(chunk.empty());
        EXPECT_FALSE(splitter.at_rest());
        continue;
      }
      const bool blank = result.outcome == SplitOutcome::whitespace;
      if (blank && !pieces.empty() && pieces.back().outcome == SplitOutcome::whitespace) {
        pieces.back().text += current;
      } else {
        pieces.push_back({result.outcome, current, result.error});
      }
      current.clear();
      if (result.outcome == SplitOutcome::error) return pieces;
      EXPECT_TRUE(splitter.at_rest());
    }
  }
  if (!current.empty()) pieces.push_back({SplitOutcome::need_more, current});
  return pieces;
}

std::vector<Piece> whole(std::string_view input, const SplitLimits& limits = wide) {
  return split(input, {input.size()}, limits);
}

/// What follows a header.
std::vector<Piece> after_header(std::string_view input, const SplitLimits& limits = wide) {
  std::vector<Piece> pieces = whole(std::string(header) + std::string(input), limits);
  EXPECT_FALSE(pieces.empty());
  EXPECT_EQ(pieces.front().outcome, SplitOutcome::stream_open);
  EXPECT_EQ(pieces.front().text, header);
  pieces.erase(pieces.begin());
  return pieces;
}

void expect_error(std::string_view input, StreamError error) {
  const std::vector<Piece> pieces = after_header(input);
  ASSERT_FALSE(pieces.empty()) << input;
  EXPECT_EQ(pieces.back().outcome, SplitOutcome::error) << input;
  EXPECT_EQ(stream_error_name(pieces.back().error), stream_error_name(error)) << input;
}

TEST(StreamSplitter, SplitsHeaderStanzasAndClose) {
  const std::string message = "<message to='a@b'><body>hi &lt; there</body></message>";
  const std::vector<Piece> pieces =
      after_header(message + " \n" + "<presence/>" + message + "</stream:stream>\n");
  const std::vector<Piece> expected = {{SplitOutcome::stanza, message},
                                       {SplitOutcome::whitespace, " \n"},
                                       {SplitOutcome::stanza, "<presence/>"},
                                       {SplitOutcome::stanza, message},
                                       {SplitOutcome::stream_close, "</stream:stream>"},
                                       {SplitOutcome::whitespace, "\n"}};
  EXPECT_EQ(pieces, expected);
}

TEST(StreamSplitter, QuotedMarkupDoesNotEndATag) {
  for (const std::string text : {"<a b='>/>' c=\"'>\"/>", "<a b=\"/>'\"><b/></a>", "<a b='/'></a>",
                                 "<a b=''/>", "<a><![CDATA[</a>]]]]><b c='1'/><![CDATA[]]></a>",
                                 "<a><![CDATA[ ]] > ]>]]></a >", "<a\n b\t=\r'1'\n/>"}) {
    EXPECT_EQ(after_header(text), (std::vector<Piece>{{SplitOutcome::stanza, text}}));
  }
}

TEST(StreamSplitter, RefusesRestrictedXml) {
  for (const std::string_view text :
       {"<!-- x -->", "<!DOCTYPE a>", "<?php ?>", "<a><!-- x --></a>", "<a><?pi ?></a>",
        "<a><!ENTITY></a>", "<?xml version='1.0'?>", "<a><![CDATE[", "<![CDATA[x]]>"}) {
    expect_error(text, StreamError::restricted_xml);
  }
  for (const std::string_view text :
       {"<!DOCTYPE x [<!ENTITY y 'z'>]>", "<?xml-stylesheet href='x'?>", "<?pi?>",
        "<?xml version='1.0'?><?xml version='1.0'?>", "<?xml version='1.0'?><!DOCTYPE x>"}) {
    const std::vector<Piece> pieces = whole(text);
    ASSERT_FALSE(pieces.empty());
    EXPECT_EQ(pieces.back().error, StreamError::restricted_xml) << text;
  }
}

TEST(StreamSplitter, RefusesWhatIsNotXml) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view text :
       {"hello"sv, "<a/>x"sv, "< a/>"sv, "<>"sv, "<a <b/>"sv, "<a b='<'/>"sv, "<a></a <"sv,
        "<a>\0</a>"sv, "<a b='\x01'/>"sv, "\0"sv, "</stream:strean>"sv, "</stream:stream x>"sv,
        "<a><![CDATA[\x02]]></a>"sv, "&amp;"sv, "<a></a\x03>"sv}) {
    expect_error(text, StreamError::not_well_formed);
  }
  for (const std::string_view text :
       {"GET / HTTP/1.1\r\n"sv, "</stream:stream>"sv, "\x16\x03\x01"sv, "<?xml version='1.0' <"sv,
        "<?xml version='1.0'?>x"sv}) {
    EXPECT_EQ(whole(text).back().error, StreamError::not_well_formed) << text;
  }
  EXPECT_EQ(whole("<stream:stream/>").back().error, StreamError::bad_format);
  EXPECT_EQ(whole("\xFF\xFE<"sv).back().error, StreamError::unsupported_encoding);
  EXPECT_EQ(whole("\xFE\xFF"sv).back().error, StreamError::unsupported_encoding);
}

TEST(StreamSplitter, LimitsBytesOfOnePiece) {
  const SplitLimits limits{.max_bytes = 300, .max_depth = 8};
  const std::string fits = "<a>" + std::string(293, 'x') + "</a>";
  EXPECT_EQ(after_header(fits + fits, limits),
            (std::vector<Piece>{{SplitOutcome::stanza, fits}, {SplitOutcome::stanza, fits}}));
  const std::string over = "<a>" + std::string(294, 'x') + "</a>";
  const std::vector<Piece> pieces = after_header(over, limits);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0],
            (Piece{SplitOutcome::error, over.substr(0, 300), StreamError::policy_violation}));
  // White space between stanzas is no piece, however much of it there is.
  EXPECT_EQ(after_header(std::string(5000, ' '), limits).front().outcome, SplitOutcome::whitespace);
}

TEST(StreamSplitter, LimitsDepth) {
  const auto nested = [](int levels) {
    std::string text;
    for (int level = 1; level < levels; ++level) text += "<a>";
    text += "<a/>";
    for (int level = 1; level < levels; ++level) text += "</a>";
    return text;
  };
  const SplitLimits limits{.max_bytes = 10'000, .max_depth = 8};
  EXPECT_EQ(after_header(nested(8), limits).front().outcome, SplitOutcome::stanza);
  EXPECT_EQ(after_header(nested(9), limits).front().error, StreamError::policy_violation);
}

TEST(StreamSplitter, StaysFailedUntilRestarted) {
  StreamSplitter splitter;
  EXPECT_EQ(splitter.feed("x", wide).outcome, SplitOutcome::error);
  EXPECT_EQ(splitter.feed(header, wide).outcome, SplitOutcome::error);
  EXPECT_EQ(splitter.feed("", wide).error, StreamError::not_well_formed);
  splitter.restart();
  EXPECT_EQ(splitter.feed(header, wide).outcome, SplitOutcome::stream_open);
  EXPECT_EQ(splitter.feed("<a/>", wide).outcome, SplitOutcome::stanza);
  splitter.restart();
  EXPECT_EQ(splitter.feed("\n", wide).outcome, SplitOutcome::whitespace);
  EXPECT_EQ(splitter.feed(header, wide).outcome, SplitOutcome::stream_open);
}

TEST(StreamSplitter, ChunkingChangesNothing) {
  const std::vector<std::string> fragments = {"<message to='a@b' from=\"c@d/e\">",
                                              "</message>",
                                              "<body>",
                                              "</body>",
                                              "<x xmlns='y'/>",
                                              "text",
                                              "<![CDATA[",
                                              "]]>",
                                              "]]",
                                              ">",
                                              "<",
                                              "/",
                                              "/>",
                                              "'",
                                              "\"",
                                              " ",
                                              "\n",
                                              "<!--",
                                              "<?",
                                              "&amp;",
                                              "=",
                                              "</stream:stream>",
                                              "<presence/>",
                                              "\xC3\xA9",
                                              "<a\n/\n>",
                                              "<a b='1'\n/>",
                                              "<a b='/'>",
                                              "</a\t>",
                                              std::string(40, 'z'),
                                              std::string(1, '\0')};
  std::mt19937 random(20240607);
  const auto below = [&random](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  const SplitLimits limits{.max_bytes = 260, .max_depth = 4};
  std::size_t stanzas = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string input = below(8) == 0 ? "" : std::string(header);
    // Half of the rounds begin with something good, so that deep states are reached.
    if (below(2) == 0) input += "<message to='a@b'><body>hello</body><a/></message>";
    const std::size_t count = below(12);
    for (std::size_t index = 0; index < count; ++index) input += fragments[below(fragments.size())];
    if (input.empty()) continue;
    const std::vector<Piece> expected = whole(input, limits);
    EXPECT_EQ(split(input, {1}, limits), expected) << input;
    EXPECT_EQ(split(input, {1 + below(7), 1 + below(40), 1 + below(3)}, limits), expected) << input;
    if (::testing::Test::HasFailure()) return;
    for (const Piece& piece : expected) stanzas += piece.outcome == SplitOutcome::stanza ? 1 : 0;
  }
  EXPECT_GT(stanzas, 5'000u);
}

}  // namespace
}  // namespace rookery
