// Moves bytes between sockets and streams: receive, decrypt, split, scan on the way in; collect,
// encrypt, send on the way out. Knows nothing of XMPP beyond where a piece of a stream ends.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/stream_error.h"
#include "codec/stanza_scan.h"
#include "session/session_context.h"
#include "session/stream_wire.h"

namespace rookery {

/// Who is told what came in. Called by the shard's thread, while the connection is being read; the
/// connection stays valid until the end of the turn whatever the handler does with it.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  virtual void stream_opened(Connection& connection, const StreamHeaderView& header) = 0;
  virtual void element(Connection& connection, const StanzaView& view) = 0;
  virtual void stream_closed(Connection& connection) = 0;
  /// A Noise handshake has brought a login.
  virtual void login_requested(Connection& connection) = 0;
  /// A device whose login was answered has sent something: it has the key that it showed.
  virtual void device_proved(Connection& connection) = 0;
  /// The peer broke a rule of the stream: to be answered and closed.
  virtual void stream_failed(Connection& connection, StreamError error) = 0;
  /// The connection is gone or about to go; its session, if any, must let go of it now.
  virtual void connection_ended(Connection& connection) = 0;
  /// What had waited for the socket is out: there is room for more.
  virtual void output_sent(Connection& connection) = 0;
  /// While true no input is looked at (a queue towards another shard is full).
  [[nodiscard]] virtual bool congested() const = 0;
};

class ConnectionIo {
 public:
  ConnectionIo(SessionContext& context, StreamHandler& handler);

  /// Takes an accepted descriptor in; null when a limit said no, and it was closed.
  Connection* accepted(const Accepted& accepted, ListenerKind kind);
  /// Gives an accepted descriptor to another shard, which has room; closes it when it has not.
  void pass_on(const Accepted& accepted, ListenerKind kind, ShardId shard);
  /// Takes in a connection that another shard handed over, logged in or fresh; null (and
  /// everything closed) when it cannot be.
  Connection* arrived(const Arrival& arrival);
  /// Hands connections that are `moving` over to their home shards; those that cannot go now stay
  /// and are tried again next turn. A login whose home has no room for it ends with an error.
  void hand_over_moving();
  /// Marks a logged-in connection as on its way to `shard`.
  void move(Connection& connection, ShardId shard);

  /// `hangup`: the socket reports an error or the end of both directions.
  void readable(Connection& connection, bool hangup);
  void writable(Connection& connection);

  /// Looks at no more of this connection's input while the disk is behind.
  void slow_down(Connection& connection);
  /// Goes on with input that had to wait; called when a wait of this connection ended.
  void resume_input(Connection& connection);
  /// The same for all connections that were held back by congestion.
  void resume_held();

  // What a connection is to be sent goes out at the end of the turn.

  /// Writes one complete element (a stanza, <a/>, <features>) in the connection's form.
  void write(Connection& connection, std::string_view element) {
    std::string& plain = out(connection);
    if (connection.form == StreamForm::xml_stream) {
      plain += element;
    } else {
      wire_.element(connection.form, plain, element);
    }
  }
  /// Opens the stream, or opens it again after a restart.
  void write_open(Connection& connection);
  /// Writes a stream error; write_close() must follow. `extra`: an application's own condition.
  void write_error(Connection& connection, StreamError error, std::string_view text,
                   std::string_view extra = {});
  /// Answers a device's login (docs/PROTOCOL.md section 4). False when the handshake does not allow
  /// an answer now.
  [[nodiscard]] bool answer_login(Connection& connection, std::string_view element);
  /// Closes the stream; finish() must follow.
  void write_close(Connection& connection);
  /// Says why there will be no stream, where can_speak() is false and there is a way to say it (in
  /// HTTP, before Noise); finish() must follow.
  void write_refusal(Connection& connection, StreamError error);

  /// Sends what was written, in plain text, and speaks TLS from here on. Input that the client sent
  /// ahead in plain text is thrown away (it may be an attacker's).
  void start_tls(Connection& connection);
  /// Encrypts and sends everything that this turn wrote.
  void flush();

  /// Ends in order: what was written is sent, then FIN, then the descriptor is closed when the peer
  /// has closed too or after a short linger.
  void finish(Connection& connection);
  /// Ends at once.
  void drop(Connection& connection);
  /// No longer one of those that have not logged in.
  void authenticated(Connection& connection);
  /// A connection's timer (unauthenticated time, linger) fired.
  void timer_fired(Connection& connection);

