// The way in of the compact protocol (docs/PROTOCOL.md): frames of Noise, with the login in their
// handshake, then packets. An element goes on as the XML that it stands for, so that everything
// behind this file is the same for every form of a stream.
#include "codec/compact_decoder.h"
#include "codec/compact_encoder.h"
#include "session/connection_io.h"

namespace rookery {

void ConnectionIo::begin_compact(Connection& connection) {
  connection.form = StreamForm::compact;
  connection.noise = std::make_unique<NoiseTransport>(context_.noise_identity);
}

/// What the stages below brought.
void ConnectionIo::take_noise(Connection& connection, std::string_view wire) {
  NoiseTransport& noise = *connection.noise;
  const bool was_established = noise.established();
  // What is dispatched may lead back here.
  std::string plain;
  plain.swap(noise_plain_);
  plain.clear();
  std::string answer;
  const TransportStatus status = noise.receive(context_.scratch, wire, plain, answer);
  if (!answer.empty()) append_below_noise(connection, answer);
  if (!was_established && noise.established()) context_.counters.add(Counter::noise_handshakes);
  if (noise.login_ready() && connection.login && !connection.login->device) {
    handler_.login_requested(connection);
  }
  if (!plain.empty() && !connection.ended()) {
    if (connection.state == StreamState::proof) handler_.device_proved(connection);
    consume_packets(connection, plain);
  }
  plain.swap(noise_plain_);
  if (status == TransportStatus::ok || connection.ended()) return;
  context_.counters.add(Counter::noise_failures);
  handler_.connection_ended(connection);
  finish(connection);
}

void ConnectionIo::consume_packets(Connection& connection, std::string_view rest) {
  while (!rest.empty() && !connection.ended()) {
    if (must_wait(connection)) {
      keep_input(connection, rest, 0);
      hold(connection);
      return;
    }
    const PacketResult split = connection.packets.feed(rest, max_piece_bytes(connection));
    const std::string_view tail = rest.substr(0, split.consumed);
    switch (split.outcome) {
      case PacketOutcome::need_more: keep_input(connection, rest, rest.size()); return;
      case PacketOutcome::error: handler_.stream_failed(connection, split.error); return;
      case PacketOutcome::keep_alive:
        out(connection) += '\0';
        connection.input.reset();
        rest.remove_prefix(split.consumed);
        continue;
      case PacketOutcome::packet: break;
    }
    rest.remove_prefix(split.consumed);
    if (connection.input) {
      const std::unique_ptr<PendingInput> whole = std::move(connection.input);
      whole->bytes.append(tail);
      dispatch_packet(connection, std::string_view(whole->bytes).substr(split.length_bytes));
    } else {
      dispatch_packet(connection, tail.substr(split.length_bytes));
    }
  }
}

void ConnectionIo::dispatch_packet(Connection& connection, std::string_view packet) {
  const CompactLimits limits{static_cast<std::uint16_t>(context_.config.max_depth),
                             static_cast<std::uint16_t>(context_.config.max_attributes),
                             max_piece_bytes(connection)};
  std::string xml;
  xml.swap(decoded_);
  xml.clear();
  const CompactError broken = decode_element(packet, context_.config.domain, limits, xml);
  if (broken != CompactError::none) {
    handler_.stream_failed(connection, stream_error_of(broken));
  } else {
    StanzaView view;
    const StreamError error = scan_stanza(xml, context_.scan_limits(), view);
    if (error == StreamError::none) {
      handler_.element(connection, view);
    } else {
      handler_.stream_failed(connection, error);
    }
  }
  xml.swap(decoded_);
}

bool ConnectionIo::answer_login(Connection& connection, std::string_view element) {
  NoiseTransport& noise = *connection.noise;
  constexpr std::size_t max_answer_bytes = 976;
  std::string encoded;
  // The client does not know the domain yet, so the forms that leave it out are of no use.
  bool good = true;
  if (noise.answers_in_handshake()) {
    std::string wire;
    good = append_element(encoded, element, {}, max_answer_bytes) &&
           noise.answer(context_.scratch, encoded, wire) == TransportStatus::ok;
    append_below_noise(connection, wire);
    if (good) context_.counters.add(Counter::noise_handshakes);
  } else {
    good = append_packet(encoded, element, {}, max_answer_bytes);
    out(connection) += encoded;
  }
  noise.forget_channel_binding();
  return good;
}

/// Below the stream: a WebSocket's binary message, or the bytes as they are.
void ConnectionIo::append_below_noise(Connection& connection, std::string_view bytes) {
  if (bytes.empty()) return;
  out(connection);
  if (!connection.websocket) {
    append_wire(connection, bytes);
    return;
  }
  frame_.clear();
  append_websocket_header(frame_, WebSocketOpcode::binary, bytes.size());
  frame_ += bytes;
  append_wire(connection, frame_);
}

void ConnectionIo::seal_noise(Connection& connection) {
  std::string& plain = connection.output->plain;
  if (plain.empty()) return;
  noise_wire_.clear();
  if (connection.noise->established()) {
    static_cast<void>(connection.noise->send(context_.scratch, plain, noise_wire_));
  }
  plain.clear();
  append_below_noise(connection, noise_wire_);
}

void ConnectionIo::refuse_noise(Connection& connection, StreamError error) {
  if (connection.noise->established()) return;
  NoiseRefusal cause = NoiseRefusal::busy;
  if (error == StreamError::connection_timeout) cause = NoiseRefusal::too_slow;
  std::string wire;
  connection.noise->refuse(cause, wire);
  append_below_noise(connection, wire);
}

}  // namespace rookery
