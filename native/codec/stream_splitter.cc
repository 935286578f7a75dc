// The splitter's state machine. The states that most bytes pass through (tags, quoted values, text)
// are walked by MarkupRun from event to event; the rare ones go a byte at a time.
#include "codec/stream_splitter.h"

#include <algorithm>

#include "codec/event_bits.h"
#include "codec/xml_chars.h"

namespace rookery {

namespace {

constexpr std::string_view cdata_keyword_text = "[CDATA[";
constexpr std::string_view declaration_keyword_text = "?xml";
constexpr std::string_view close_keyword_text = "/stream:stream";

bool begins_name(char character) {
  return character == ':' ||
         codec::has_class(character, codec::class_name_start | codec::class_high);
}

bool is_bad_control(char character) {
  return static_cast<unsigned char>(character) < 0x20 && !codec::is_xml_space(character);
}

/// Why something other than a `<` cannot begin a piece. The two bytes that UTF-8 never has are the
/// mark with which UTF-16 begins.
StreamError no_markup(char character) {
  return static_cast<unsigned char>(character) >= 0xFE ? StreamError::unsupported_encoding
                                                       : StreamError::not_well_formed;
}

}  // namespace

/// A copy of the state while a chunk is looked at. The functions return need_more to go on.
struct StreamSplitter::Cursor {
  const char* begin;  ///< Of the chunk.
  const char* at;
  const char* end;
  State state;
  bool header_done;
  std::uint8_t match;
  StreamError error;
  std::uint16_t depth;
  std::uint16_t max_depth;

  SplitOutcome fail(StreamError why) noexcept {
    state = State::failed;
    error = why;
    return SplitOutcome::error;
  }
  SplitOutcome advance() noexcept;
  SplitOutcome in_markup() noexcept;
  SplitOutcome begin_tag() noexcept;
  SplitOutcome in_cdata() noexcept;
  SplitOutcome begin_piece() noexcept;
  SplitOutcome match_keyword(std::string_view keyword, State next) noexcept;
  SplitOutcome in_declaration() noexcept;
  SplitOutcome after_declaration() noexcept;
  SplitOutcome in_close() noexcept;
};

/// At the first byte of an element's name.
inline SplitOutcome StreamSplitter::Cursor::begin_tag() noexcept {
  if (!begins_name(*at)) return fail(StreamError::not_well_formed);
  if (header_done && depth >= max_depth) return fail(StreamError::policy_violation);
  state = State::tag;
  match = 0;
  ++at;
  return SplitOutcome::need_more;
}

/// Walks the states tag, quoted, text, text_markup and end_tag, until the piece or the chunk ends,
/// or a state comes that is not one of these.
class StreamSplitter::MarkupRun {
 public:
  explicit MarkupRun(const Cursor& cursor) noexcept
      : cursor_(cursor), events_(cursor.begin, cursor.at, cursor.end), event_(events_.next()) {}

  [[nodiscard]] const Cursor& cursor() const { return cursor_; }

  // All of these are inlined into one function, so that the state stays in registers.
  [[gnu::always_inline]] SplitOutcome run() noexcept {
    while (true) {
      bool go_on = false;
      switch (cursor_.state) {
        case State::tag: go_on = tag(); break;
        case State::single_quoted: go_on = quoted('\''); break;
        case State::double_quoted: go_on = quoted('"'); break;
        case State::text: go_on = text(); break;
        case State::text_markup: go_on = text_markup(); break;
        case State::end_tag: go_on = end_tag(); break;
        default: return SplitOutcome::need_more;
      }
      if (!go_on) return outcome_;
    }
  }

 private:
  /// The chunk ends within this state.
  [[gnu::always_inline]] bool leave(State state) noexcept {
    cursor_.at = cursor_.end;
    cursor_.state = state;
    return false;
  }
  [[gnu::always_inline]] bool fail_at(const char* at, StreamError error) noexcept {
    cursor_.at = at;
    outcome_ = cursor_.fail(error);
    return false;
  }
  [[gnu::always_inline]] bool done(SplitOutcome outcome) noexcept {
    cursor_.state = State::rest;
    outcome_ = outcome;
    return false;
  }
  /// Goes to the first event that is one of two bytes. Others are of no meaning where this is used,
  /// save control characters and a `<` that is not looked for.
  [[gnu::always_inline]] bool seek(char wanted) noexcept {
    while (event_ != cursor_.end && *event_ != wanted) {
      if (*event_ == '<' || is_bad_control(*event_)) {
        return fail_at(event_, StreamError::not_well_formed);
      }
      event_ = events_.next();
    }
    return true;
  }

