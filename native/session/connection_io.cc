// Connections from their acceptance to their close, and the way of their bytes out. The way in is
// in connection_input.cc.
#include "session/connection_io.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace rookery {
namespace {

constexpr std::size_t spare_outputs = 256;
constexpr std::size_t spare_output_bytes = 32 * 1024;
constexpr MonoUs linger_us = 2'000'000;
constexpr MonoUs second_us = 1'000'000;

}  // namespace

ConnectionIo::ConnectionIo(SessionContext& context, StreamHandler& handler)
    : context_(context), handler_(handler), wire_(context.config.domain, context.counters) {
  receive_buffer_.resize(receive_bytes);
}

Connection* ConnectionIo::accepted(const Accepted& accepted, ListenerKind kind) {
  const std::uint32_t place = context_.addresses.place(accepted.peer.ip);
  const std::uint32_t most = context_.config.max_connections_per_address;
  if ((most != 0 && context_.addresses.connections(place) >= most) ||
      (kind.direct_tls && !context_.tls) || (kind.compact && !context_.noise_identity)) {
    refuse(accepted, kind, StreamError::policy_violation,
           "Too many connections from this address.");
    return nullptr;
  }
  const auto unauthenticated =
      static_cast<std::uint32_t>(context_.counters.get(Counter::unauthenticated));
  if (unauthenticated >= context_.config.max_unauthenticated) evict_oldest_unauthenticated();
  const Handle handle = context_.connections.allocate();
  Connection& connection = *context_.connections.get(handle);
  connection.handle = handle;
  connection.descriptor = accepted.descriptor;
  connection.direct_tls = kind.direct_tls;
  connection.address_key = place;
  std::memcpy(connection.peer_address, accepted.peer.ip, sizeof connection.peer_address);
  connection.login = std::make_unique<Login>();
  context_.addresses.connected(place);
  if (kind.direct_tls) connection.transport = context_.tls->accept();
  if (kind.websocket) connection.websocket = std::make_unique<WebSocketStage>();
  if (kind.compact) begin_compact(connection);
  context_.counters.add(Counter::accepts);
  context_.counters.add(Counter::connections);
  count_layers(connection, 1);
  context_.counters.add(Counter::unauthenticated);
  connection.counted_unauthenticated = true;
  unauthenticated_.push_back(handle);
  connection.timer =
      context_.timers.schedule(context_.now + context_.config.unauthenticated_seconds * second_us,
                               timer_cookie(TimerKind::connection, handle));
  if (context_.network.watch(connection.descriptor, handle.bits)) return &connection;
  lost(connection);
  return nullptr;
}

void ConnectionIo::pass_on(const Accepted& accepted, ListenerKind kind, ShardId shard) {
  auto traveller = std::make_unique<TravellingConnection>();
  traveller->fresh = true;
  traveller->fresh_kind = kind;
  std::memcpy(traveller->peer_address, accepted.peer.ip, sizeof traveller->peer_address);
  if (context_.network.hand_over(shard, accepted.descriptor, traveller.get()) == HandOver::gone) {
    static_cast<void>(traveller.release());  // now the receiving shard's
    context_.counters.add(Counter::passed_on);
    return;
  }
  refuse(accepted, kind, StreamError::resource_constraint, "The server is full.");
}

std::string ConnectionIo::new_stream_id() {
  char text[17];
  std::snprintf(text, sizeof text, "%016" PRIx64, context_.random.next64());
  return text;
}

