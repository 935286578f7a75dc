// Sending to sessions, and receipts.
#include "router/delivery.h"

#include <cinttypes>
#include <cstdio>
#include <ctime>

#include "codec/xml_text.h"
#include "stats/probes.h"

namespace rookery {

using boundary::MessageStepKind;

namespace {

constexpr std::size_t max_awaited_messages = 512;
constexpr std::size_t page_messages = 128;
constexpr std::size_t page_bytes = 512 * 1024;
constexpr std::size_t max_inactive_stanzas = 1000;
constexpr std::size_t max_inactive_bytes = 256 * 1024;

/// `2002-09-10T23:08:25.123Z` (XEP-0082).
void append_stamp(std::string& out, WallMs at_ms) {
  const auto seconds = static_cast<std::time_t>(at_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[96];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<unsigned>(at_ms % 1000));
  out += text;
}

void append_number(std::string& out, std::uint32_t value) {
  char text[12];
  std::snprintf(text, sizeof text, "%" PRIu32, value);
  out += text;
}

}  // namespace

Delivery::Delivery(RouterContext& context, MailboxKeeper& keeper)
    : context_(context), keeper_(keeper) {}

void Delivery::in_turn(Session& session) {
  if (session.in_turn_list) return;
  session.in_turn_list = true;
  turn_.push_back(session.handle);
}

void Delivery::write(Session& session, const Stanza& stanza) {
  context_.count(Counter::stanzas_out);
  const std::string_view bytes = stanza.bytes();
  context_.trace(session, true, bytes);
  if (!stanza.delayed) {
    context_.io.write(*session.connection, bytes);
    return;
  }
  const std::size_t end_tag = bytes.rfind("</");
  composed_ = bytes.substr(0, end_tag);
  composed_ += "<delay xmlns='urn:xmpp:delay'";
  append_attribute(composed_, "from", context_.domain());
  composed_ += " stamp='";
  append_stamp(composed_, stanza.accepted_ms);
  composed_ += "'/>";
  composed_ += bytes.substr(end_tag);
  context_.io.write(*session.connection, composed_);
}

void Delivery::send(Session& session, std::string_view xml) {
  if (session.ending) return;
  if (session.management) {
    send(session, Stanza::make(xml));
    return;
  }
  if (session.connection == nullptr) return;
  context_.count(Counter::stanzas_out);
  context_.trace(session, true, xml);
  context_.io.write(*session.connection, xml);
}

void Delivery::send(Session& session, const StanzaRef& stanza) {
  if (session.ending) return;
  if (!session.management) {
    if (session.connection != nullptr) write(session, *stanza);
    return;
  }
  StreamManagement& management = *session.management;
  const std::size_t held = session.page ? session.page->held.size() : 0;
  const auto& config = context_.session.config;
  if (management.window.size() + held >= config.max_unacknowledged_stanzas * 2 ||
      management.window_bytes >= config.max_output_bytes) {
    // The window is the only place where this stanza could wait, and it is full.
    if (!management.overflowed) overflowed_.push_back(session.handle);
    management.overflowed = true;
    return;
  }
  if (session.page && session.page->first_number != 0) {
    management.window_bytes += stanza->bytes().size();
    session.page->held.push_back(stanza);
    return;
  }
  ++management.sent;
  management.window_bytes += stanza->bytes().size();
  management.window.push_back(stanza);
  if (session.connection == nullptr) return;
  write(session, *stanza);
  in_turn(session);
}

void Delivery::send_presence(Session& session, std::string_view xml) {
  if (!session.client_inactive) {
    send(session, xml);
    return;
  }
  if (session.inactive && (session.inactive->stanzas.size() >= max_inactive_stanzas ||
                           session.inactive->bytes >= max_inactive_bytes)) {
    release_inactive(session);
  }
  if (!session.inactive) session.inactive = std::make_unique<InactivePresence>();
  session.inactive->bytes += xml.size();
  session.inactive->stanzas.push_back(Stanza::make(xml));
}

void Delivery::release_inactive(Session& session) {
  if (!session.inactive) return;
  const std::unique_ptr<InactivePresence> held = std::move(session.inactive);
  for (const StanzaRef& stanza : held->stanzas) send(session, stanza);
}

bool Delivery::can_take(const Session& session) const {
  if (session.connection == nullptr || session.ending || session.page) return false;
  if (session.connection->state != StreamState::session) return false;
  const auto& config = context_.session.config;
  if (session.management) {
    // Half of the limit, so that the rest of the window is left to what cannot wait elsewhere, and
    // a resumption may send all of it again.
    return session.management->window.size() < config.max_unacknowledged_stanzas &&
           session.management->window_bytes < config.max_output_bytes / 2;
  }
  const PendingOutput* output = session.connection->output.get();
  if (output != nullptr &&
      output->wire.size() + output->plain.size() > config.max_output_bytes / 2) {
    return false;
  }
  return session.awaited.size() < max_awaited_messages;
}

Session* Delivery::best_taker(const User& user) const {
  Session* best = nullptr;
  for (Session* session : user.sessions) {
    if (!session->takes_messages() || session->ending || session->connection == nullptr) continue;
    if (best == nullptr || session->priority > best->priority ||
        (session->priority == best->priority && session->activity > best->activity)) {
      best = session;
    }
  }
  return best != nullptr && can_take(*best) ? best : nullptr;
}

void Delivery::send_message(Session& session, StanzaRef stanza) {
  stanza->owner = session.handle;
  context_.count(Counter::messages_delivered);
  probes::message_delivered(context_.session.id, session.user->name.c_str(),
                            stanza->mailbox_sequence, session.resource.c_str());
  // What waited in the mailbox did so for its recipient, not for us.
  if (!stanza->delayed && stanza->received_us != 0) handed_over_.push_back(stanza->received_us);
  context_.note(MessageStepKind::sent, *session.user, stanza->mailbox_sequence, &session);
  if (session.management) {
    StreamManagement& management = *session.management;
    stanza->sent_number = ++management.sent;
    write(session, *stanza);
    management.window_bytes += stanza->bytes().size();
    management.window.push_back(std::move(stanza));
    in_turn(session);
    return;
  }
  write(session, *stanza);
  session.awaited.push_back({0, std::move(stanza)});
  if (!session.in_awaited_list) {
    session.in_awaited_list = true;
    awaited_.push_back(session.handle);
  }
}

void Delivery::pump(User& user) {
  if (!user.mailbox) return;
  Mailbox& mailbox = *user.mailbox;
  while (mailbox.anything_queued()) {
    const std::uint64_t sequence = mailbox.cursor();
    MailboxEntry* entry = mailbox.find(sequence);
    if (entry == nullptr || !entry->queued() || entry->reading) {
      if (entry != nullptr && entry->reading) return;
      mailbox.set_cursor(sequence + 1);
      continue;
    }
    Session* taker = nullptr;
    if (entry->stanza && entry->stanza->preferred.valid()) {
      taker = context_.session.sessions.get(entry->stanza->preferred);
      if (taker != nullptr && (taker->connection == nullptr || taker->ending)) taker = nullptr;
      if (taker != nullptr && !can_take(*taker)) return;
    }
    if (taker == nullptr) taker = best_taker(user);
    if (taker == nullptr) return;
    const bool in_memory = static_cast<bool>(entry->stanza);
    if (taker->management && entry->submitted) return;  // its completion brings us back
    if (in_memory && (!taker->management || entry->log == 0)) {
      mailbox.set_cursor(sequence + 1);
      entry->stanza->delayed = true;
      send_message(*taker, entry->stanza);
      continue;
    }
    start_page(user, *taker);
    return;
  }
}

void Delivery::start_page(User& user, Session& session) {
  Mailbox& mailbox = *user.mailbox;
  session.page = std::make_unique<Page>();
  Page& page = *session.page;
  std::size_t bytes = 0;
  for (std::uint64_t at = mailbox.cursor();
       at < mailbox.end() && page.sequences.size() < page_messages && bytes < page_bytes; ++at) {
    MailboxEntry* entry = mailbox.find(at);
    if (entry == nullptr || !entry->queued()) continue;
    if (entry->log == 0 || entry->reading) break;
    if (entry->stanza) {
      entry->stanza->owner = session.handle;
    } else if (keeper_.fetch(user, at, session)) {
      ++page.reads_open;
    } else {
      break;  // the store is busy: what got this far goes out, the rest follows
    }
    bytes += entry->bytes;
    page.sequences.push_back(at);
    mailbox.set_cursor(at + 1);
  }
  if (page.sequences.empty()) {
    session.page.reset();
    stalled_.push_back(&user);
  } else if (page.reads_open == 0) {
    page_moved(session);
  }
}

void Delivery::page_moved(Session& session) {
  Page& page = *session.page;
  if (page.reads_open > 0) return;
  if (session.connection == nullptr) return;  // resumed later, or given back
  if (session.management && !page.noted) {
    if (page.first_number == 0) keeper_.note_page(session);
    return;
  }
  send_page(session);
}

void Delivery::send_page(Session& session) {
  const std::unique_ptr<Page> page = std::move(session.page);
  for (const std::uint64_t sequence : page->sequences) {
    MailboxEntry* entry = session.user->mail().find(sequence);
    if (entry == nullptr || !entry->stanza) continue;
    entry->stanza->delayed = true;
    send_message(session, entry->stanza);
  }
  for (const StanzaRef& stanza : page->held) {
    if (session.management) session.management->window_bytes -= stanza->bytes().size();
    send(session, stanza);
  }
  pump(*session.user);
}

bool Delivery::acknowledge(Session& session, std::uint32_t handled) {
  const std::uint32_t before = session.management->acknowledged;
  if (!settle_window(session, handled)) return false;
  if (handled != before && session.user->mailbox && session.user->mailbox->anything_queued()) {
    pump(*session.user);
  }
  return true;
}

bool Delivery::settle_window(Session& session, std::uint32_t handled) {
  StreamManagement& management = *session.management;
  const std::uint32_t fresh = handled - management.acknowledged;
  if (fresh > management.window.size()) return false;
  management.request_open = false;
  management.acknowledged = handled;
  for (std::uint32_t index = 0; index < fresh; ++index) {
    const StanzaRef stanza = management.window.front();
    management.window.pop_front();
    management.window_bytes -= stanza->bytes().size();
    if (stanza->mailbox_sequence != 0)
      keeper_.settle(*session.user, stanza->mailbox_sequence, MessageStepKind::acknowledged,
                     &session);
  }
  if (!management.notes.empty()) keeper_.settle_notes(session, handled, false);
  // A client that has answered and still counts too few (some do not count what they take for an
  // answer) is not asked again before there is something new to ask about: it would go on for ever.
  const bool worth_asking = fresh > 0 || management.sent != management.requested_at;
  if (!management.window.empty() && worth_asking) in_turn(session);
  return true;
}

void Delivery::asked(Session& session) {
  StreamManagement& management = *session.management;
  if (!management.answer_owed) management.first_asked_at = management.received;
  management.answer_owed = true;
  management.asked_at = management.received;
  in_turn(session);
}

void Delivery::safe(Session& session, std::uint32_t number) {
  StreamManagement& management = *session.management;
  auto& unsafe = management.unsafe;
  if (unsafe.empty()) return;
  // Numbers in the list ascend (modulo 2^32); those before it are safe already.
  std::size_t low = 0;
  std::size_t high = unsafe.size();
  const std::uint32_t first = unsafe.front().number;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (unsafe[middle].number - first < number - first) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low < unsafe.size() && unsafe[low].number == number) unsafe[low].safe = true;
  if (management.answer_owed) in_turn(session);
}