  [[gnu::always_inline]] bool quoted(char quote) noexcept {
    if (!seek(quote)) return false;
    if (event_ == cursor_.end) {
      return leave(quote == '"' ? State::double_quoted : State::single_quoted);
    }
    cursor_.at = event_ + 1;
    event_ = events_.next();
    cursor_.state = State::tag;
    cursor_.match = 0;
    return true;
  }

  [[gnu::always_inline]] bool tag() noexcept {
    while (event_ != cursor_.end) {
      const char stop = *event_;
      if (stop == '>') return tag_end();
      if (stop == '"' || stop == '\'') {
        event_ = events_.next();
        if (!quoted(stop)) return false;
      } else if (codec::is_xml_space(stop)) {
        cursor_.at = event_ + 1;
        event_ = events_.next();
        cursor_.match = 0;
      } else {
        return fail_at(event_, StreamError::not_well_formed);
      }
    }
    // Whether the tag closes itself depends on the byte before its `>`, which may be the last here.
    if (cursor_.at != cursor_.end) cursor_.match = cursor_.end[-1] == '/';
    return leave(State::tag);
  }

  [[gnu::always_inline]] bool tag_end() noexcept {
    const bool slash = event_ == cursor_.at ? cursor_.match != 0 : event_[-1] == '/';
    if (!cursor_.header_done) {
      // A stream that ends where it begins has no use, and would need an answer of its own.
      if (slash) return fail_at(event_, StreamError::bad_format);
      cursor_.header_done = true;
      cursor_.at = event_ + 1;
      return done(SplitOutcome::stream_open);
    }
    cursor_.at = event_ + 1;
    event_ = events_.next();
    if (!slash) ++cursor_.depth;
    if (cursor_.depth == 0) return done(SplitOutcome::stanza);
    cursor_.state = State::text;
    return true;
  }

  [[gnu::always_inline]] bool text() noexcept {
    while (event_ != cursor_.end && *event_ != '<') {
      if (is_bad_control(*event_)) return fail_at(event_, StreamError::not_well_formed);
      event_ = events_.next();
    }
    if (event_ == cursor_.end) return leave(State::text);
    cursor_.at = event_ + 1;
    event_ = events_.next();
    if (cursor_.at == cursor_.end) return leave(State::text_markup);
    return text_markup();
  }

  /// Behind a `<` inside a stanza.
  [[gnu::always_inline]] bool text_markup() noexcept {
    if (cursor_.at == cursor_.end) return leave(State::text_markup);
    switch (*cursor_.at) {
      case '/': cursor_.state = State::end_tag; break;
      case '!':
        cursor_.state = State::cdata_keyword;
        cursor_.match = 0;
        break;
      case '?': return fail_at(cursor_.at, StreamError::restricted_xml);
      default:
        if (cursor_.begin_tag() == SplitOutcome::need_more) return true;
        outcome_ = SplitOutcome::error;
        return false;
    }
    ++cursor_.at;
    return true;
  }

  [[gnu::always_inline]] bool end_tag() noexcept {
    if (!seek('>')) return false;
    if (event_ == cursor_.end) return leave(State::end_tag);
    cursor_.at = event_ + 1;
    event_ = events_.next();
    --cursor_.depth;
    if (cursor_.depth == 0) return done(SplitOutcome::stanza);
    cursor_.state = State::text;
    return true;
  }

