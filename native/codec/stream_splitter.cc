// The splitter's state machine: one function for each state. Those that most bytes pass through
// (tags, quoted values, text) skip runs of bytes; the rare ones go a byte at a time.
#include "codec/stream_splitter.h"

#include <algorithm>

#include "codec/byte_scan.h"
#include "codec/xml_chars.h"

namespace rookery {

using codec::RunEnd;
using codec::skip_run;

namespace {

constexpr std::string_view cdata_keyword_text = "[CDATA[";
constexpr std::string_view declaration_keyword_text = "?xml";
constexpr std::string_view close_keyword_text = "/stream:stream";

bool begins_name(char character) {
  return character == ':' ||
         codec::has_class(character, codec::class_name_start | codec::class_high);
}

}  // namespace

/// A copy of the state in registers while a chunk is looked at.
struct StreamSplitter::Cursor {
  const char* at;
  const char* end;
  State state;
  std::uint16_t depth;
  std::uint16_t max_depth;
  std::uint8_t match;
  bool header_done;
  StreamError error;
};

SplitOutcome StreamSplitter::fail(Cursor& cursor, StreamError error) noexcept {
  cursor.state = State::failed;
  cursor.error = error;
  return SplitOutcome::error;
}

/// At the `>` of a start tag. Returns need_more to go on.
SplitOutcome StreamSplitter::end_of_tag(Cursor& cursor) noexcept {
  const bool self_closing = cursor.match != 0;
  if (!cursor.header_done) {
    // A stream that ends where it begins has no use, and would need an answer of its own.
    if (self_closing) return fail(cursor, StreamError::bad_format);
    ++cursor.at;
    cursor.header_done = true;
    cursor.state = State::rest;
    return SplitOutcome::stream_open;
  }
  ++cursor.at;
  if (!self_closing) ++cursor.depth;
  cursor.state = cursor.depth == 0 ? State::rest : State::text;
  return cursor.depth == 0 ? SplitOutcome::stanza : SplitOutcome::need_more;
}

/// In a start tag, outside of quotes. Whether it closes itself is decided by the byte before `>`,
/// which may have come with the chunk before.
inline SplitOutcome StreamSplitter::in_tag(Cursor& cursor) noexcept {
  const char* const begin = cursor.at;
  cursor.at = skip_run<RunEnd::control, '>', '"', '\'', '<'>(begin, cursor.end);
  if (cursor.at != begin) cursor.match = cursor.at[-1] == '/';
  if (cursor.at == cursor.end) return SplitOutcome::need_more;
  const char stop = *cursor.at;
  if (stop == '>') return end_of_tag(cursor);
  if (stop == '"') {
    cursor.state = State::double_quoted;
  } else if (stop == '\'') {
    cursor.state = State::single_quoted;
  } else if (!codec::is_xml_space(stop)) {
    return fail(cursor, StreamError::not_well_formed);
  }
  cursor.match = 0;
  ++cursor.at;
  return SplitOutcome::need_more;
}

template <char quote>
inline SplitOutcome StreamSplitter::in_quotes(Cursor& cursor) noexcept {
  cursor.at = skip_run<RunEnd::control, quote, '<'>(cursor.at, cursor.end);
  if (cursor.at == cursor.end) return SplitOutcome::need_more;
  if (*cursor.at == quote) {
    cursor.state = State::tag;
  } else if (!codec::is_xml_space(*cursor.at)) {
    return fail(cursor, StreamError::not_well_formed);
  }
  ++cursor.at;
  return SplitOutcome::need_more;
}

inline SplitOutcome StreamSplitter::in_text(Cursor& cursor) noexcept {
  cursor.at = skip_run<RunEnd::control, '<'>(cursor.at, cursor.end);
  if (cursor.at == cursor.end) return SplitOutcome::need_more;
  if (*cursor.at == '<') {
    cursor.state = State::text_markup;
  } else if (!codec::is_xml_space(*cursor.at)) {
    return fail(cursor, StreamError::not_well_formed);
  }
  ++cursor.at;
  return SplitOutcome::need_more;
}

inline SplitOutcome StreamSplitter::in_end_tag(Cursor& cursor) noexcept {
  cursor.at = skip_run<RunEnd::control, '>', '<'>(cursor.at, cursor.end);
  if (cursor.at == cursor.end) return SplitOutcome::need_more;
  if (*cursor.at == '>') {
    ++cursor.at;
    --cursor.depth;
    cursor.state = cursor.depth == 0 ? State::rest : State::text;
    return cursor.depth == 0 ? SplitOutcome::stanza : SplitOutcome::need_more;
  }
  if (!codec::is_xml_space(*cursor.at)) return fail(cursor, StreamError::not_well_formed);
  ++cursor.at;
  return SplitOutcome::need_more;
}

/// At the first byte of an element's name.
inline SplitOutcome StreamSplitter::begin_tag(Cursor& cursor) noexcept {
  if (!begins_name(*cursor.at)) return fail(cursor, StreamError::not_well_formed);
  if (cursor.header_done && cursor.depth >= cursor.max_depth) {
    return fail(cursor, StreamError::policy_violation);
  }
  cursor.state = State::tag;
  cursor.match = 0;
  ++cursor.at;
  return SplitOutcome::need_more;
}

/// Behind a `<` inside a stanza.
inline SplitOutcome StreamSplitter::after_markup(Cursor& cursor) noexcept {
  switch (*cursor.at) {
    case '/': cursor.state = State::end_tag; break;
    case '!':
      cursor.state = State::cdata_keyword;
      cursor.match = 0;
      break;
    case '?': return fail(cursor, StreamError::restricted_xml);
    default: return begin_tag(cursor);
  }
  ++cursor.at;
  return SplitOutcome::need_more;
}

/// `match` counts the square brackets that came last, up to two.
SplitOutcome StreamSplitter::in_cdata(Cursor& cursor) noexcept {
  if (cursor.match == 0) {
    cursor.at = skip_run<RunEnd::control, ']'>(cursor.at, cursor.end);
    if (cursor.at == cursor.end) return SplitOutcome::need_more;
  }
  const char character = *cursor.at;
  if (character == ']') {
    cursor.match = cursor.match == 0 ? 1 : 2;
  } else if (character == '>' && cursor.match == 2) {
    cursor.state = State::text;
  } else if (static_cast<unsigned char>(character) < 0x20 && !codec::is_xml_space(character)) {
    return fail(cursor, StreamError::not_well_formed);
  } else {
    cursor.match = 0;
  }
  ++cursor.at;
  return SplitOutcome::need_more;
}

/// Behind the `<` that begins a piece.
SplitOutcome StreamSplitter::begin_piece(Cursor& cursor) noexcept {
  const char character = *cursor.at;
  if (character == '!') return fail(cursor, StreamError::restricted_xml);
  if (character == '?') {
    if (cursor.header_done) return fail(cursor, StreamError::restricted_xml);
    cursor.state = State::declaration_keyword;
  } else if (character == '/') {
    if (!cursor.header_done) return fail(cursor, StreamError::not_well_formed);
    cursor.state = State::close_keyword;
  } else {
    return begin_tag(cursor);
  }
  cursor.match = 1;
  ++cursor.at;
  return SplitOutcome::need_more;
}

/// One byte of a keyword of which `match` bytes have come.
SplitOutcome StreamSplitter::match_keyword(Cursor& cursor, std::string_view keyword,
                                           State next) noexcept {
  if (*cursor.at != keyword[cursor.match]) {
    const bool close = cursor.state == State::close_keyword;
    return fail(cursor, close ? StreamError::not_well_formed : StreamError::restricted_xml);
  }
  ++cursor.at;
  if (++cursor.match == keyword.size()) {
    cursor.state = next;
    cursor.match = 0;
  }
  return SplitOutcome::need_more;
}

/// Behind `<?xml`. `match`: 0 before the white space that must follow, 1 within, 2 behind a `?`.
SplitOutcome StreamSplitter::in_declaration(Cursor& cursor) noexcept {
  const char character = *cursor.at;
  const bool space = codec::is_xml_space(character);
  // Another target, such as xml-stylesheet, is a processing instruction.
  if (cursor.match == 0 && !space) return fail(cursor, StreamError::restricted_xml);
  if (cursor.match == 2) {
    if (character != '>') return fail(cursor, StreamError::not_well_formed);
    cursor.state = State::declaration_space;
  } else if (character == '<' || (static_cast<unsigned char>(character) < 0x20 && !space)) {
    return fail(cursor, StreamError::not_well_formed);
  }
  cursor.match = character == '?' ? 2 : 1;
  ++cursor.at;
  return SplitOutcome::need_more;
}

/// Behind the XML declaration, where only the header may follow.
SplitOutcome StreamSplitter::after_declaration(Cursor& cursor) noexcept {
  const char character = *cursor.at;
  if (cursor.state == State::declaration_markup) {
    if (character == '!' || character == '?') return fail(cursor, StreamError::restricted_xml);
    return begin_tag(cursor);
  }
  if (character == '<') {
    cursor.state = State::declaration_markup;
  } else if (!codec::is_xml_space(character)) {
    return fail(cursor, StreamError::not_well_formed);
  }
  ++cursor.at;
  return SplitOutcome::need_more;
}

/// Behind `</stream:stream`.
SplitOutcome StreamSplitter::in_close(Cursor& cursor) noexcept {
  const char character = *cursor.at;
  if (character != '>' && !codec::is_xml_space(character)) {
    return fail(cursor, StreamError::not_well_formed);
  }
  ++cursor.at;
  if (character != '>') return SplitOutcome::need_more;
  cursor.state = State::rest;
  return SplitOutcome::stream_close;
}

SplitOutcome StreamSplitter::advance(Cursor& cursor) noexcept {
  while (cursor.at != cursor.end) {
    SplitOutcome outcome = SplitOutcome::need_more;
    switch (cursor.state) {
      case State::tag: outcome = in_tag(cursor); break;
      case State::double_quoted: outcome = in_quotes<'"'>(cursor); break;
      case State::single_quoted: outcome = in_quotes<'\''>(cursor); break;
      case State::text: outcome = in_text(cursor); break;
      case State::text_markup: outcome = after_markup(cursor); break;
      case State::end_tag: outcome = in_end_tag(cursor); break;
      case State::markup: outcome = begin_piece(cursor); break;
      case State::cdata_keyword:
        outcome = match_keyword(cursor, cdata_keyword_text, State::cdata);
        break;
      case State::cdata: outcome = in_cdata(cursor); break;
      case State::declaration_keyword:
        outcome = match_keyword(cursor, declaration_keyword_text, State::declaration);
        break;
      case State::declaration: outcome = in_declaration(cursor); break;
      case State::declaration_space:
      case State::declaration_markup: outcome = after_declaration(cursor); break;
      case State::close_keyword:
        outcome = match_keyword(cursor, close_keyword_text, State::close_space);
        break;
      case State::close_space: outcome = in_close(cursor); break;
      case State::rest:
        if (*cursor.at != '<') return fail(cursor, StreamError::not_well_formed);
        cursor.state = State::markup;
        ++cursor.at;
        break;
      case State::failed: return SplitOutcome::error;
    }
    if (outcome != SplitOutcome::need_more) return outcome;
  }
  return SplitOutcome::need_more;
}

SplitResult StreamSplitter::feed(std::string_view chunk, const SplitLimits& limits) noexcept {
  if (state_ == State::failed) return {SplitOutcome::error, 0, error_};
  const char* const begin = chunk.data();
  const std::size_t room = limits.max_bytes > bytes_ ? limits.max_bytes - bytes_ : 0;
  if (state_ == State::rest) {
    std::size_t blank = 0;
    while (blank != chunk.size() && codec::is_xml_space(chunk[blank])) ++blank;
    if (blank != 0) return {SplitOutcome::whitespace, blank, StreamError::none};
  }
  Cursor cursor{begin,
                begin + std::min(room, chunk.size()),
                state_,
                depth_,
                limits.max_depth,
                match_,
                header_done_,
                error_};
  SplitOutcome outcome = advance(cursor);
  const auto consumed = static_cast<std::size_t>(cursor.at - begin);
  // The bytes that the limit allows did not end the piece, and there are more.
  if (outcome == SplitOutcome::need_more && consumed < chunk.size()) {
    outcome = fail(cursor, StreamError::policy_violation);
  }
  bytes_ = outcome == SplitOutcome::need_more ? bytes_ + static_cast<std::uint32_t>(consumed) : 0;
  state_ = cursor.state;
  depth_ = cursor.depth;
  match_ = cursor.match;
  header_done_ = cursor.header_done;
  error_ = cursor.error;
  return {outcome, consumed, error_};
}

void StreamSplitter::restart() noexcept { *this = StreamSplitter{}; }

bool StreamSplitter::at_rest() const noexcept { return state_ == State::rest; }

}  // namespace rookery
