// One TCP connection as the shard remembers it: a slab slot without buffers. What is only needed
// for a moment (input of an incomplete stanza, unsent output, the login under way) hangs off it and
// goes away again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/types.h"
#include "codec/packet_splitter.h"
#include "codec/stream_splitter.h"
#include "reactor/network.h"
#include "reactor/timer_wheel.h"
#include "session/device_login.h"
#include "session/sasl.h"
#include "session/stream_wire.h"
#include "session/websocket_stage.h"
#include "transport/noise_transport.h"
#include "transport/transport.h"

namespace rookery {

struct Session;

/// Where a stream stands. Input waits (unparsed) in the states that say so.
enum class StreamState : std::uint8_t {
  header,     ///< A stream header is expected, before login.
  negotiate,  ///< Features were sent, before login.
  waiting,  ///< A login waits for an answer (keys, the control plane, the login rate). Input waits.
  moving,   ///< Logged in; on its way to the home shard. Input waits.
  rebind,   ///< Logged in; the stream restarts: a header is expected.
  proof,    ///< A device's login was answered; what it sends next proves its key.
  bind,     ///< Logged in; a resource is to be bound or a session resumed.
  session,  ///< Bound: stanzas flow.
  closing,  ///< Our last bytes are being sent; input is thrown away.
  closed,   ///< The descriptor is gone; the slot is freed at the end of the turn.
};

/// Bytes of a piece that is not complete, or that may not be looked at yet.
struct PendingInput {
  std::string bytes;
  std::size_t fed = 0;  ///< So many of them has the splitter seen.
};

/// Bytes on their way out. `plain` is sealed (encrypted) into `wire` when the turn ends.
struct PendingOutput {
  std::string plain;
  std::string wire;
  std::size_t sent = 0;  ///< Of `wire`.
};

/// The first message of a login that waits for its turn.
struct DelayedLogin {
  SaslMechanism mechanism = SaslMechanism::none;
  std::string initial;
  bool has_initial = false;
};

/// What a login needs and a session does not.
struct Login {
  std::unique_ptr<SaslServer> sasl;
  std::unique_ptr<DelayedLogin> delayed;
  std::unique_ptr<DeviceLogin> device;  ///< Of the compact protocol, once the handshake has it.
  std::uint64_t bytes = 0;              ///< Received before the login was complete.
  std::string user;                     ///< Once known to be right.
  std::string success_payload;          ///< Base64 for <success/>, sent by the home shard.
  std::string previous_tag_note;        ///< Why a resumption failed, for the log.
  SessionTag predecessor = 0;           ///< The session that could not be resumed.
  std::uint8_t failures = 0;
  bool features_had_plus = false;
  bool disabled = false;  ///< The account of the exchange under way.
};

/// What a listener expects of the first bytes of its connections.
struct ListenerKind {
  bool direct_tls = false;
  bool websocket = false;
  bool compact = false;
};

/// Its bytes pass these stages, of which each may be missing:
///   socket, transport (TLS), websocket, noise, form of the stream.
struct Connection {
  Handle handle;
  std::unique_ptr<Transport> transport;       ///< Null: plain TCP.
  std::unique_ptr<WebSocketStage> websocket;  ///< Null: the stream lies directly on the bytes.
  std::unique_ptr<NoiseTransport> noise;      ///< Only of the compact form, which always has it.
  std::unique_ptr<Login> login;               ///< From the accept on; null once a session is bound.
  Session* session = nullptr;
  std::unique_ptr<PendingInput> input;
  std::unique_ptr<PendingOutput> output;
  std::uint64_t wire_sent = 0;  ///< Bytes the socket has taken, ever.
  StreamSplitter splitter;
  PacketSplitter packets;  ///< In the splitter's place in the compact form.
  int descriptor = -1;
  TimerId timer = 0;              ///< Unauthenticated time, or the linger of a close.
  std::uint32_t address_key = 0;  ///< Which counter of the address table it occupies.
  StreamState state = StreamState::header;
  StreamForm form = StreamForm::xml_stream;
  bool direct_tls = false;
  bool dirty = false;        ///< In the shard's list of connections to flush.
  bool held = false;         ///< In the list of connections whose input waits.
  bool slowed = false;       ///< Its input waits until the disk has caught up.
  bool reading = true;       ///< Watched for input.
  bool writing = false;      ///< Watched for room in the socket.
  bool header_sent = false;  ///< Our stream header is out: errors need none of their own.
  bool counted_unauthenticated = false;
  bool peer_done = false;  ///< The peer ended its side of TCP.
  std::uint8_t peer_address[16] = {};

  [[nodiscard]] bool logged_in() const {
    return state == StreamState::rebind || state == StreamState::bind ||
           state == StreamState::session;
  }
  [[nodiscard]] bool secure() const { return transport != nullptr && transport->established(); }
  [[nodiscard]] bool ended() const {
    return state == StreamState::closing || state == StreamState::closed;
  }
  /// What lies below the stream is established, so that the stream can be written.
  [[nodiscard]] bool can_speak() const {
    return (!transport || transport->established()) && (!websocket || websocket->upgraded) &&
           (!noise || noise->established());
  }
  /// Every byte that was sealed for the wire so far, sent or not.
  [[nodiscard]] std::uint64_t wire_sealed() const {
    return wire_sent + (output ? output->wire.size() - output->sent : 0);
  }
};

/// A connection between two shards: owned by whoever holds the pointer, which travels with the
/// descriptor (Network::hand_over).
struct TravellingConnection {
  std::unique_ptr<Transport> transport;
  std::unique_ptr<WebSocketStage> websocket;
  std::unique_ptr<NoiseTransport> noise;
  std::unique_ptr<Login> login;
  std::unique_ptr<PendingInput> input;
  std::unique_ptr<PendingOutput> output;
  std::uint64_t wire_sent = 0;
  StreamSplitter splitter;
  PacketSplitter packets;
  std::uint32_t address_key = 0;
  StreamForm form = StreamForm::xml_stream;
  bool direct_tls = false;
  bool fresh = false;       ///< Only just accepted, by a shard that had no room for it.
  ListenerKind fresh_kind;  ///< By a listener of this kind.
  std::uint8_t peer_address[16] = {};
};

}  // namespace rookery
