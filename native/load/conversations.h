// Pairs of clients, the first of each writing to the second. Closed loop: a number of messages
// under way, the next one sent when one has arrived (and, with acknowledgements, when the server
// has taken the responsibility). Open loop: sent at a rate whatever became of those before, and
// timed from the moment when each was meant to be sent, so that a server that stands still is not
// spared the messages which would have come meanwhile. Every message has a number; what is lost,
// comes twice or comes late is counted.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "load/fleet.h"
#include "load/latency.h"
#include "load/sequence.h"

namespace rookery::load {

struct TalkPlan {
  std::uint32_t outstanding = 1;  ///< Closed loop: messages under way of each pair.
  std::uint32_t body_bytes = 100;
  std::uint32_t pause_ms = 0;    ///< Closed loop: before the next message.
  double rate_per_second = 0;    ///< Of all pairs together; above 0 makes it an open loop.
  std::uint32_t give_up_ms = 0;  ///< Closed loop: what takes longer is lost, and the pair goes on.
};

struct TalkCounts {
  std::uint64_t sent = 0;
  std::uint64_t arrived = 0;    ///< Without duplicates.
  std::uint64_t completed = 0;  ///< Arrived and, with acknowledgements, acknowledged.
  std::uint64_t duplicates = 0;
  std::uint64_t late = 0;     ///< After a later one of the same sender.
  std::uint64_t refused = 0;  ///< Errors that came back.
  std::uint64_t foreign = 0;  ///< Messages of nobody's conversation.
  std::uint64_t unsent = 0;   ///< Due while the sender was not connected.
};

class Conversations : public Fleet {
 public:
  Conversations(Loop& loop, const ClientSettings& settings, const FleetPlan& plan,
                const TalkPlan& talk);

  /// Everyone begins to write.
  void begin();
  /// Sends what is due now; returns the nanoseconds until it should be called again.
  std::uint64_t tick(std::uint64_t now_ns);
  /// Nobody writes any more.
  void stop();
  /// Numbers from the beginning again, in another range: what still comes of the former one is
  /// counted as `foreign`.
  void forget();
  /// Turns the loop for that long, sending what is due.
  void talk_for(double seconds);
  /// Stops, and waits until nothing is missing.
  void drain(double timeout_seconds);

  [[nodiscard]] const TalkCounts& counts() const { return counts_; }
  /// Sent and not arrived, or not acknowledged.
  [[nodiscard]] std::uint64_t missing() const;
  /// Sent and not arrived.
  [[nodiscard]] std::uint64_t lost() const;
  [[nodiscard]] Latency& latency() { return latency_; }
  /// Open loop: how late the messages left this program.
  [[nodiscard]] Latency& lateness() { return lateness_; }

  void on_stanza(Client& client, std::string_view stanza) override;
  void on_ack(Client& client, std::uint32_t handled) override;

 private:
  struct Pair {
    std::string frame;
    std::size_t id_at = 0;
    std::uint64_t sent = 0;
    std::uint64_t arrived = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t completed = 0;
    std::uint64_t forgiven = 0;  // Given up, with another one sent in its place.
    std::uint64_t spared = 0;    // Given up and arrived in the end: nothing is to be sent for it.
    std::uint64_t active_ns = 0;
    std::uint32_t handled_base = 0;  // The sender's stanza count before its first message.
    Sequence sequence;
    std::uint64_t times_base = 0;        // The number of the first of the times.
    std::deque<std::uint64_t> times_ns;  // Of the messages that have not arrived; 0: it has.
  };

  [[nodiscard]] bool parse_number(std::string_view id, std::uint64_t& number) const;
  void send_next(std::size_t index, std::uint64_t meant_ns);
  void take_time(Pair& pair, std::uint64_t number);
  void advance(std::size_t index);
  void give_up(std::uint64_t now_ns);
  std::uint64_t tick_open(std::uint64_t now_ns);
  void wrong(Client& client, std::string_view stanza);

  TalkPlan talk_;
  std::vector<Pair> pairs_;
  std::deque<std::pair<std::uint64_t, std::size_t>> paused_;
  TalkCounts counts_;
  Latency latency_;
  Latency lateness_;
  bool began_ = false;
  bool running_ = false;
  std::uint32_t range_ = 0;  // The first digits of the numbers.
  std::uint64_t began_ns_ = 0;
  std::uint64_t due_ = 0;  // Open loop: how many were due so far.
  std::uint64_t looked_ns_ = 0;
  std::uint32_t shown_ = 0;
};

}  // namespace rookery::load
