// The way of bytes in: receive, decrypt, unframe, split, scan. Order matters in one place: a piece
// is dispatched before the next is split, because the piece may change what the bytes behind it
// mean (STARTTLS, a move).
#include "session/connection_io.h"

namespace rookery {
namespace {

/// What a connection may send before its login is complete, in units of the largest stanza.
constexpr std::uint64_t unauthenticated_stanzas = 16;

}  // namespace

void ConnectionIo::readable(Connection& connection, bool hangup) {
  if (connection.state == StreamState::closed) return;
  if (hangup && !connection.reading) {
    // Nobody reads, so nobody would find out; epoll would report it for ever.
    lost(connection);
    return;
  }
  if (connection.state != StreamState::closing && must_wait(connection)) {
    // What the kernel holds stays there until the wait ends.
    watch_as_needed(connection, false, connection.writing);
    if (handler_.congested() || connection.slowed) hold(connection);
    return;
  }
  receive(connection);
}

bool ConnectionIo::receive(Connection& connection) {
  const IoResult result = context_.network.receive(
      connection.descriptor, {receive_buffer_.data(), receive_buffer_.size()});
  switch (result.status) {
    case IoStatus::would_block: return false;
    case IoStatus::closed:
      connection.peer_done = true;
      lost(connection);
      return false;
    case IoStatus::failed: lost(connection); return false;
    case IoStatus::ok: break;
  }
  context_.counters.add(Counter::bytes_in, static_cast<std::int64_t>(result.bytes));
  if (connection.state == StreamState::closing) return true;
  if (says_too_much(connection, result.bytes)) {
    handler_.stream_failed(connection, StreamError::policy_violation);
    return true;
  }
  take_bytes(connection, {receive_buffer_.data(), result.bytes});
  return true;
}

/// Each stanza before login is small, but white space, a TLS handshake without end and one failed
/// attempt after the other are none, and cost all the same.
bool ConnectionIo::says_too_much(Connection& connection, std::size_t bytes) const {
  if (!connection.counted_unauthenticated || !connection.login) return false;
  connection.login->bytes += bytes;
  return connection.login->bytes >
         unauthenticated_stanzas * context_.config.max_unauthenticated_bytes;
}

void ConnectionIo::take_bytes(Connection& connection, std::string_view wire) {
  if (!connection.transport) {
    take_plain(connection, wire);
    return;
  }
  const bool was_established = connection.transport->established();
  plain_.clear();
  stream_scratch_.clear();
  const TransportStatus status =
      connection.transport->receive(context_.scratch, wire, plain_, stream_scratch_);
  if (!stream_scratch_.empty()) {
    out(connection);  // marks it for the flush
    seal(connection);
    connection.output->wire.append(stream_scratch_);
  }
  if (!was_established && connection.transport->established()) {
    context_.counters.add(Counter::tls_handshakes);
  }
  if (connection.transport->established()) {
    if (auto smaller = connection.transport->take_over(context_.scratch)) {
      count_layers(connection, -1);
      connection.transport = std::move(smaller);
      count_layers(connection, 1);
      context_.counters.add(Counter::tls_taken_over);
    }
  }
  if (!plain_.empty()) {
    std::string plain;
    plain.swap(plain_);
    take_plain(connection, plain);
    plain.swap(plain_);
  }
  if (connection.state == StreamState::closed) return;
  if (status == TransportStatus::failed) {
    context_.counters.add(Counter::tls_failures);
    if (connection.websocket) connection.websocket->close_sent = true;  // nothing can be said now
    handler_.connection_ended(connection);
    finish(connection);
  } else if (status == TransportStatus::closed && connection.state != StreamState::closing) {
    handler_.connection_ended(connection);
    finish(connection);
  }
}

/// What the transport brought, or the socket where there is no transport.
void ConnectionIo::take_plain(Connection& connection, std::string_view plain) {
  const bool http = connection.websocket && !connection.websocket->upgraded;
  if (http && !take_http(connection, plain)) return;
  if (!connection.noise) {
    consume(connection, plain);
  } else if (connection.websocket) {
    take_binary(connection, plain);
  } else {
    take_noise(connection, plain);
  }
}

/// Bytes of a stream, in its form.
void ConnectionIo::consume(Connection& connection, std::string_view bytes) {
  switch (connection.form) {
    case StreamForm::xml_stream: consume_stream(connection, bytes); return;
    case StreamForm::xml_websocket: consume_messages(connection, bytes); return;
    case StreamForm::compact: consume_packets(connection, bytes); return;
  }
}

std::uint32_t ConnectionIo::max_piece_bytes(const Connection& connection) const {
  return connection.logged_in() ? context_.config.max_stanza_bytes
                                : context_.config.max_unauthenticated_bytes;
}

bool ConnectionIo::must_wait(const Connection& connection) const {
  if (connection.state == StreamState::waiting || connection.state == StreamState::moving) {
    return true;
  }
  if (connection.output && connection.output->wire.size() > context_.config.max_output_bytes / 2) {
    return true;  // a client that does not read is not read either
  }
  if (connection.slowed && context_.disk_is_behind()) return true;
  return handler_.congested();
}

void ConnectionIo::keep_input(Connection& connection, std::string_view rest, std::size_t fed) {
  if (!connection.input) connection.input = std::make_unique<PendingInput>();
  connection.input->bytes.append(rest);
  connection.input->fed += fed;
}

void ConnectionIo::hold(Connection& connection) {
  if (connection.held) return;
  connection.held = true;
  held_.push_back(connection.handle);
}

void ConnectionIo::consume_stream(Connection& connection, std::string_view rest) {
  while (!rest.empty() && !connection.ended()) {
    if (must_wait(connection)) {
      keep_input(connection, rest, 0);
      hold(connection);
      return;
    }
    const SplitLimits limits{max_piece_bytes(connection),
                             static_cast<std::uint16_t>(context_.config.max_depth)};
    const SplitResult split = connection.splitter.feed(rest, limits);
    switch (split.outcome) {
      case SplitOutcome::need_more: keep_input(connection, rest, rest.size()); return;
      case SplitOutcome::whitespace: rest.remove_prefix(split.consumed); continue;
      case SplitOutcome::error: handler_.stream_failed(connection, split.error); return;
      case SplitOutcome::stream_open:
      case SplitOutcome::stanza:
      case SplitOutcome::stream_close: break;
    }
    const std::string_view tail = rest.substr(0, split.consumed);
    rest.remove_prefix(split.consumed);
    if (connection.input) {
      const std::unique_ptr<PendingInput> whole = std::move(connection.input);
      whole->bytes.append(tail);
      dispatch(connection, split.outcome, whole->bytes);
    } else {
      dispatch(connection, split.outcome, tail);
    }
    if (connection.transport && !connection.transport->established()) return;  // STARTTLS
  }
}

void ConnectionIo::dispatch(Connection& connection, SplitOutcome outcome, std::string_view piece) {
  if (outcome == SplitOutcome::stream_close) {
    handler_.stream_closed(connection);
    return;
  }
  if (outcome == SplitOutcome::stream_open) {
    StreamHeaderView header;
    const StreamError error = scan_stream_header(piece, context_.scan_limits(), header);
    if (error != StreamError::none) {
      handler_.stream_failed(connection, error);
    } else {
      handler_.stream_opened(connection, header);
    }
    return;
  }
  StanzaView view;
  const StreamError error = scan_stanza(piece, context_.scan_limits(), view);
  if (error != StreamError::none) {
    handler_.stream_failed(connection, error);
    return;
  }
  handler_.element(connection, view);
}

void ConnectionIo::slow_down(Connection& connection) {
  if (connection.slowed) return;
  connection.slowed = true;
  context_.counters.add(Counter::senders_slowed);
}

void ConnectionIo::resume_input(Connection& connection) {
  if (connection.ended()) return;
  if (must_wait(connection)) {
    hold(connection);
    return;
  }
  connection.slowed = false;
  if (!connection.reading) watch_as_needed(connection, true, connection.writing);
  if (!connection.input || connection.input->fed == connection.input->bytes.size()) return;
  const std::unique_ptr<PendingInput> waiting = std::move(connection.input);
  if (waiting->fed > 0) {
    connection.input = std::make_unique<PendingInput>();
    connection.input->bytes = waiting->bytes.substr(0, waiting->fed);
    connection.input->fed = waiting->fed;
  }
  consume(connection, std::string_view(waiting->bytes).substr(waiting->fed));
}

void ConnectionIo::resume_held() {
  if (held_.empty() || handler_.congested()) return;
  std::vector<Handle> held;
  held.swap(held_);
  for (const Handle handle : held) {
    Connection* connection = context_.connections.get(handle);
    if (connection == nullptr) continue;
    connection->held = false;
    // One that waits for an answer is resumed by whoever brings it.
    if (connection->state == StreamState::waiting || connection->state == StreamState::moving) {
      continue;
    }
    resume_input(*connection);
  }
}

}  // namespace rookery
