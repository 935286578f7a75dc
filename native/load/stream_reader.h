// Cuts what a server sends into the stream header, complete top-level elements, and the stream's
// end. No I/O, no copy of complete elements; what is incomplete stays with the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rookery::load {

class StreamReader {
 public:
  enum class Kind : std::uint8_t { need_more, stream_open, element, stream_close, broken };

  struct Item {
    Kind kind = Kind::need_more;
    std::string_view text;  ///< The element or the header; a view into the caller's bytes.
  };

  /// Looks at the bytes that follow the last complete item. On need_more the caller keeps them all
  /// and calls again with more appended; the scan goes on where it stopped.
  Item next(std::string_view bytes);

  /// A new stream begins (after TLS, after authentication).
  void restart() { *this = StreamReader{}; }
  /// The caller drops pending bytes that are white space only.
  void forget_space() { scanned_ = 0; }
  /// Starts inside a stream: frames without a header, as the relay carries them.
  void skip_header() { in_stream_ = true; }

 private:
  std::size_t scanned_ = 0;  ///< Bytes of the pending item that were looked at.
  std::uint32_t depth_ = 0;  ///< Open elements of the pending item.
  bool in_stream_ = false;
};

/// The value of an attribute of the element's first tag, or empty.
std::string_view attribute(std::string_view element, std::string_view name);

/// The local name of the element's first tag.
std::string_view element_name(std::string_view element);

}  // namespace rookery::load
