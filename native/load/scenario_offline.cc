// offline: messages to users who are not there. Senders, with acknowledgements, send as fast as
// they are acknowledged, nobody receives; then every recipient logs in and must get each message
// once, in the order of its sender, with a delay stamp; then logs in again and must get nothing.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "load/figures.h"
#include "load/process_stat.h"
#include "load/scenarios.h"
#include "load/sequence.h"
#include "load/talk_player.h"

namespace rookery::load {
namespace {

// Messages for the same recipient from one sender: enough for an order to be wrong.
constexpr std::uint32_t messages_to_each = 10;
constexpr std::uint32_t most_shown = 5;
constexpr std::uint64_t look_ns = 2'000'000;
// Long enough for a duplicate to arrive, and for our acknowledgements to be taken.
constexpr std::uint64_t linger_ns = 1'500'000'000;

struct Sizes {
  std::uint32_t senders = 0;
  std::uint32_t messages = 0;
  std::uint32_t recipients = 0;
  std::uint32_t window = 0;
  double timeout_seconds = 0;

  /// How many recipients a sender takes turns among.
  [[nodiscard]] std::uint32_t targets() const { return std::max(1u, messages / messages_to_each); }
  [[nodiscard]] std::uint32_t recipient_of(std::uint32_t sender, std::uint32_t message) const {
    return (sender * targets() + message % targets()) % recipients;
  }
};

class Senders : public Fleet {
 public:
  Senders(Loop& loop, const ClientSettings& settings, const FleetPlan& plan, const Sizes& sizes,
          const Accounts& accounts, std::uint32_t first_recipient)
      : Fleet(loop, settings, plan),
        sizes_(sizes),
        accounts_(accounts),
        first_recipient_(first_recipient),
        states_(plan.count) {}

  void begin_messages() {
    for (std::size_t index = 0; index < size(); ++index) {
      states_[index].base = at(index).stanzas_sent();
      send_more(index);
    }
  }

  void on_stanza(Client& client, std::string_view stanza) override {
    if (element_name(stanza) != "message") return;
    if (errors_++ < most_shown) {
      std::fprintf(stderr, "%s got %.*s\n", client.address().c_str(),
                   static_cast<int>(std::min<std::size_t>(stanza.size(), 300)), stanza.data());
    }
  }

  void on_ack(Client& client, std::uint32_t handled) override {
    State& state = states_[position(client)];
    if (handled < state.base) return;
    const std::uint32_t now = handled - state.base;
    acknowledged_ += now - state.acknowledged;
    state.acknowledged = now;
    send_more(position(client));
  }

  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint32_t errors() const { return errors_; }

 private:
  struct State {
    std::uint32_t base = 0;
    std::uint32_t sent = 0;
    std::uint32_t acknowledged = 0;
  };

  void send_more(std::size_t index) {
    State& state = states_[index];
    bool any = false;
    while (state.sent < sizes_.messages && state.sent - state.acknowledged < sizes_.window) {
      const std::uint32_t number = state.sent++;
      const std::uint32_t to =
          first_recipient_ + sizes_.recipient_of(static_cast<std::uint32_t>(index), number);
      at(index).send_stanza("<message to='" + accounts_.user(to) + "@" + settings_.domain +
                            "' type='chat' id='" + std::to_string(index) + "-" +
                            std::to_string(number) + "'><body>" + std::string(100, 'x') +
                            "</body></message>");
      ++sent_;
      any = true;
    }
    if (any) at(index).request_ack();
  }

  Sizes sizes_;
  const Accounts& accounts_;
  std::uint32_t first_recipient_;
  std::vector<State> states_;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint32_t errors_ = 0;
};

/// A sender's messages to one recipient are numbered by every `targets`-th of its numbers.
class Recipients : public Fleet {
 public:
  Recipients(Loop& loop, const ClientSettings& settings, const FleetPlan& plan, const Sizes& sizes)
      : Fleet(loop, settings, plan),
        sizes_(sizes),
        sequences_(std::size_t{sizes.senders} * sizes.targets()) {}

