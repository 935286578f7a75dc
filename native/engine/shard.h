// One shard: a user's home. It owns the connections, sessions and mailboxes of its users and turns
// a numbered loop; everything that it reaches outside of itself is injected, so the same code runs
// on a thread of its own and in the simulation.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/listeners.h"
#include "engine/mesh.h"
#include "engine/shard_links.h"
#include "router/device_sessions.h"
#include "router/inquiries.h"
#include "router/stanza_router.h"
#include "session/compact_negotiator.h"
#include "session/password_checker.h"

namespace rookery {

/// What a shard is given. Everything outlives it.
struct ShardSurroundings {
  const boundary::EngineConfig& config;
  Clock& clock;
  Random& random;
  Network& network;
  Mesh& mesh;
  SharedAdmission& admission;
  PasswordChecker& passwords;
  ShardStats& stats;
  std::function<void(ShardId)> wake_shard;
  std::function<void()> wake_control;
};

/// The phases of a turn, in their order; run_phase() says why each stands where it stands.
enum class TurnPhase : std::uint8_t {
  inbox,
  sockets,
  timers,
  store,
  completions,
  output,
  publish,
  farewell
};
inline constexpr std::size_t turn_phases = 8;
static_assert(turn_phases <= ShardStats::most_phases);
[[nodiscard]] std::string_view phase_name(TurnPhase phase);

class Shard final : StreamHandler, LoginHost, DeviceHost, MailboxObserver {
 public:
  Shard(ShardId id, ShardSurroundings surroundings);
  ~Shard() override;

  /// Reads the certificate; false with a sentence in `error`. Without it no TLS is offered.
  bool load_tls(const std::string& certificate, const std::string& key,
                std::shared_ptr<TicketKeys> ticket_keys, std::string& error);

  /// Who the server is in the compact protocol. Without it that is not offered.
  void set_noise_identity(std::shared_ptr<const NoiseIdentity> identity) {
    context_.noise_identity = std::move(identity);
  }

  /// Before the first turn, from the thread that recovers.
  void recovered(const RecoveredRecord& record) { keeper_.recovered(record); }
  void recovery_complete(StorePort& store) {
    router_.store = &store;
    keeper_.recovery_complete();
  }

  /// One turn of the loop. Sleeps for work when there is none, at most `max_sleep_us` (-1: as long
  /// as nothing happens; 0: not at all, as in the simulation).
  void turn(std::int64_t max_sleep_us);
  /// The parts of a turn: sleep, then every phase. The simulation takes them one by one, so that
  /// other shards, the store and crashes come in between.
  void sleep(std::int64_t max_sleep_us);
  void run_phase(TurnPhase phase);

  /// Begins the drain: listeners close, sessions are told to come back later, everything is
  /// committed. From the shard's thread. False when it has begun before.
  bool begin_drain();
  /// The drain has nothing left to do.
  [[nodiscard]] bool drained() const;
  [[nodiscard]] std::uint64_t sessions_closed() const { return sessions_closed_; }

  [[nodiscard]] RouterContext& router() { return router_; }

 private:
  // StreamHandler
  void stream_opened(Connection& connection, const StreamHeaderView& header) override;
  void element(Connection& connection, const StanzaView& view) override;
  void stream_closed(Connection& connection) override;
  void stream_failed(Connection& connection, StreamError error) override;
  void connection_ended(Connection& connection) override;
  void output_sent(Connection& connection) override;
  void login_requested(Connection& connection) override;
  void device_proved(Connection& connection) override;
  [[nodiscard]] bool congested() const override { return links_.congested(); }
  // LoginHost
  void want_credentials(Connection& connection, std::string_view user) override;
  void want_password_check(Connection& connection, std::string_view user,
                           std::string_view password) override;
  bool compare_password(Connection& connection, std::string_view user,
                        std::unique_ptr<PasswordCheck> check) override {
    return passwords_.submit(connection.handle, user, std::move(check));
  }
  void registration_request(Connection& connection, const StanzaView& view) override;
  void logged_in(Connection& connection) override;  // DeviceHost's as well
  void bind(Connection& connection, const StanzaView& iq, std::string_view wish) override;
  void resume(Connection& connection, std::string_view previous_id, std::uint32_t handled) override;
  [[nodiscard]] const Caps& caps() const override { return caps_; }
  // DeviceHost
  void want_device(Connection& connection, std::string_view user, std::uint8_t device) override;
  // MailboxObserver
  void safe(Handle session, std::uint32_t number) override;
  void mailbox_moved(User& user) override;
  void page_moved(Session& session) override;

  /// `now`: when, by the same reading of the clock.
  [[nodiscard]] std::int64_t sleep_us(std::int64_t max_sleep_us, MonoUs& now) const;
  void run_timed_phases(std::uint64_t weight);
  void end_turn();
  void publish_holdings();
  void take_inbox();
  void take_arrivals();
  void take_commands();
  void read_sockets(std::size_t count);
  void read_newcomers();
  void start_logins();
  void run_timers();
  void work_for_store();
  void rotate_ticket_keys();

  void shard_record(std::string_view record);
  void credentials_wanted(std::string_view record);
  void credentials_found(std::string_view record);
  void device_wanted(std::string_view record);
  void device_found(std::string_view record);
  void welcome(Connection& connection);

  // Commands of the control plane (shard_commands.cc).
  void command(std::uint16_t kind, std::string_view record);
  void put_account(std::string_view record);
  void remove_account(std::string_view record);
  void put_contact(std::string_view record);
  void put_block_list(std::string_view record);
  void put_devices(std::string_view record);
  void send_to_user(std::string_view record);
  void send_to_connection(std::string_view record);
  void close_sessions(std::string_view record);
  void auth_reply(std::string_view record);
  void open_listeners();
  void reload_tls(std::string_view record);
  void inquiry(std::uint16_t kind, std::string_view record);
  void log(std::uint8_t level, std::string_view message);

  ShardLinks links_;
  SessionContext context_;
  ConnectionIo io_;
  RouterContext router_;
  MailboxKeeper keeper_;
  Delivery delivery_;
  MessageRouter messages_;
  PresenceRouter presence_;
  IqRouter iqs_;
  SessionManager sessions_;
  DeviceSessions devices_;
  LoginQueue logins_;
  StreamNegotiator negotiator_;
  CompactNegotiator compact_;
  StanzaRouter stanzas_;
  Inquiries inquiries_;
  Listeners listeners_;
  PasswordChecker& passwords_;
  Mesh& mesh_;
  Caps caps_;
  std::shared_ptr<TicketKeys> ticket_keys_;
  std::vector<NetworkEvent> events_;
  std::size_t event_count_ = 0;           ///< Of those, from the last sleep.
  std::vector<std::uint32_t> newcomers_;  ///< Events that wait behind those of sessions.
  bool newcomers_wait_ = false;           ///< The turn had no time for all of them.
  TimerId login_timer_ = 0;
  std::uint64_t sessions_closed_ = 0;
  std::vector<std::string> early_questions_;  ///< For keys, before accounts_known_.
  bool accounts_known_ = false;               ///< The control plane has pushed them all.
  std::uint32_t hours_with_ticket_keys_ = 0;
  MonoUs next_ask_ = 0;  ///< When TCP is asked next about what it has delivered.
  MonoUs ask_interval_ = 20'000;
  MonoUs next_holdings_ = 0;  ///< When what it holds is published next.
  std::uint32_t untimed_turns_ = 0;
};

}  // namespace rookery
