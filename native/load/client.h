// A small, fast client for load: non-blocking, many thousands in one thread. It logs in over XMPP
// or the compact protocol (or greets the relay), keeps the counters of acknowledgements, and hands
// complete stanzas, as XML, to its owner. The same object, from connect to close, drives them all;
// only the login differs, and how stanzas are spelled.
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "load/compact_client.h"
#include "load/scram_client.h"
#include "load/stream_reader.h"
#include "load/websocket_stream.h"
#include "transport/noise_crypto.h"
#include "transport/transport_scratch.h"

namespace rookery::load {

class Client;
class Loop;

/// What happens to a client, told to the program that owns it.
class ClientOwner {
 public:
  virtual ~ClientOwner() = default;
  /// Logged in and, where configured, available.
  virtual void on_ready(Client& client) = 0;
  /// A message, presence or IQ after on_ready.
  virtual void on_stanza(Client& client, std::string_view stanza) = 0;
  /// The server has taken responsibility for that many of our stanzas.
  virtual void on_ack(Client& /*client*/, std::uint32_t /*handled*/) {}
  /// The connection is gone; `client.problem()` says why. Connect again later, not in the call.
  virtual void on_closed(Client& client) = 0;
};

enum class Security : std::uint8_t { none, starttls, direct };
enum class Protocol : std::uint8_t { xmpp, websocket, compact, relay };

/// What all clients of a run share.
struct ClientSettings {
  Protocol protocol = Protocol::xmpp;
  sockaddr_in server{};
  std::string domain = "localhost";
  std::string password = "secret";
  Security security = Security::none;
  bool use_plain = false;          ///< SASL PLAIN instead of SCRAM-SHA-1.
  bool stream_management = false;  ///< Enable XEP-0198, with resumption.
  bool presence = true;            ///< Send initial presence.
  /// Goes into the devices' keys, so that they are nobody else's.
  std::string device_secret;
  /// The server's Noise key: with it the compact login takes one round trip. All zero: unknown.
  NoiseKey server_key{};
  std::uint32_t clients_per_source = 5000;
  bool use_sources = true;        ///< False: the kernel chooses the source address.
  std::uint32_t source_base = 1;  ///< Second byte of the source addresses: 127.base.y.z.
};

class Client {
 public:
  Client(Loop& loop, const ClientSettings& settings, ClientOwner& owner, std::uint32_t index,
         std::string user, std::string resource);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// A password of its own, which outlives the client, instead of that of the settings.
  void set_password(const std::string& password) { password_ = &password; }

  /// Starts to connect and to log in. With `resume`, tries to take up the former stream first.
  void connect(bool resume = false);
  /// Queues bytes; they leave at the end of the loop's turn.
  void send(std::string_view bytes);
  /// Counts and queues a stanza.
  void send_stanza(std::string_view stanza);
  /// Asks what the server has taken responsibility for, where it does not say so by itself.
  void request_ack();
  /// Closes the stream in order, or with `abruptly` the socket only.
  void close(bool abruptly = false);

  [[nodiscard]] bool ready() const { return state_ == State::ready; }
  [[nodiscard]] bool connected() const { return fd_ >= 0; }
  [[nodiscard]] bool resumed() const { return resumed_; }
  [[nodiscard]] std::uint32_t index() const { return index_; }
  [[nodiscard]] std::uint32_t stanzas_sent() const { return stanzas_sent_; }
  [[nodiscard]] std::string address() const;  ///< Full address.
  [[nodiscard]] const std::string& user() const { return user_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  friend class Loop;
  enum class State : std::uint8_t {
    closed,
    connecting,
    handshake,
    features,
    proceed,
    authenticating,
    resuming,
    binding,
    enabling,
    ready,
    relay_hello,
    compact_login,
  };

  void on_event(std::uint32_t events);
  void read();
  bool handle_bytes(std::string_view bytes);
  bool handle_websocket(std::string_view bytes);
  bool handle_item(const StreamReader::Item& item);
  void handle_login(std::string_view element);
  void handle_features(std::string_view features);
  void handle_authentication(std::string_view element);
  void handle_session(std::string_view element);
  void finish_login();
  void open_stream();
  void start_compact();
  bool handle_compact(std::string_view bytes);
  void handle_compact_login(std::string_view answer);
  void mark_dirty();
  bool start_tls();
  void continue_handshake();
  void flush();
  void watch(bool for_writing);
  void fail(const std::string& why);
  void release();
  long transport_read(char* into, std::size_t size);
  long transport_write(std::string_view bytes);

  Loop& loop_;
  const ClientSettings& settings_;
  ClientOwner& owner_;
  const std::string* password_;
  std::uint32_t index_;
  int fd_ = -1;
  State state_ = State::closed;
  bool authenticated_ = false;
  bool resumed_ = false;
  bool want_resume_ = false;
  bool watching_writes_ = false;
  bool dirty_ = false;
  bool answer_due_ = false;
  std::uint32_t stanzas_sent_ = 0;
  std::uint32_t stanzas_received_ = 0;
  SSL* tls_ = nullptr;
  StreamReader reader_;
  std::unique_ptr<ScramClient> scram_;
  std::unique_ptr<NoiseKeyPair> device_keys_;
  std::unique_ptr<WebSocketStream> websocket_;  ///< While connected over WebSocket.
  std::unique_ptr<CompactClient> compact_;      ///< While connected over the compact protocol.
  std::string user_;
  std::string resource_;
  std::string resume_id_;
  std::string pending_;  ///< Received, incomplete.
  std::string out_;      ///< Queued, not yet written.
  std::string problem_;
};

/// One epoll instance and the clients that have something to write.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Waits for events at most that long, handles them, and writes what was queued.
  void turn(int timeout_ms) { turn_ns(static_cast<std::uint64_t>(timeout_ms) * 1'000'000); }
  void turn_ns(std::uint64_t timeout_ns);
  /// Writes what is queued now.
  void flush_dirty();

 private:
  friend class Client;
  int epoll_ = -1;
  SSL_CTX* tls_context_ = nullptr;
  std::vector<Client*> dirty_;
  std::vector<char> buffer_;
  TransportScratch scratch_;
};

/// The key of a load client's device: a secret that whoever prepares the server can compute too,
/// the SHA-256 of "rookery bench device USER NUMBER", followed by the settings' secret.
NoiseKey device_secret(const ClientSettings& settings, const std::string& user,
                       std::uint32_t number);

/// Parses `address:port` (IPv4) into the settings; exits on anything else.
void set_server(ClientSettings& settings, const std::string& address);

/// Raises the soft limit of descriptors to the hard one.
void raise_descriptor_limit();

}  // namespace rookery::load
