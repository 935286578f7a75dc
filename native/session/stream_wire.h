// How each form of a stream spells what the server says: its opening and close, its errors, and the
// elements in between. Everybody else hands over XML and knows nothing of forms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/stream_error.h"
#include "stats/shard_counters.h"

namespace rookery {

/// Another form needs a value here and a case in every switch of stream_wire.cc; none of them has a
/// default, so that the compiler names them.
enum class StreamForm : std::uint8_t {
  xml_stream,     ///< RFC 6120: one XML document for the whole stream.
  xml_websocket,  ///< RFC 7395: each element is a document in a WebSocket text message of its own.
  compact,        ///< docs/PROTOCOL.md: each element is a packet.
};

/// One element as a WebSocket message of its own (RFC 7395), declaring what a stream would.
void append_websocket_document(std::string& out, std::string_view xml);

/// Appends to the plain bytes of a connection (those above its transports). One object per shard.
class StreamWire {
 public:
  /// `domain`: the server's; outlives this.
  StreamWire(const std::string& domain, ShardCounters& counters)
      : domain_(domain), counters_(counters) {}

  /// One complete element: a stanza, or an element of the stream such as <a/> or <success/>. The
  /// XML is as it stands in an RFC 6120 stream, with its two namespaces in scope.
  void element(StreamForm form, std::string& out, std::string_view xml);

  /// The stream's opening, also after a restart.
  void open(StreamForm form, std::string& out, std::string_view stream_id);
  /// `extra`: an application-specific condition, an element or empty. The close must follow.
  void error(StreamForm form, std::string& out, StreamError error, std::string_view text,
             std::string_view extra);
  void close(StreamForm form, std::string& out);

 private:
  void packet(std::string& out, std::string_view xml);

  const std::string& domain_;
  ShardCounters& counters_;
  std::string scratch_;
};

}  // namespace rookery
