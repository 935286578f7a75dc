// The way in of connections that began with HTTP: the upgrade, messages, and the elements that
// RFC 7395 puts in place of a stream's tags.
#include <limits>

#include "session/connection_io.h"

namespace rookery {
namespace {

constexpr std::string_view framing_ns = "urn:ietf:params:xml:ns:xmpp-framing";

}  // namespace

/// Takes a request's head off the front of `plain`. True when the connection is a WebSocket now.
bool ConnectionIo::take_http(Connection& connection, std::string_view& plain) {
  WebSocketStage& stage = *connection.websocket;
  const HttpHeadResult result = stage.head.feed(plain);
  if (result.outcome == HttpHeadOutcome::need_more) {
    keep_input(connection, plain, plain.size());
    return false;
  }
  std::string answer;
  HttpAnswer given{result.status};
  if (result.outcome == HttpHeadOutcome::failed) {
    append_http_error(answer, result.status);
  } else {
    std::string head;
    if (connection.input) head = std::move(connection.input->bytes);
    connection.input.reset();
    head += plain.substr(0, result.consumed);
    plain.remove_prefix(result.consumed);
    const HttpPolicy policy{context_.config.websocket_origins, context_.config.websocket_url,
                            connection.secure(), context_.noise_identity != nullptr};
    given = answer_http_request(head, policy, answer);
  }
  push(connection, answer);
  if (given.status == HttpStatus::switching_protocols) {
    context_.counters.add(Counter::websocket_upgrades);
    stage.upgraded = true;
    if (given.protocol == WebSocketProtocol::compact) {
      stage.frames = WebSocketDecoder(WebSocketOpcode::binary);
      begin_compact(connection);
    } else {
      connection.form = StreamForm::xml_websocket;
    }
    return true;
  }
  if (given.status != HttpStatus::ok) context_.counters.add(Counter::http_refused);
  finish(connection);
  return false;
}

void ConnectionIo::consume_messages(Connection& connection, std::string_view rest) {
  while (!rest.empty() && !connection.ended()) {
    if (must_wait(connection)) {
      keep_input(connection, rest, 0);
      hold(connection);
      return;
    }
    // What is dispatched may lead back here.
    std::string payload;
    payload.swap(message_);
    payload.clear();
    const WebSocketResult result =
        connection.websocket->frames.feed(rest, max_piece_bytes(connection), payload);
    rest.remove_prefix(result.consumed);
    take_event(connection, result, payload);
    payload.swap(message_);
  }
}

/// Binary messages: what is in them, joined, is what TCP would carry.
void ConnectionIo::take_binary(Connection& connection, std::string_view rest) {
  while (!rest.empty() && !connection.ended()) {
    std::string payload;
    payload.swap(message_);
    payload.clear();
    const WebSocketResult result =
        connection.websocket->frames.feed(rest, std::numeric_limits<std::uint32_t>::max(), payload);
    rest.remove_prefix(result.consumed);
    if (!payload.empty()) take_noise(connection, payload);
    payload.swap(message_);
    if (!connection.ended()) take_control(connection, result);
  }
}

void ConnectionIo::take_event(Connection& connection, const WebSocketResult& result,
                              std::string_view payload) {
  if (result.event == WebSocketEvent::message) {
    if (!connection.input) {
      dispatch_document(connection, payload);
      return;
    }
    const std::unique_ptr<PendingInput> whole = std::move(connection.input);
    whole->bytes.append(payload);
    dispatch_document(connection, whole->bytes);
    return;
  }
  if (!payload.empty()) keep_input(connection, payload, payload.size());
  take_control(connection, result);
}

/// What happened beside the bytes of messages.
void ConnectionIo::take_control(Connection& connection, const WebSocketResult& result) {
  WebSocketStage& stage = *connection.websocket;
  switch (result.event) {
    case WebSocketEvent::ping: {
      std::string pong;
      append_websocket_control(pong, WebSocketOpcode::pong, stage.frames.take_control());
      push(connection, pong);
      return;
    }
    case WebSocketEvent::pong: static_cast<void>(stage.frames.take_control()); return;
    case WebSocketEvent::close:
      // A close without <close/> before it is no end of the session (RFC 7395 section 3.6).
      stage.close_code = result.code;
      handler_.connection_ended(connection);
      finish(connection);
      return;
    case WebSocketEvent::failed: websocket_failed(connection, result.code); return;
    case WebSocketEvent::need_more:
    case WebSocketEvent::message: return;
  }
}

void ConnectionIo::websocket_failed(Connection& connection, WebSocketClose code) {
  context_.counters.add(Counter::websocket_failures);
  connection.websocket->close_code = code;
  if (code == WebSocketClose::too_big) {
    // The same fault ends a stream in every form.
    handler_.stream_failed(connection, StreamError::policy_violation);
    return;
  }
  handler_.connection_ended(connection);
  finish(connection);
}

/// A message of a WebSocket: one element, or <open/> or <close/>.
void ConnectionIo::dispatch_document(Connection& connection, std::string_view document) {
  StanzaView view;
  StreamError error = scan_stanza(document, context_.scan_limits(), view);
  // Nothing around a document declares anything for it.
  if (error == StreamError::none && view.uses_stream_prefix) error = StreamError::not_well_formed;
  if (error == StreamError::none && !view.declares_namespace()) {
    error = StreamError::invalid_namespace;
  }
  if (error != StreamError::none) {
    handler_.stream_failed(connection, error);
  } else if (view.xmlns == framing_ns) {
    framing_element(connection, view);
  } else {
    handler_.element(connection, view);
  }
}

void ConnectionIo::framing_element(Connection& connection, const StanzaView& view) {
  if (view.name == "close") {
    handler_.stream_closed(connection);
    return;
  }
  StreamHeaderView header;
  const StreamError error =
      view.name == "open" ? read_framing_open(view, header) : StreamError::unsupported_stanza_type;
  if (error == StreamError::none) {
    handler_.stream_opened(connection, header);
  } else {
    handler_.stream_failed(connection, error);
  }
}

}  // namespace rookery