/// Says why, as well as can be done without taking anything in: what the socket does not take at
/// once is not said, and nothing is said where TLS or HTTP would have to be spoken first.
void ConnectionIo::refuse(const Accepted& accepted, ListenerKind kind, StreamError error,
                          std::string_view text) {
  context_.counters.add(Counter::accepts_refused);
  if (kind.compact) {
    const std::array<char, 3> bytes{0, 0, static_cast<char>(NoiseRefusal::busy)};
    const std::array<iovec, 1> parts{iovec{const_cast<char*>(bytes.data()), bytes.size()}};
    static_cast<void>(context_.network.send(accepted.descriptor, parts));
  } else if (!kind.direct_tls && !kind.websocket) {
    constexpr StreamForm form = StreamForm::xml_stream;
    std::string bytes;
    wire_.open(form, bytes, new_stream_id());
    wire_.error(form, bytes, error, text, {});
    wire_.close(form, bytes);
    const std::array<iovec, 1> parts{iovec{bytes.data(), bytes.size()}};
    static_cast<void>(context_.network.send(accepted.descriptor, parts));
  }
  context_.network.close(accepted.descriptor);
}

void ConnectionIo::evict_oldest_unauthenticated() {
  while (!unauthenticated_.empty()) {
    Connection* oldest = context_.connections.get(unauthenticated_.front());
    unauthenticated_.pop_front();
    if (oldest == nullptr || !oldest->counted_unauthenticated || oldest->ended()) continue;
    context_.counters.add(Counter::evicted);
    handler_.stream_failed(*oldest, StreamError::resource_constraint);
    drop(*oldest);
    return;
  }
}

void ConnectionIo::authenticated(Connection& connection) {
  if (!connection.counted_unauthenticated) return;
  connection.counted_unauthenticated = false;
  context_.counters.add(Counter::unauthenticated, -1);
  // Stale handles in the list are skipped when it is used; they must not pile up until then.
  while (!unauthenticated_.empty()) {
    const Connection* oldest = context_.connections.get(unauthenticated_.front());
    if (oldest != nullptr && oldest->counted_unauthenticated) break;
    unauthenticated_.pop_front();
  }
}

Connection* ConnectionIo::arrived(const Arrival& arrival) {
  std::unique_ptr<TravellingConnection> traveller(
      static_cast<TravellingConnection*>(arrival.payload));
  if (arrival.descriptor < 0) {
    if (!traveller->fresh) context_.addresses.disconnected(traveller->address_key);
    context_.counters.add(Counter::accepts_refused);
    return nullptr;
  }
  if (traveller->fresh) {
    Accepted fresh{AcceptStatus::accepted, arrival.descriptor, {}};
    std::memcpy(fresh.peer.ip, traveller->peer_address, sizeof fresh.peer.ip);
    return accepted(fresh, traveller->fresh_kind);
  }
  const Handle handle = context_.connections.allocate();
  Connection& connection = *context_.connections.get(handle);
  connection.handle = handle;
  connection.descriptor = arrival.descriptor;
  connection.transport = std::move(traveller->transport);
  connection.websocket = std::move(traveller->websocket);
  connection.noise = std::move(traveller->noise);
  connection.login = std::move(traveller->login);
  connection.input = std::move(traveller->input);
  connection.output = std::move(traveller->output);
  connection.wire_sent = traveller->wire_sent;
  connection.splitter = traveller->splitter;
  connection.packets = traveller->packets;
  connection.address_key = traveller->address_key;
  connection.direct_tls = traveller->direct_tls;
  connection.form = traveller->form;
  connection.header_sent = true;
  std::memcpy(connection.peer_address, traveller->peer_address, sizeof connection.peer_address);
  context_.counters.add(Counter::connections);
  count_layers(connection, 1);
  context_.counters.add(Counter::arrived);
  connection.timer =
      context_.timers.schedule(context_.now + context_.config.unauthenticated_seconds * second_us,
                               timer_cookie(TimerKind::connection, handle));
  if (!context_.network.watch(connection.descriptor, handle.bits)) {
    lost(connection);
    return nullptr;
  }
  return &connection;
}

void ConnectionIo::move(Connection& connection, ShardId shard) {
  connection.state = StreamState::moving;
  moving_.push_back({connection.handle, shard});
}