  Cursor cursor_;
  codec::EventBits<codec::EventSet::markup> events_;
  const char* event_;
  SplitOutcome outcome_ = SplitOutcome::need_more;
};

SplitOutcome StreamSplitter::Cursor::in_markup() noexcept {
  MarkupRun markup(*this);
  const SplitOutcome outcome = markup.run();
  *this = markup.cursor();
  return outcome;
}

/// `match` counts the square brackets that came last, up to two.
SplitOutcome StreamSplitter::Cursor::in_cdata() noexcept {
  const char character = *at;
  if (character == ']') {
    match = match == 0 ? 1 : 2;
  } else if (character == '>' && match == 2) {
    state = State::text;
  } else if (is_bad_control(character)) {
    return fail(StreamError::not_well_formed);
  } else {
    match = 0;
  }
  ++at;
  return SplitOutcome::need_more;
}

/// Behind the `<` that begins a piece.
SplitOutcome StreamSplitter::Cursor::begin_piece() noexcept {
  const char character = *at;
  if (character == '!') return fail(StreamError::restricted_xml);
  if (character == '?') {
    if (header_done) return fail(StreamError::restricted_xml);
    state = State::declaration_keyword;
  } else if (character == '/') {
    if (!header_done) return fail(StreamError::not_well_formed);
    state = State::close_keyword;
  } else {
    return begin_tag();
  }
  match = 1;
  ++at;
  return SplitOutcome::need_more;
}

/// One byte of a keyword of which `match` bytes have come.
SplitOutcome StreamSplitter::Cursor::match_keyword(std::string_view keyword, State next) noexcept {
  if (*at != keyword[match]) {
    const bool close = state == State::close_keyword;
    return fail(close ? StreamError::not_well_formed : StreamError::restricted_xml);
  }
  ++at;
  if (++match == keyword.size()) {
    state = next;
    match = 0;
  }
  return SplitOutcome::need_more;
}

/// Behind `<?xml`. `match`: 0 before the white space that must follow, 1 within, 2 behind a `?`.
SplitOutcome StreamSplitter::Cursor::in_declaration() noexcept {
  const char character = *at;
  // Another target, such as xml-stylesheet, is a processing instruction.
  if (match == 0 && !codec::is_xml_space(character)) return fail(StreamError::restricted_xml);
  if (match == 2) {
    if (character != '>') return fail(StreamError::not_well_formed);
    state = State::declaration_space;
  } else if (character == '<' || is_bad_control(character)) {
    return fail(StreamError::not_well_formed);
  }
  match = character == '?' ? 2 : 1;
  ++at;
  return SplitOutcome::need_more;
}

/// Behind the XML declaration, where only the header may follow.
SplitOutcome StreamSplitter::Cursor::after_declaration() noexcept {
  const char character = *at;
  if (state == State::declaration_markup) {
    if (character == '!' || character == '?') return fail(StreamError::restricted_xml);
    return begin_tag();
  }
  if (character == '<') {
    state = State::declaration_markup;
  } else if (!codec::is_xml_space(character)) {
    return fail(StreamError::not_well_formed);
  }
  ++at;
  return SplitOutcome::need_more;
}

/// Behind `</stream:stream`.
SplitOutcome StreamSplitter::Cursor::in_close() noexcept {
  const char character = *at;
  if (character != '>' && !codec::is_xml_space(character)) {
    return fail(StreamError::not_well_formed);
  }
  ++at;
  if (character != '>') return SplitOutcome::need_more;
  state = State::rest;
  return SplitOutcome::stream_close;
}

SplitOutcome StreamSplitter::Cursor::advance() noexcept {
  while (at != end) {
    SplitOutcome outcome = SplitOutcome::need_more;
    switch (state) {
      case State::tag:
      case State::double_quoted:
      case State::single_quoted:
      case State::text:
      case State::text_markup:
      case State::end_tag: outcome = in_markup(); break;
      case State::rest:
        if (*at != '<') return fail(no_markup(*at));
        state = State::markup;
        ++at;
        break;
      case State::markup: outcome = begin_piece(); break;
      case State::cdata_keyword: outcome = match_keyword(cdata_keyword_text, State::cdata); break;
      case State::cdata: outcome = in_cdata(); break;
      case State::declaration_keyword:
        outcome = match_keyword(declaration_keyword_text, State::declaration);
        break;
      case State::declaration: outcome = in_declaration(); break;
      case State::declaration_space:
      case State::declaration_markup: outcome = after_declaration(); break;
      case State::close_keyword:
        outcome = match_keyword(close_keyword_text, State::close_space);
        break;
      case State::close_space: outcome = in_close(); break;
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
  Cursor cursor{begin,  begin,        begin + std::min(room, chunk.size()),
                state_, header_done_, match_,
                error_, depth_,       limits.max_depth};
  SplitOutcome outcome = cursor.advance();
  const auto consumed = static_cast<std::size_t>(cursor.at - begin);
  // The bytes that the limit allows did not end the piece, and there are more.
  if (outcome == SplitOutcome::need_more && consumed < chunk.size()) {
    outcome = cursor.fail(StreamError::policy_violation);
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
