// Finds where one piece of an XML stream ends and the next begins, in a few bytes of state, so that
// a connection at rest costs nothing. It does not judge what is inside; stanza_scan.h does that
// once the piece is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/stream_error.h"

namespace rookery {

enum class SplitOutcome : std::uint8_t {
  need_more,     ///< All bytes were consumed; the piece continues in the next chunk.
  whitespace,    ///< Only white space between stanzas (a keep-alive): `consumed` bytes of it.
  stream_open,   ///< A stream header (`<?xml …?>` and `<stream:stream …>`) ended.
  stanza,        ///< A first-level element ended.
  stream_close,  ///< `</stream:stream>` ended.
  error,         ///< Not XML that a stream may carry, or too large or too deep.
};

struct SplitResult {
  SplitOutcome outcome = SplitOutcome::need_more;
  std::size_t consumed = 0;  ///< Bytes of this chunk that belong to the piece.
  StreamError error = StreamError::none;
};

struct SplitLimits {
  std::uint32_t max_bytes = 0;  ///< Of one piece; more is policy-violation.
  std::uint16_t max_depth = 0;  ///< Of elements in one stanza; more is policy-violation.
};

/// The state of one stream; trivially copyable, at most 16 bytes, moves with the connection.
class StreamSplitter {
 public:
  /// Looks at the next chunk. Stops at the end of the first piece it completes. Never reads past
  /// `chunk`; restricted XML (comments, processing instructions, DTD) is refused at its first
  /// bytes.
  SplitResult feed(std::string_view chunk, const SplitLimits& limits) noexcept;

  /// After a stream restart (STARTTLS, SASL): a stream header is expected again.
  void restart() noexcept;

  /// True when no piece has begun.
  [[nodiscard]] bool at_rest() const noexcept;

 private:
  enum class State : std::uint8_t {
    rest,         ///< Between pieces.
    markup,       ///< Behind the `<` that begins a piece.
    text_markup,  ///< Behind a `<` inside a stanza.
    tag,          ///< In a start tag, outside of quotes.
    double_quoted,
    single_quoted,
    end_tag,
    text,
    cdata_keyword,
    cdata,
    declaration_keyword,
    declaration,
    declaration_space,   ///< Behind the XML declaration, before the header's `<`.
    declaration_markup,  ///< Behind that `<`.
    close_keyword,
    close_space,
    failed,
  };
  struct Cursor;
  class MarkupRun;

  std::uint32_t bytes_ = 0;  ///< Of the current piece so far.
  std::uint16_t depth_ = 0;  ///< Elements open in it.
  State state_ = State::rest;
  bool header_done_ = false;
  std::uint8_t match_ = 0;  ///< Progress within a keyword; in a tag, whether `/` came last.
  StreamError error_ = StreamError::none;
};
static_assert(sizeof(StreamSplitter) <= 16);

}  // namespace rookery