bool Delivery::resume(Session& session, std::uint32_t handled) {
  // Nothing new may be sent before the old is sent again, or it would be sent twice.
  if (!settle_window(session, handled)) return false;
  StreamManagement& management = *session.management;
  for (std::size_t index = 0; index < management.window.size(); ++index) {
    write(session, *management.window[index]);
  }
  management.request_open = false;
  if (!management.window.empty()) in_turn(session);
  return true;
}

void Delivery::give_back(Session& session) {
  User& user = *session.user;
  if (session.management) {
    auto& window = session.management->window;
    std::uint32_t number = session.management->acknowledged;
    std::vector<PastSession::Item> items;
    while (!window.empty()) {
      const StanzaRef stanza = window.front();
      window.pop_front();
      ++number;
      if (stanza->mailbox_sequence != 0 && stanza->owner == session.handle) {
        items.push_back({number, stanza->mailbox_sequence});
        keeper_.requeue(user, stanza->mailbox_sequence);
      }
    }
    keeper_.session_over(session, std::move(items));
  }
  while (!session.awaited.empty()) {
    keeper_.requeue(user, session.awaited.front().stanza->mailbox_sequence);
    session.awaited.pop_front();
  }
  if (session.page) {
    for (const std::uint64_t sequence : session.page->sequences) {
      keeper_.requeue(user, sequence);
      if (user.mailbox && sequence < user.mailbox->cursor()) user.mailbox->set_cursor(sequence);
    }
    session.page.reset();
  }
}

