// A simulated client, of XMPP with XEP-0198 or of the compact protocol: logs in, sends numbered
// messages, acknowledges what it receives, resumes after an interruption, and sends again what was
// not acknowledged. It keeps the record that the checker judges.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/stanza_scan.h"
#include "codec/stream_splitter.h"
#include "load/compact_client.h"
#include "sim/sim_surroundings.h"

namespace rookery::sim {

/// One message, named by its sender and its number there.
struct Letter {
  std::uint32_t from = 0;
  std::uint32_t number = 0;
  friend auto operator<=>(const Letter&, const Letter&) = default;
};

struct SentLetter {
  Letter letter;
  std::uint32_t to = 0;
  bool acknowledged = false;
  std::vector<std::uint32_t> again;  ///< The later lives of the server in which it was sent again.
  std::uint32_t first_epoch = 0;     ///< The server's life (crashes so far) when it was first sent.
};

struct Reception {
  Letter letter;
  std::uint32_t epoch = 0;       ///< The server's life in which the connection was made.
  std::uint32_t connection = 0;  ///< The client's how manieth.
};

class SimClient {
 public:
  /// `transport`: for a device that speaks the compact protocol, which is always managed; null for
  /// an XMPP client.
  SimClient(std::uint32_t index, bool managed, SimInternet& internet, Chance& chance,
            TransportScratch* transport);

  /// Reads, answers, and (re)connects when it wants to be online.
  void step(std::uint32_t epoch);
  /// Sends a new message, if it is online.
  void write_to(std::uint32_t recipient, std::uint32_t epoch);
  /// The connection breaks without a word.
  void cut();
  /// Closes the stream in order and stays away until come().
  void leave();
  void come() { wanted_ = true; }
  /// Prints what it sends and receives, for whoever studies a seed.
  void show() { shown_ = true; }
  /// From its next login on it uses XEP-0198 (so that the end of a run drains exactly).
  void manage_from_now_on() { managed_ = true; }

  [[nodiscard]] bool online() const { return state_ == State::online; }
  [[nodiscard]] bool wanted() const { return wanted_; }
  [[nodiscard]] bool managed() const { return managed_; }
  [[nodiscard]] bool everything_acknowledged() const { return unacknowledged_.empty(); }
  [[nodiscard]] const std::vector<SentLetter>& sent() const { return sent_; }
  [[nodiscard]] const std::vector<Reception>& received() const { return received_; }
  [[nodiscard]] std::uint64_t trace() const { return trace_; }
  /// How often a session could not be resumed although the server had not crashed.
  [[nodiscard]] std::uint64_t timed_out() const { return timed_out_; }
  /// Stream errors and refusals that a well-behaved client must never see.
  [[nodiscard]] const std::string& complaint() const { return complaint_; }

 private:
  enum class State { offline, greeted, authenticating, secured, choosing, enabling, online };

  struct Unacknowledged {
    std::string xml;
    std::int64_t letter;  ///< Index in sent_, or -1.
  };

  void connect(std::uint32_t epoch);
  void lost();
  void send(std::string_view xml);
  void print(const char* what, std::string_view text) const;
  void send_counted(std::string xml, std::int64_t letter);
  void take(std::string_view bytes, std::uint32_t epoch);
  void piece(SplitOutcome outcome, std::string_view text, std::uint32_t epoch);
  void negotiate(const StanzaView& view, std::uint32_t epoch);
  void element(const StanzaView& view);
  void bound();
  void begins_managed(std::uint32_t epoch);
  void now_online(std::uint32_t epoch);
  void resumed(const StanzaView& view, std::uint32_t epoch);
  void handled_by_server(std::uint32_t count);
  void letter_arrived(const StanzaView& view);

  // Of a device, in sim_client_compact.cc.
  void connect_compact();
  void flush_compact();
  void take_compact(std::string_view bytes, std::uint32_t epoch);
  void stream_error(const StanzaView& view);
  void login_answered(const StanzaView& view, std::uint32_t epoch);
  void acknowledge_compact();

  std::uint32_t index_;
  bool managed_;
  SimInternet& internet_;
  Chance& chance_;
  TransportScratch* transport_;
  State state_ = State::offline;
  int socket_ = -1;
  bool wanted_ = true;
  bool stream_managed_ = false;
  StreamSplitter splitter_;
  std::string partial_;
  std::optional<load::CompactClient> compact_;  ///< Of the latest connection.
  bool asks_to_resume_ = false;                 ///< In the latest login of a device.
  bool acknowledgement_due_ = false;            ///< Of a device.
  std::string previous_id_;
  std::uint32_t handled_ = 0;    ///< Stanzas from the server in this managed stream.
  std::uint32_t confirmed_ = 0;  ///< Of ours, by the server.
  std::deque<Unacknowledged> unacknowledged_;
  std::vector<SentLetter> sent_;
  std::vector<Reception> received_;
  std::uint32_t connection_ = 0;
  std::uint32_t connection_epoch_ = 0;
  std::uint32_t patience_ = 0;
  bool answer_late_ = false;
  bool shown_ = false;
  std::uint32_t session_epoch_ = 0;  ///< The server's life in which it was last managed.
  std::uint64_t timed_out_ = 0;
  std::uint64_t trace_ = 0;
  std::string complaint_;
};

}  // namespace rookery::sim