void ConnectionIo::hand_over_moving() {
  std::vector<Moving> again;
  for (const Moving& moving : moving_) {
    Connection* connection = context_.connections.get(moving.handle);
    if (connection == nullptr || connection->state != StreamState::moving) continue;
    switch (try_hand_over(*connection, moving.shard)) {
      case HandOver::gone: break;
      case HandOver::busy: again.push_back(moving); break;
      case HandOver::full:
        context_.counters.add(Counter::home_full);
        connection->state = StreamState::negotiate;
        handler_.stream_failed(*connection, StreamError::resource_constraint);
        break;
    }
  }
  moving_ = std::move(again);
}

HandOver ConnectionIo::try_hand_over(Connection& connection, ShardId shard) {
  count_layers(connection, -1);
  auto traveller = std::make_unique<TravellingConnection>();
  traveller->transport = std::move(connection.transport);
  traveller->websocket = std::move(connection.websocket);
  traveller->noise = std::move(connection.noise);
  traveller->login = std::move(connection.login);
  traveller->input = std::move(connection.input);
  traveller->output = std::move(connection.output);
  traveller->wire_sent = connection.wire_sent;
  traveller->splitter = connection.splitter;
  traveller->packets = connection.packets;
  traveller->address_key = connection.address_key;
  traveller->direct_tls = connection.direct_tls;
  traveller->form = connection.form;
  std::memcpy(traveller->peer_address, connection.peer_address, sizeof traveller->peer_address);
  const HandOver result = context_.network.hand_over(shard, connection.descriptor, traveller.get());
  if (result != HandOver::gone) {
    connection.transport = std::move(traveller->transport);
    connection.websocket = std::move(traveller->websocket);
    connection.noise = std::move(traveller->noise);
    connection.login = std::move(traveller->login);
    connection.input = std::move(traveller->input);
    connection.output = std::move(traveller->output);
    count_layers(connection, 1);
    return result;
  }
  authenticated(connection);
  static_cast<void>(traveller.release());  // now the receiving shard's
  context_.timers.cancel(connection.timer);
  context_.counters.add(Counter::connections, -1);
  context_.counters.add(Counter::handed_over);
  connection.descriptor = -1;
  connection.state = StreamState::closed;
  closed_.push_back(connection.handle);
  return result;
}

std::string& ConnectionIo::out(Connection& connection) {
  if (!connection.output) {
    if (spare_outputs_.empty()) {
      connection.output = std::make_unique<PendingOutput>();
    } else {
      connection.output = std::move(spare_outputs_.back());
      spare_outputs_.pop_back();
    }
  }
  if (!connection.dirty) {
    connection.dirty = true;
    dirty_.push_back(connection.handle);
  }
  return connection.output->plain;
}

void ConnectionIo::write_open(Connection& connection) {
  wire_.open(connection.form, out(connection), new_stream_id());
}

void ConnectionIo::write_error(Connection& connection, StreamError error, std::string_view text,
                               std::string_view extra) {
  wire_.error(connection.form, out(connection), error, text, extra);
}

void ConnectionIo::write_close(Connection& connection) {
  wire_.close(connection.form, out(connection));
}

void ConnectionIo::seal(Connection& connection) {
  PendingOutput& output = *connection.output;
  if (connection.noise) {
    seal_noise(connection);
  } else if (!output.plain.empty()) {
    if (!connection.transport || !connection.transport->established()) {
      if (output.wire.empty()) {
        output.wire.swap(output.plain);
      } else {
        output.wire.append(output.plain);
      }
    } else {
      static_cast<void>(connection.transport->send(context_.scratch, output.plain, output.wire));
    }
    output.plain.clear();
  }
  if (connection.session == nullptr) return;
  auto& awaited = connection.session->awaited;
  const std::uint64_t position = connection.wire_sealed();
  for (std::size_t index = awaited.size(); index > 0; --index) {
    if (awaited[index - 1].position != 0) break;
    awaited[index - 1].position = position;
  }
}

/// Sends bytes of the stage between the transport and the stream, behind what was written.
void ConnectionIo::push(Connection& connection, std::string_view bytes) {
  out(connection);
  seal(connection);
  append_wire(connection, bytes);
}

