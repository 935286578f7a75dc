// Rebuilding mailboxes at start, and sessions that are over: what their clients had received.
#include <algorithm>

#include "codec/stanza_scan.h"
#include "router/mailbox_keeper.h"

namespace rookery {
namespace {

// More than these are of clients that never come back for what they had.
constexpr std::size_t max_past_sessions = 4;

PastSession& past_session(User& user, SessionTag tag) {
  if (!user.past) user.past = std::make_unique<std::vector<PastSession>>();
  for (PastSession& session : *user.past) {
    if (session.tag == tag) return session;
  }
  user.past->push_back({tag, {}, {}});
  return user.past->back();
}

}  // namespace

void MailboxKeeper::recovered(const RecoveredRecord& record) {
  if (record.kind == RecordKind::message) {
    recover_message(record);
    return;
  }
  if (record.kind != RecordKind::session) return;
  SentRecord note;
  if (!SentRecord::decode(record.payload, note)) {
    context_.count(Counter::records_corrupt);
    forget_on_disk(record.sequence);
    return;
  }
  recovered_notes_.push_back({std::string(record.user), record.sequence, std::move(note)});
}

void MailboxKeeper::recover_message(const RecoveredRecord& record) {
  MessageRecord message;
  if (!MessageRecord::decode(record.payload, message)) {
    context_.count(Counter::records_corrupt);
    forget_on_disk(record.sequence);
    return;
  }
  User& user = context_.users.find_or_make(record.user);
  MailboxEntry entry;
  entry.log = record.sequence;
  entry.bytes = static_cast<std::uint32_t>(message.stanza.size());
  entry.accepted_s = static_cast<std::uint32_t>(message.accepted_ms / 1000);
  const std::uint32_t accepted_s = entry.accepted_s;
  count_entry(entry, 1);
  const std::uint64_t sequence = user.mail().append(std::move(entry));
  note_recovered(user, sequence, message.stanza);
  if (message.sent_tag != 0) {
    past_session(user, message.sent_tag).items.push_back({message.sent_number, sequence});
  }
  if (message.fingerprint != 0 && accepted_s + recognised_seconds() >= context_.now_s()) {
    remember(user, message.fingerprint, sequence, accepted_s);
  }
}

void MailboxKeeper::note_recovered(const User& user, std::uint64_t sequence,
                                   std::string_view stanza) {
  StanzaView view;
  if (scan_stanza(stanza, context_.session.scan_limits(), view) != StreamError::none) return;
  context_.journal.add({.kind = boundary::MessageStepKind::recovered,
                        .at = context_.session.now,
                        .user = &user,
                        .sequence = sequence,
                        .id = view.id,
                        .who = view.from});
}

void MailboxKeeper::recovery_complete() {
  for (const RecoveredNote& recovered : recovered_notes_) {
    User* user = context_.users.find(recovered.user);
    if (user == nullptr || !user->mailbox) {
      forget_on_disk(recovered.place);
      continue;
    }
    PastSession& session = past_session(*user, recovered.note.tag);
    session.notes.push_back(recovered.place);
    std::uint32_t number = recovered.note.first_number;
    std::uint64_t at = user->mailbox->begin();
    for (const LogSequence log : recovered.note.sequences) {
      // Both lists ascend by log sequence, so one walk finds them all.
      while (at < user->mailbox->end() && user->mailbox->place(at)->log < log) ++at;
      if (at < user->mailbox->end() && user->mailbox->place(at)->log == log) {
        session.items.push_back({number, at});
      }
      ++number;
    }
  }
  recovered_notes_ = {};
}

std::uint32_t MailboxKeeper::recognised_seconds() const {
  return context_.session.config.resume_seconds + retransmission_seconds;
}

void MailboxKeeper::session_over(Session& session, std::vector<PastSession::Item> items) {
  StreamManagement& management = *session.management;
  User& user = *session.user;
  if (!management.resumable || items.empty()) {
    settle_notes(session, 0, true);
    return;
  }
  PastSession past{management.tag, std::move(items), {}};
  for (const SentNote& note : management.notes) past.notes.push_back(note.sequence);
  management.notes.clear();
  if (!user.past) user.past = std::make_unique<std::vector<PastSession>>();
  if (user.past->size() >= max_past_sessions) {
    forget_past(user, user.past->front());
    user.past->erase(user.past->begin());
  }
  user.past->push_back(std::move(past));
}

void MailboxKeeper::forget_past(User& user, const PastSession& session) {
  for (const LogSequence note : session.notes) forget_note(note);
  if (!session.notes.empty()) user.settling = true;
}

void MailboxKeeper::forget_finished(User& user) {
  if (!user.past) return;
  std::erase_if(*user.past, [&](const PastSession& session) {
    const bool waits =
        std::any_of(session.items.begin(), session.items.end(), [&](const PastSession::Item& item) {
          return user.mailbox && user.mailbox->find(item.mailbox_sequence) != nullptr;
        });
    if (!waits) forget_past(user, session);
    return !waits;
  });
  if (user.past->empty()) user.past.reset();
}

std::uint64_t MailboxKeeper::settlement_barrier() {
  // A message that was settled while it was being committed is forgotten when that is over.
  if (!batches_.empty() || !submit_settlements()) return 0;
  return last_token_;
}

bool MailboxKeeper::settled_by(std::uint64_t barrier) const {
  return std::none_of(refused_.begin(), refused_.end(),
                      [barrier](const auto& refused) { return refused.order <= barrier; }) &&
         std::none_of(settling_.begin(), settling_.end(),
                      [barrier](const auto& batch) { return batch.second.order <= barrier; });
}

bool MailboxKeeper::settle_past(User& user, SessionTag tag, std::uint32_t handled) {
  if (!user.past) return false;
  const auto found = std::find_if(user.past->begin(), user.past->end(),
                                  [tag](const PastSession& session) { return session.tag == tag; });
  if (found == user.past->end()) return false;
  for (const PastSession::Item& item : found->items) {
    if (static_cast<std::int32_t>(handled - item.number) >= 0) {
      settle(user, item.mailbox_sequence, boundary::MessageStepKind::acknowledged);
    }
  }
  forget_past(user, *found);
  user.past->erase(found);
  if (user.past->empty()) user.past.reset();
  return true;
}

}  // namespace rookery