  /// Frees the slots of connections that closed in this turn. Nobody may hold a reference any more.
  void free_closed();

  /// What the shard's TLS and Noise take, estimated from the connections that came or went last.
  [[nodiscard]] std::size_t transport_bytes() const;
  /// The buffers that belong to no connection.
  [[nodiscard]] std::size_t buffer_bytes() const;

  [[nodiscard]] bool work_waits() const { return !held_.empty() || !moving_.empty(); }
  /// Something was written that the next flush() sends.
  [[nodiscard]] bool output_waits() const { return !dirty_.empty(); }

 private:
  static constexpr std::size_t receive_bytes = 64 * 1024;

  struct Moving {
    Handle handle;
    ShardId shard;
  };

  /// Counts the layers of a connection that is there from now on (1) or no longer (-1).
  void count_layers(const Connection& connection, int by);
  /// The buffer for what this connection is to be sent; marks it for the flush.
  std::string& out(Connection& connection);
  HandOver try_hand_over(Connection& connection, ShardId shard);
  [[nodiscard]] std::string new_stream_id();
  void refuse(const Accepted& accepted, ListenerKind kind, StreamError error,
              std::string_view text);
  bool receive(Connection& connection);
  [[nodiscard]] bool says_too_much(Connection& connection, std::size_t bytes) const;
  void take_bytes(Connection& connection, std::string_view wire);
  void take_plain(Connection& connection, std::string_view plain);
  bool take_http(Connection& connection, std::string_view& plain);
  void consume(Connection& connection, std::string_view bytes);
  void consume_stream(Connection& connection, std::string_view rest);
  void consume_messages(Connection& connection, std::string_view rest);
  void take_event(Connection& connection, const WebSocketResult& result, std::string_view payload);
  void take_binary(Connection& connection, std::string_view rest);
  void take_control(Connection& connection, const WebSocketResult& result);
  void dispatch_document(Connection& connection, std::string_view document);
  void framing_element(Connection& connection, const StanzaView& view);
  void websocket_failed(Connection& connection, WebSocketClose code);
  void dispatch(Connection& connection, SplitOutcome outcome, std::string_view piece);
  [[nodiscard]] bool must_wait(const Connection& connection) const;
  void keep_input(Connection& connection, std::string_view rest, std::size_t fed);
  void hold(Connection& connection);
  void seal(Connection& connection);
  void push(Connection& connection, std::string_view bytes);
  void append_wire(Connection& connection, std::string_view bytes);
  // The compact form (compact_input.cc).
  void begin_compact(Connection& connection);
  void take_noise(Connection& connection, std::string_view wire);
  void consume_packets(Connection& connection, std::string_view rest);
  void dispatch_packet(Connection& connection, std::string_view packet);
  void seal_noise(Connection& connection);
  void append_below_noise(Connection& connection, std::string_view bytes);
  void refuse_noise(Connection& connection, StreamError error);
  void close_websocket(Connection& connection);
  void flush_one(Connection& connection);
  void give_back(std::unique_ptr<PendingOutput> output);
  void sent_everything(Connection& connection);
  void watch_as_needed(Connection& connection, bool read, bool write);
  void lost(Connection& connection);
  void evict_oldest_unauthenticated();
  [[nodiscard]] std::uint32_t max_piece_bytes(const Connection& connection) const;

  SessionContext& context_;
  StreamHandler& handler_;
  StreamWire wire_;
  std::vector<Handle> dirty_;
  std::vector<Handle> held_;
  std::vector<Handle> closed_;
  std::vector<Moving> moving_;
  std::deque<Handle> unauthenticated_;
  std::vector<std::unique_ptr<PendingOutput>> spare_outputs_;  ///< Kept warm for the next turn.
  // Of the last connection of each kind that came or went.
  std::size_t tls_bytes_ = 0;
  std::size_t openssl_bytes_ = 0;
  std::size_t noise_bytes_ = 0;
  std::string receive_buffer_;
  std::string plain_;
  std::string message_;
  std::string stream_scratch_;
  std::string noise_plain_;
  std::string noise_wire_;
  std::string frame_;
  std::string decoded_;
};

}  // namespace rookery