/// Onto the wire, through what lies below WebSocket.
void ConnectionIo::append_wire(Connection& connection, std::string_view bytes) {
  if (!connection.transport) {
    connection.output->wire.append(bytes);
  } else if (connection.transport->established()) {
    static_cast<void>(connection.transport->send(context_.scratch, bytes, connection.output->wire));
  }
}

void ConnectionIo::close_websocket(Connection& connection) {
  WebSocketStage& stage = *connection.websocket;
  if (!stage.upgraded || stage.close_sent) return;
  stage.close_sent = true;
  std::string frame;
  append_websocket_close(frame, stage.close_code);
  push(connection, frame);
}

void ConnectionIo::write_refusal(Connection& connection, StreamError error) {
  if (connection.noise) {
    refuse_noise(connection, error);
    return;
  }
  if (!connection.websocket || connection.websocket->upgraded) return;
  HttpStatus status = HttpStatus::bad_request;
  if (error == StreamError::connection_timeout) status = HttpStatus::request_timeout;
  if (error == StreamError::resource_constraint || error == StreamError::system_shutdown) {
    status = HttpStatus::service_unavailable;
  }
  std::string answer;
  append_http_error(answer, status);
  push(connection, answer);
}

void ConnectionIo::start_tls(Connection& connection) {
  out(connection);
  seal(connection);
  connection.input.reset();
  connection.splitter.restart();
  count_layers(connection, -1);
  connection.transport = context_.tls->accept();
  count_layers(connection, 1);
}

void ConnectionIo::flush() {
  // Flushing may mark others (a session that ends); the list is walked until it is empty.
  for (std::size_t index = 0; index < dirty_.size(); ++index) {
    Connection* connection = context_.connections.get(dirty_[index]);
    if (connection == nullptr || connection->state == StreamState::closed) continue;
    connection->dirty = false;
    flush_one(*connection);
  }
  dirty_.clear();
}

void ConnectionIo::flush_one(Connection& connection) {
  if (!connection.output || connection.state == StreamState::moving) return;
  seal(connection);
  PendingOutput& output = *connection.output;
  while (output.sent < output.wire.size()) {
    const std::array<iovec, 1> parts{
        iovec{output.wire.data() + output.sent, output.wire.size() - output.sent}};
    const IoResult result = context_.network.send(connection.descriptor, parts);
    if (result.status == IoStatus::would_block) break;
    if (result.status != IoStatus::ok) {
      lost(connection);
      return;
    }
    output.sent += result.bytes;
    connection.wire_sent += result.bytes;
    context_.counters.add(Counter::bytes_out, static_cast<std::int64_t>(result.bytes));
    if (output.sent < output.wire.size()) break;
  }
  if (output.sent == output.wire.size()) {
    sent_everything(connection);
    return;
  }
  if (output.sent > receive_bytes) {
    output.wire.erase(0, output.sent);
    output.sent = 0;
  }
  if (output.wire.size() - output.sent > context_.config.max_output_bytes) {
    context_.counters.add(Counter::error_overflow);
    lost(connection);
    return;
  }
  watch_as_needed(connection, connection.reading, true);
}

void ConnectionIo::give_back(std::unique_ptr<PendingOutput> output) {
  if (spare_outputs_.size() >= spare_outputs ||
      output->wire.capacity() + output->plain.capacity() > spare_output_bytes) {
    return;
  }
  output->wire.clear();
  output->plain.clear();
  output->sent = 0;
  spare_outputs_.push_back(std::move(output));
}

void ConnectionIo::sent_everything(Connection& connection) {
  give_back(std::move(connection.output));
  if (connection.state == StreamState::closing) {
    if (connection.peer_done) {
      lost(connection);
    } else {
      context_.network.finish(connection.descriptor);
      watch_as_needed(connection, true, false);
    }
    return;
  }
  if (!connection.writing) return;
  watch_as_needed(connection, connection.reading, false);
  handler_.output_sent(connection);
}

void ConnectionIo::writable(Connection& connection) {
  if (connection.state == StreamState::closed) return;
  flush_one(connection);
  if (!connection.ended() && (!connection.reading || connection.held)) resume_input(connection);
}

