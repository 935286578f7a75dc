// The simulated client's protocol.
#include "sim/sim_client.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/hash.h"
#include "session/sasl.h"

namespace rookery::sim {
namespace {

constexpr SplitLimits split_limits{1u << 20, 64};
constexpr ScanLimits scan_limits{64, 64};
constexpr std::uint32_t max_patience = 4000;
constexpr std::string_view header =
    "<?xml version='1.0'?><stream:stream to='sim' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

std::string attribute_of(const StanzaView& view, std::string_view name) {
  bool found = false;
  return std::string(view.attribute(name, found));
}

}  // namespace

SimClient::SimClient(std::uint32_t index, bool managed, SimInternet& internet, Chance& chance,
                     TransportScratch* transport)
    : index_(index),
      managed_(managed),
      internet_(internet),
      chance_(chance),
      transport_(transport) {}

void SimClient::connect(std::uint32_t epoch) {
  socket_ = internet_.connect(transport_ != nullptr);
  if (socket_ < 0) return;
  ++connection_;
  connection_epoch_ = epoch;
  print("connects in life", std::to_string(epoch));
  patience_ = 0;
  splitter_ = StreamSplitter{};
  partial_.clear();
  stream_managed_ = false;
  if (transport_ != nullptr) {
    connect_compact();
    return;
  }
  state_ = State::greeted;
  send(header);
}

void SimClient::print(const char* what, std::string_view text) const {
  if (!shown_) return;
  std::printf("u%u, connection %u: %s %.*s\n", index_, connection_, what,
              static_cast<int>(text.size()), text.data());
}

void SimClient::lost() {
  print("lost", "");
  if (socket_ >= 0) internet_.client_done(socket_);
  socket_ = -1;
  state_ = State::offline;
}

void SimClient::cut() {
  if (socket_ >= 0) lost();
}

void SimClient::leave() {
  wanted_ = false;
  if (state_ != State::online) {
    lost();
    return;
  }
  // Whoever leaves in order says what it has; should that be lost, it can still resume.
  if (stream_managed_) send("<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(handled_) + "'/>");
  send(compact_ ? "<close xmlns='urn:rookery:compact:1'/>" : "</stream:stream>");
  if (compact_) flush_compact();
  lost();
}

void SimClient::send(std::string_view xml) {
  if (socket_ < 0) return;
  print("sends", xml);
  if (compact_) {
    compact_->send(xml);
    if (chance_.one_in(2)) flush_compact();  // Otherwise it waits for company.
    return;
  }
  internet_.socket(socket_).to_server += xml;
}

void SimClient::send_counted(std::string xml, std::int64_t letter) {
  send(xml);
  if (!stream_managed_) return;
  if (!compact_ && chance_.one_in(2)) send("<r xmlns='urn:xmpp:sm:3'/>");
  unacknowledged_.push_back({std::move(xml), letter});
}

void SimClient::write_to(std::uint32_t recipient, std::uint32_t epoch) {
  if (state_ != State::online) return;
  SentLetter sent;
  sent.letter = {index_, static_cast<std::uint32_t>(sent_.size())};
  sent.to = recipient;
  sent.first_epoch = epoch;
  char xml[200];
  std::snprintf(xml, sizeof xml,
                "<message to='u%u@sim' type='chat' id='%u-%u'><body>%u %u</body></message>",
                recipient, index_, sent.letter.number, index_, sent.letter.number);
  sent_.push_back(sent);
  send_counted(xml, static_cast<std::int64_t>(sent_.size()) - 1);
}

void SimClient::step(std::uint32_t epoch) {
  if (socket_ < 0) {
    if (wanted_ && chance_.one_in(8)) connect(epoch);
    return;
  }
  SimSocket& socket = internet_.socket(socket_);
  if (compact_) {
    if (chance_.one_in(4)) acknowledge_compact();
    flush_compact();
  }
  if (socket.to_client.empty()) {
    if (socket.server_closed || (state_ != State::online && ++patience_ > max_patience)) lost();
    if (!compact_ && stream_managed_ && state_ == State::online && chance_.one_in(16)) {
      send("<r xmlns='urn:xmpp:sm:3'/>");
    }
    return;
  }
  const std::size_t most = socket.to_client.size();
  const std::size_t bytes = chance_.one_in(3) ? 1 + chance_.below(most) : most;
  const std::string chunk = socket.to_client.substr(0, bytes);
  socket.to_client.erase(0, bytes);
  take(chunk, epoch);
}

void SimClient::take(std::string_view bytes, std::uint32_t epoch) {
  trace_ = hash_bytes(bytes, trace_ + 1);
  if (compact_) {
    take_compact(bytes, epoch);
    return;
  }
  print("gets", bytes);
  while (!bytes.empty() && socket_ >= 0) {
    const SplitResult split = splitter_.feed(bytes, split_limits);
    if (split.outcome == SplitOutcome::error) {
      complaint_ = "not a stream: " + std::string(bytes);
      lost();
      return;
    }
    partial_ += bytes.substr(0, split.consumed);
    bytes.remove_prefix(split.consumed);
    if (split.outcome == SplitOutcome::need_more) return;
    const std::string whole = std::move(partial_);
    partial_.clear();
    piece(split.outcome, whole, epoch);
  }
}

void SimClient::piece(SplitOutcome outcome, std::string_view text, std::uint32_t epoch) {
  if (outcome == SplitOutcome::stream_close) {
    lost();
    return;
  }
  if (outcome != SplitOutcome::stanza) return;
  StanzaView view;
  if (scan_stanza(text, scan_limits, view) != StreamError::none) {
    complaint_ = "not well-formed: " + std::string(text);
    return;
  }
  if (view.name == "error" && text.find("stream:error") != std::string_view::npos) {
    complaint_ = std::string(text);
    return;
  }
  if (state_ == State::online) {
    element(view);
  } else {
    negotiate(view, epoch);
  }
}

void SimClient::negotiate(const StanzaView& view, std::uint32_t epoch) {
  switch (state_) {
    case State::greeted: {
      std::string plain(1, '\0');
      plain += "u" + std::to_string(index_);
      plain += '\0';
      plain += "pw";
      send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" +
           base64_encode(plain) + "</auth>");
      state_ = State::authenticating;
      return;
    }
    case State::authenticating:
      if (view.text.find("<temporary-auth-failure/>") != std::string_view::npos) {
        lost();  // too many others log in: it comes again
        return;
      }
      if (view.name != "success") {
        complaint_ = "login refused: " + std::string(view.text);
        lost();
        return;
      }
      splitter_.restart();
      send(header);
      state_ = State::secured;
      return;
    case State::secured:
      if (managed_ && !previous_id_.empty()) {
        send("<resume xmlns='urn:xmpp:sm:3' previd='" + previous_id_ + "' h='" +
             std::to_string(handled_) + "'/>");
      } else {
        send(
            "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            "<resource>r</resource></bind></iq>");
      }
      state_ = State::choosing;
      return;
    case State::choosing:
      if (view.name == "resumed") {
        resumed(view, epoch);
      } else if (view.name == "failed") {
        if (session_epoch_ == epoch) ++timed_out_;
        previous_id_.clear();
        state_ = State::secured;
        negotiate(view, epoch);
      } else {
        bound();
        if (state_ != State::enabling) now_online(epoch);
      }
      return;
    case State::enabling:
      previous_id_ = attribute_of(view, "id");
      begins_managed(epoch);
      return;
    case State::offline:
    case State::online: return;
  }
}

void SimClient::bound() {
  if (managed_) {
    send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    state_ = State::enabling;
  }
}

void SimClient::begins_managed(std::uint32_t epoch) {
  stream_managed_ = true;
  session_epoch_ = epoch;
  handled_ = 0;
  confirmed_ = 0;
  now_online(epoch);
}

void SimClient::now_online(std::uint32_t epoch) {
  state_ = State::online;
  std::deque<Unacknowledged> again;
  again.swap(unacknowledged_);
  send_counted("<presence/>", -1);
  for (Unacknowledged& stanza : again) {
    if (stanza.letter < 0) continue;
    SentLetter& sent = sent_[static_cast<std::size_t>(stanza.letter)];
    if (epoch != sent.first_epoch) sent.again.push_back(epoch);
    send_counted(std::move(stanza.xml), stanza.letter);
  }
}

void SimClient::resumed(const StanzaView& view, std::uint32_t epoch) {
  state_ = State::online;
  stream_managed_ = true;
  handled_by_server(
      static_cast<std::uint32_t>(std::strtoul(attribute_of(view, "h").c_str(), nullptr, 10)));
  for (const Unacknowledged& stanza : unacknowledged_) {
    if (stanza.letter >= 0) {
      SentLetter& sent = sent_[static_cast<std::size_t>(stanza.letter)];
      if (epoch != sent.first_epoch) sent.again.push_back(epoch);
    }
    send(stanza.xml);
  }
  if (!compact_) send("<r xmlns='urn:xmpp:sm:3'/>");
}

void SimClient::handled_by_server(std::uint32_t count) {
  const std::uint32_t fresh = count - confirmed_;
  if (fresh > unacknowledged_.size()) {
    complaint_ = "the server acknowledges more than was sent";
    return;
  }
  for (std::uint32_t index = 0; index < fresh; ++index) {
    const std::int64_t letter = unacknowledged_.front().letter;
    if (letter >= 0) sent_[static_cast<std::size_t>(letter)].acknowledged = true;
    unacknowledged_.pop_front();
  }
  confirmed_ = count;
}

void SimClient::element(const StanzaView& view) {
  if (view.name == "r") {
    if (chance_.one_in(5)) {
      answer_late_ = true;
    } else {
      send("<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(handled_) + "'/>");
    }
    return;
  }
  if (view.name == "a") {
    handled_by_server(
        static_cast<std::uint32_t>(std::strtoul(attribute_of(view, "h").c_str(), nullptr, 10)));
    return;
  }
  ++handled_;
  acknowledgement_due_ = true;
  if (view.kind == StanzaKind::message) letter_arrived(view);
  if (answer_late_) {
    answer_late_ = false;
    send("<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(handled_) + "'/>");
  }
}

void SimClient::letter_arrived(const StanzaView& view) {
  if (view.type == "error") {
    complaint_ = "bounced: " + std::string(view.text);
    return;
  }
  Letter letter;
  if (std::sscanf(std::string(view.id).c_str(), "%u-%u", &letter.from, &letter.number) != 2) {
    complaint_ = "a message that nobody sent: " + std::string(view.text);
    return;
  }
  received_.push_back({letter, connection_epoch_, connection_});
}

}  // namespace rookery::sim
