// Rows go through the ring of events with all other events. They leave half of it free: chat and
// logins come before curiosity.
#include "router/inquiries.h"

#include <algorithm>
#include <cstring>

#include "codec/stanza_scan.h"

namespace rookery {
namespace {

constexpr std::uint32_t most_rows = 1000;
constexpr std::size_t most_sweeps = 8;
constexpr std::size_t parts_per_turn = 512;

boundary::MailboxPlace place_of(const MailboxEntry& entry) {
  if (entry.log != 0) return boundary::MailboxPlace::disk;
  return entry.submitted ? boundary::MailboxPlace::committing : boundary::MailboxPlace::memory;
}

}  // namespace

bool Inquiries::offer(const std::string& row) {
  fits_ = fits_ && !context_.links.events_pressing() && context_.links.offer_event(row);
  return fits_;
}

void Inquiries::done(std::uint64_t inquiry, bool truncated) {
  std::string row;
  boundary::InquiryDone{inquiry, static_cast<std::uint8_t>(truncated || !fits_)}.encode(row);
  context_.links.event(row);
  fits_ = true;
}

void Inquiries::find_message(const boundary::FindMessage& asked) {
  // The journal keeps the loop's time; operators want the wall's.
  const std::uint64_t wall_us = context_.session.clock.wall_ms() * 1000;
  std::uint32_t rows = 0;
  std::string row;
  context_.journal.find(asked.id, [&](const MessageStep& step) {
    if (++rows > most_rows) return;
    row.clear();
    boundary::MessageStep{asked.inquiry,
                          step.user->name,
                          step.sequence,
                          step.kind,
                          wall_us - (context_.session.now - step.at),
                          step.id,
                          step.who,
                          step.way}
        .encode(row);
    offer(row);
  });
  done(asked.inquiry, rows > most_rows);
}

void Inquiries::session_row(std::uint64_t inquiry, const Session& session) {
  boundary::SessionRow row;
  row.inquiry = inquiry;
  row.user = session.user->name;
  row.resource = session.resource;
  row.session = session.handle.bits;
  std::string address;
  if (session.connection != nullptr) {
    PeerAddress peer;
    std::memcpy(peer.ip, session.connection->peer_address, sizeof peer.ip);
    address = peer.text();
    row.way = way_of(*session.connection);
  }
  row.address = address;
  row.bound_s = session.bound_s;
  row.available = session.available ? 1 : 0;
  row.priority = static_cast<std::uint8_t>(session.priority);
  if (session.management) {
    row.managed = 1;
    row.unacknowledged = static_cast<std::uint32_t>(session.management->window.size());
    row.unacknowledged_bytes = session.management->window_bytes;
  } else {
    row.unacknowledged = static_cast<std::uint32_t>(session.awaited.size());
  }
  std::string record;
  row.encode(record);
  offer(record);
}

void Inquiries::list_sessions(const boundary::ListSessions& asked) {
  const std::uint32_t limit = std::min(asked.limit, most_rows);
  std::uint32_t rows = 0;
  if (!asked.user.empty()) {
    if (const User* user = context_.users.find(asked.user)) {
      for (const Session* session : user->sessions) {
        if (++rows <= limit) session_row(asked.inquiry, *session);
      }
    }
    done(asked.inquiry, rows > limit);
    return;
  }
  context_.session.sessions.first(
      limit, [&](const Session& session) { session_row(asked.inquiry, session); });
  done(asked.inquiry, context_.session.sessions.size() > limit);
}

bool Inquiries::offer_backlog(std::uint64_t inquiry, const User& user) {
  boundary::Backlog row;
  row.inquiry = inquiry;
  row.user = user.name;
  row.exists = user.exists() ? 1 : 0;
  row.sessions = static_cast<std::uint32_t>(user.sessions.size());
  if (user.mailbox) {
    row.messages = user.mailbox->live();
    row.bytes = user.mailbox->bytes();
    if (const MailboxEntry* oldest = user.mailbox->place(user.mailbox->begin())) {
      row.oldest_s = oldest->gone ? 0 : oldest->accepted_s;
    }
  }
  std::string record;
  row.encode(record);
  return offer(record);
}

void Inquiries::show_mailbox(const boundary::ShowMailbox& asked) {
  const User* user = context_.users.find(asked.user);
  if (user == nullptr) {
    done(asked.inquiry, false);
    return;
  }
  offer_backlog(asked.inquiry, *user);
  const std::uint32_t limit = std::min(asked.limit, most_rows);
  std::uint32_t rows = 0;
  std::string record;
  for (std::uint64_t at = user->mailbox ? user->mailbox->begin() : 0;
       user->mailbox && at < user->mailbox->end() && rows < limit; ++at) {
    const MailboxEntry* entry = user->mailbox->find(at);
    if (entry == nullptr) continue;
    ++rows;
    boundary::MailboxRow row;
    row.inquiry = asked.inquiry;
    row.sequence = at;
    row.accepted_s = entry->accepted_s;
    row.bytes = entry->bytes;
    row.place = place_of(*entry);
    StanzaView view;
    if (entry->stanza) {
      const Session* session = context_.session.sessions.get(entry->stanza->owner);
      if (session != nullptr) row.sent_to = session->resource;
      const ScanLimits limits = context_.session.scan_limits();
      if (scan_stanza(entry->stanza->bytes(), limits, view) == StreamError::none) row.id = view.id;
    }
    record.clear();
    row.encode(record);
    if (!offer(record)) break;
  }
  done(asked.inquiry, user->mailbox && user->mailbox->live() > rows);
}

void Inquiries::list_backlogs(const boundary::ListBacklogs& asked) {
  if (sweeps_.size() >= most_sweeps) {
    done(asked.inquiry, true);
    return;
  }
  sweeps_.push_back({asked.inquiry, std::min(asked.limit, most_rows), 0, {}});
}

void Inquiries::look_at(Sweep& sweep, const User& user) {
  const Backlog found{user.mailbox ? user.mailbox->live() : 0, &user};
  if (found.messages == 0 || sweep.limit == 0) return;
  auto& heap = sweep.fullest;
  if (heap.size() == sweep.limit) {
    if (!fuller(found, heap.front())) return;
    std::pop_heap(heap.begin(), heap.end(), fuller);
    heap.pop_back();
  }
  heap.push_back(found);
  std::push_heap(heap.begin(), heap.end(), fuller);
}

void Inquiries::go_on() {
  if (sweeps_.empty()) return;
  Sweep& sweep = sweeps_.front();
  const std::size_t end = std::min(sweep.next_part + parts_per_turn, context_.users.parts());
  for (; sweep.next_part < end; ++sweep.next_part) {
    context_.users.visit_part(sweep.next_part, [&](const User& user) { look_at(sweep, user); });
  }
  if (sweep.next_part < context_.users.parts()) return;
  std::sort_heap(sweep.fullest.begin(), sweep.fullest.end(), fuller);
  for (const Backlog& found : sweep.fullest) offer_backlog(sweep.inquiry, *found.user);
  done(sweep.inquiry, false);
  sweeps_.erase(sweeps_.begin());
}

void RouterContext::report_traced(const Session& of, bool outgoing, std::string_view stanza) {
  std::string event;
  boundary::Traced{of.user->name, of.resource, static_cast<std::uint8_t>(outgoing),
                   session.clock.wall_ms() * 1000, stanza}
      .encode(event);
  if (links.events_pressing() || !links.offer_event(event)) count(Counter::traces_dropped);
}

}  // namespace rookery
