// HTTP/1.1 as far as a WebSocket listener needs it, without I/O: finds the end of a request's head,
// judges the request, and writes the answer. Whatever does not become a WebSocket is answered and
// its connection closed, so nothing of HTTP outlives the first request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rookery {

enum class HttpStatus : std::uint16_t {
  switching_protocols = 101,
  ok = 200,
  bad_request = 400,
  forbidden = 403,
  not_found = 404,
  method_not_allowed = 405,
  request_timeout = 408,
  content_too_large = 413,
  uri_too_long = 414,
  upgrade_required = 426,
  header_fields_too_large = 431,
  service_unavailable = 503,
  version_not_supported = 505,
};

enum class HttpHeadOutcome : std::uint8_t { need_more, complete, failed };

struct HttpHeadResult {
  HttpHeadOutcome outcome = HttpHeadOutcome::need_more;
  std::size_t consumed = 0;                     ///< Bytes of this chunk that belong to the head.
  HttpStatus status = HttpStatus::bad_request;  ///< Of a failure.
};

/// Finds where a request's head ends, in a few bytes of state. Control characters, line feeds alone
/// and heads beyond the limits are refused at their first byte.
class HttpHeadSplitter {
 public:
  static constexpr std::size_t max_bytes = 8192;
  static constexpr std::size_t max_headers = 64;

  HttpHeadResult feed(std::string_view chunk) noexcept;

 private:
  HttpHeadResult fail(std::size_t at, HttpStatus status) noexcept;

  std::uint16_t bytes_ = 0;
  std::uint8_t lines_ = 0;  ///< Complete ones: the request line and header fields.
  bool line_empty_ = true;
  bool carriage_return_ = false;  ///< Came last.
};

/// What an upgraded connection speaks.
enum class WebSocketProtocol : std::uint8_t {
  none,
  xmpp,     ///< RFC 7395, subprotocol "xmpp".
  compact,  ///< docs/PROTOCOL.md section 8, subprotocol "rookery.compact.1".
};

/// What the server's configuration says about requests.
struct HttpPolicy {
  /// Origins that browsers may come from, one a line; `*` allows all. Requests without an Origin
  /// come from no browser page and are allowed.
  std::string_view origins;
  /// The address that discovery names; empty: made from the request's Host.
  std::string_view public_url;
  bool secure = false;   ///< The connection is encrypted.
  bool compact = false;  ///< The compact protocol is offered.
};

struct HttpAnswer {
  HttpStatus status = HttpStatus::bad_request;
  WebSocketProtocol protocol = WebSocketProtocol::none;  ///< Of switching_protocols.
};

/// Judges a complete head (ending with its empty line) and appends the answer to `out`.
HttpAnswer answer_http_request(std::string_view head, const HttpPolicy& policy, std::string& out);

/// Appends an error answer, after which the connection is closed.
void append_http_error(std::string& out, HttpStatus status);

}  // namespace rookery