  void on_stanza(Client& client, std::string_view stanza) override {
    if (element_name(stanza) != "message") return;
    last_ns_ = monotonic_ns();
    const std::string id(attribute(stanza, "id"));
    const std::size_t dash = id.find('-');
    const auto sender = static_cast<std::uint32_t>(std::atol(id.c_str()));
    const auto number =
        static_cast<std::uint32_t>(dash == id.npos ? 0 : std::atol(id.c_str() + dash + 1));
    if (dash == id.npos || sender >= sizes_.senders || number >= sizes_.messages ||
        sizes_.recipient_of(sender, number) != position(client)) {
      ++foreign_;
      return;
    }
    if (stanza.find("urn:xmpp:delay") == std::string_view::npos) ++without_stamp_;
    const std::uint32_t targets = sizes_.targets();
    Sequence& sequence = sequences_[std::size_t{sender} * targets + number % targets];
    switch (sequence.take(number / targets)) {
      case Arrival::duplicate: ++duplicates_; return;
      case Arrival::late: ++late_; break;
      case Arrival::in_order: break;
    }
    ++received_;
  }

  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] std::uint64_t duplicates() const { return duplicates_; }
  [[nodiscard]] std::uint64_t late() const { return late_; }
  [[nodiscard]] std::uint64_t foreign() const { return foreign_; }
  [[nodiscard]] std::uint64_t without_stamp() const { return without_stamp_; }
  [[nodiscard]] std::uint64_t last_ns() const { return last_ns_; }

 private:
  Sizes sizes_;
  std::vector<Sequence> sequences_;
  std::uint64_t received_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t foreign_ = 0;
  std::uint64_t without_stamp_ = 0;
  std::uint64_t last_ns_ = 0;
};

/// Counts, among what Progress has: `completed` is acknowledged, `unsent` without a delay stamp.
class OfflinePlayer : public Player {
 public:
  OfflinePlayer(Loop& loop, const ClientSettings& settings, const FleetPlan& senders,
                const FleetPlan& recipients, const Sizes& sizes)
      : accounts_(senders.accounts),
        senders_(loop, settings, senders, sizes, accounts_, recipients.first),
        recipients_(loop, settings, recipients, sizes),
        total_(std::uint64_t{sizes.senders} * sizes.messages),
        timeout_ns_(static_cast<std::uint64_t>(sizes.timeout_seconds * 1e9)) {}

  void begin(Phase phase) override {
    phase_ = phase;
    began_ns_ = monotonic_ns();
    if (phase == Phase::log_in) senders_.begin_logins();
    if (phase == Phase::measure) senders_.begin_messages();
    if (phase == Phase::collect || phase == Phase::again) recipients_.begin_logins();
    if (phase == Phase::again) collected_ = true;
    if (phase == Phase::log_out) {
      recipients_.close_all();
      if (collected_) senders_.close_all();
    }
  }

  bool finished() override {
    const std::uint64_t now = monotonic_ns();
    const bool late = now - began_ns_ > timeout_ns_;
    switch (phase_) {
      case Phase::log_in: return senders_.continue_logins();
      case Phase::measure: return late || senders_.acknowledged() >= total_;
      case Phase::collect:
        return recipients_.continue_logins() && (late || recipients_.received() >= total_) &&
               now - recipients_.last_ns() > linger_ns;
      case Phase::again: return recipients_.continue_logins() && now - began_ns_ > 2 * linger_ns;
      default: return now - began_ns_ > linger_ns;
    }
  }

  std::uint64_t tick(std::uint64_t /*now_ns*/) override {
    if (phase_ == Phase::log_in) senders_.continue_logins();
    if (phase_ == Phase::collect || phase_ == Phase::again) recipients_.continue_logins();
    return look_ns;
  }

  void publish(Slot& slot, bool complete) override {
    Progress& progress = slot.progress;
    progress.sent = senders_.sent();
    progress.completed = senders_.acknowledged();
    progress.refused = senders_.errors();
    progress.arrived = recipients_.received();
    progress.duplicates = recipients_.duplicates();
    progress.late = recipients_.late();
    progress.foreign = recipients_.foreign();
    progress.unsent = recipients_.without_stamp();
    Fleet& fleet = phase_ == Phase::log_in || phase_ == Phase::measure
                       ? static_cast<Fleet&>(senders_)
                       : static_cast<Fleet&>(recipients_);
    publish_connections(fleet, slot, complete);
  }