void Delivery::ask_tcp() {
  std::vector<Handle> asked;
  asked.swap(awaited_);  // what is sent meanwhile enters the list anew
  for (const Handle handle : asked) {
    Session* session = context_.session.sessions.get(handle);
    if (session == nullptr) continue;
    if (session->connection == nullptr || session->ending || session->awaited.empty()) {
      session->in_awaited_list = false;
      continue;
    }
    if (settle_received(*session) && session->user->mailbox->anything_queued()) {
      pump(*session->user);
    }
    session->in_awaited_list = !session->awaited.empty();
    if (session->in_awaited_list) awaited_.push_back(handle);
  }
}

bool Delivery::settle_received(Session& session) {
  const Connection& connection = *session.connection;
  const std::uint64_t unacknowledged =
      context_.session.network.unacknowledged(connection.descriptor);
  const std::uint64_t received =
      connection.wire_sent > unacknowledged ? connection.wire_sent - unacknowledged : 0;
  bool moved = false;
  while (!session.awaited.empty()) {
    const AwaitedByTcp& oldest = session.awaited.front();
    if (oldest.position == 0 || oldest.position > received) break;
    keeper_.settle(*session.user, oldest.stanza->mailbox_sequence, MessageStepKind::acknowledged,
                   &session);
    session.awaited.pop_front();
    moved = true;
  }
  return moved;
}