void ConnectionIo::watch_as_needed(Connection& connection, bool read, bool write) {
  if (connection.reading == read && connection.writing == write) return;
  connection.reading = read;
  connection.writing = write;
  context_.network.rewatch(connection.descriptor, connection.handle.bits, read, write);
}

void ConnectionIo::finish(Connection& connection) {
  if (connection.ended()) return;
  authenticated(connection);
  if (connection.websocket) close_websocket(connection);
  if (connection.transport && connection.transport->established()) {
    out(connection);
    seal(connection);
    connection.transport->close(context_.scratch, connection.output->wire);
  }
  connection.state = StreamState::closing;
  connection.input.reset();
  context_.timers.cancel(connection.timer);
  connection.timer = context_.timers.schedule(
      context_.now + linger_us, timer_cookie(TimerKind::connection, connection.handle));
  out(connection);  // the flush sends FIN even when nothing was written
}

void ConnectionIo::drop(Connection& connection) {
  if (connection.state == StreamState::closed) return;
  if (connection.output && connection.descriptor >= 0) {
    // Best effort: one attempt to let the peer know why.
    seal(connection);
    const PendingOutput& output = *connection.output;
    const std::array<iovec, 1> parts{iovec{const_cast<char*>(output.wire.data()) + output.sent,
                                           output.wire.size() - output.sent}};
    static_cast<void>(context_.network.send(connection.descriptor, parts));
  }
  lost(connection);
}

void ConnectionIo::lost(Connection& connection) {
  if (connection.state == StreamState::closed) return;
  if (connection.state != StreamState::closing) handler_.connection_ended(connection);
  authenticated(connection);
  connection.state = StreamState::closed;
  context_.timers.cancel(connection.timer);
  context_.network.close(connection.descriptor);
  connection.descriptor = -1;
  context_.addresses.disconnected(connection.address_key);
  context_.counters.add(Counter::connections, -1);
  count_layers(connection, -1);
  closed_.push_back(connection.handle);
}

void ConnectionIo::timer_fired(Connection& connection) {
  if (connection.state == StreamState::closing) {
    lost(connection);
    return;
  }
  if (connection.state == StreamState::session) return;
  handler_.stream_failed(connection, StreamError::connection_timeout);
}

void ConnectionIo::count_layers(const Connection& connection, int by) {
  if (!connection.transport) {
    context_.counters.add(Counter::connections_plain, by);
  } else if (connection.transport->own_record_layer()) {
    context_.counters.add(Counter::connections_tls, by);
    tls_bytes_ = connection.transport->heap_bytes();
  } else {
    context_.counters.add(Counter::connections_openssl, by);
    openssl_bytes_ = connection.transport->heap_bytes();
  }
  if (connection.websocket) context_.counters.add(Counter::connections_websocket, by);
  if (!connection.noise) return;
  context_.counters.add(Counter::connections_noise, by);
  noise_bytes_ = connection.noise->heap_bytes();
}

std::size_t ConnectionIo::transport_bytes() const {
  const auto count = [this](Counter counter) {
    return static_cast<std::size_t>(std::max<std::int64_t>(context_.counters.get(counter), 0));
  };
  return count(Counter::connections_tls) * tls_bytes_ +
         count(Counter::connections_openssl) * openssl_bytes_ +
         count(Counter::connections_noise) * noise_bytes_;
}

std::size_t ConnectionIo::buffer_bytes() const {
  std::size_t bytes = 0;
  for (const std::string* buffer : {&receive_buffer_, &plain_, &message_, &stream_scratch_,
                                    &noise_plain_, &noise_wire_, &frame_, &decoded_}) {
    bytes += buffer->capacity();
  }
  for (const auto& output : spare_outputs_) {
    bytes += sizeof *output + output->plain.capacity() + output->wire.capacity();
  }
  return bytes;
}

void ConnectionIo::free_closed() {
  for (const Handle handle : closed_) context_.connections.release(handle);
  closed_.clear();
}

}  // namespace rookery