 private:
  Accounts accounts_;
  Senders senders_;
  Recipients recipients_;
  std::uint64_t total_;
  std::uint64_t timeout_ns_;
  Phase phase_ = Phase::none;
  bool collected_ = false;
  std::uint64_t began_ns_ = 0;
};

int measure(const ScenarioOptions& options, const Sizes& sizes) {
  const std::uint32_t processes = options.processes_for(sizes.senders + sizes.recipients);
  if (sizes.senders < processes || sizes.recipients < processes) {
    die("--senders and --recipients are at least --processes");
  }
  if (options.per_account(sizes.senders + sizes.recipients) > 1) die("too few accounts");
  Crew crew(processes, [&](std::uint32_t number, Loop& loop) {
    const FleetPlan senders = options.share(number, processes, sizes.senders, 1, options.first);
    const FleetPlan recipients =
        options.share(number, processes, sizes.recipients, 1, options.first + sizes.senders);
    Sizes own = sizes;
    own.senders = senders.count;
    own.recipients = recipients.count;
    return std::make_unique<OfflinePlayer>(loop, options.settings, senders, recipients, own);
  });
  const std::uint64_t total = std::uint64_t{sizes.senders} * sizes.messages;
  const double wait = options.login_timeout_seconds + 2 * sizes.timeout_seconds;
  if (!crew.carry_out(crew.all(), Phase::log_in, options.login_timeout_seconds,
                      {"logging in", sizes.senders})) {
    die("not every sender could log in");
  }
  crew.run_for(1, "settling");
  Figures figures("offline");
  figures.settings(options.settings);
  const ServerCost cost(options.server);
  const std::uint64_t start = monotonic_ns();
  crew.carry_out(crew.all(), Phase::measure, 2 * sizes.timeout_seconds,
                 {"sending", total, &Totals::completed});
  const auto elapsed_ns = static_cast<double>(monotonic_ns() - start);
  const auto accepted = static_cast<double>(crew.totals(crew.all()).completed);
  figures.count("senders", sizes.senders);
  figures.count("messagesEach", sizes.messages);
  figures.count("recipients", sizes.recipients);
  figures.number("seconds", elapsed_ns / 1e9);
  figures.number("messagesPerSecond", accepted / elapsed_ns * 1e9);
  cost.report(figures, "Message", accepted);
  crew.carry_out(crew.all(), Phase::collect, wait, {"collecting", total, &Totals::arrived});
  crew.carry_out(crew.all(), Phase::log_out, wait, {"logging out"});
  const Totals first = crew.totals(crew.all());
  crew.carry_out(crew.all(), Phase::again, wait, {"logging in again", sizes.recipients});
  const Totals totals = crew.totals(crew.all());
  const std::uint64_t again = totals.duplicates - first.duplicates;
  figures.count("acknowledged", totals.completed);
  figures.count("received", totals.arrived);
  figures.count("lost", totals.completed - std::min(totals.completed, totals.arrived));
  figures.count("errors", totals.refused + totals.foreign);
  figures.count("duplicates", first.duplicates);
  figures.count("outOfOrder", totals.late);
  figures.count("withoutDelayStamp", totals.unsent);
  figures.count("receivedAgain", again);
  figures.print();
  const bool good = totals.completed == total && totals.arrived == total &&
                    totals.duplicates == 0 && totals.late == 0 && totals.unsent == 0 &&
                    totals.refused == 0 && totals.foreign == 0;
  return good ? 0 : 1;
}

}  // namespace

int run_offline(ScenarioOptions& options, Args& args) {
  if (options.settings.protocol != Protocol::compact) options.settings.stream_management = true;
  Sizes sizes;
  sizes.senders = static_cast<std::uint32_t>(args.number("senders", 500));
  sizes.messages = static_cast<std::uint32_t>(args.number("messages", 100));
  sizes.recipients = static_cast<std::uint32_t>(args.number("recipients", 2000));
  sizes.window = static_cast<std::uint32_t>(args.number("window", 100));
  sizes.timeout_seconds = static_cast<double>(args.number("timeout", 60));
  args.finish();
  if (sizes.senders == 0 || sizes.messages == 0 || sizes.recipients == 0 || sizes.window == 0) {
    die("--senders, --messages, --recipients and --window are at least 1");
  }
  return measure(options, sizes);
}

}  // namespace rookery::load