void Delivery::count_handed_over(MonoUs now) {
  for (const MonoUs received : handed_over_) {
    // Another shard's reading of the same clock may be a moment ahead of ours.
    context_.session.stats.record(ShardHistogram::handover_us, now > received ? now - received : 0);
  }
  handed_over_.clear();
}

void Delivery::finish_turn() {
  std::vector<User*> stalled;
  stalled.swap(stalled_);
  for (User* user : stalled) pump(*user);
  for (std::size_t index = 0; index < turn_.size(); ++index) {
    Session* session = context_.session.sessions.get(turn_[index]);
    if (session == nullptr) continue;
    session->in_turn_list = false;
    if (session->connection == nullptr || session->ending) continue;
    StreamManagement& management = *session->management;
    if (management.answer_owed) {
      const std::uint32_t safe = management.safe_count();
      const auto reached = [safe](std::uint32_t count) { return safe - count < 0x80000000u; };
      const bool complete = reached(management.asked_at);
      // An answer that satisfies no question would only cost a packet.
      if (reached(management.first_asked_at)) {
        composed_ = "<a xmlns='urn:xmpp:sm:3' h='";
        append_number(composed_, safe);
        composed_ += "'/>";
        context_.io.write(*session->connection, composed_);
        management.last_told = safe;
        management.answer_owed = !complete;
        management.first_asked_at = safe + 1;
      }
    }
    if (!management.unasked && !management.window.empty() && !management.request_open) {
      context_.io.write(*session->connection, "<r xmlns='urn:xmpp:sm:3'/>");
      management.request_open = true;
      management.requested_at = management.sent;
    }
  }
  turn_.clear();
}

}  // namespace rookery
