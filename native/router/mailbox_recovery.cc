// Rebuilding mailboxes at start, and settling what a client received before a crash.
#include <algorithm>

#include "router/mailbox_keeper.h"

namespace rookery {
namespace {

RecoveredSession& recovered_session(User& user, SessionTag tag) {
  if (!user.recovered) user.recovered = std::make_unique<std::vector<RecoveredSession>>();
  for (RecoveredSession& session : *user.recovered) {
    if (session.tag == tag) return session;
  }
  user.recovered->push_back({tag, {}, {}});
  return user.recovered->back();
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
  context_.count(Counter::mailbox_now);
  context_.count(Counter::mailbox_bytes, entry.bytes);
  const std::uint64_t sequence = user.mail().append(std::move(entry));
  if (message.sent_tag != 0) {
    recovered_session(user, message.sent_tag).items.push_back({message.sent_number, sequence});
  }
  if (message.fingerprint != 0 && accepted_s + retransmission_seconds >= context_.now_s()) {
    remember(user, message.fingerprint, sequence, accepted_s);
  }
}

void MailboxKeeper::recovery_complete() {
  for (const RecoveredNote& recovered : recovered_notes_) {
    User* user = context_.users.find(recovered.user);
    if (user == nullptr || !user->mailbox) {
      forget_on_disk(recovered.place);
      continue;
    }
    RecoveredSession& session = recovered_session(*user, recovered.note.tag);
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

void MailboxKeeper::forget_recovered(User& user) {
  if (!user.recovered) return;
  for (const RecoveredSession& session : *user.recovered) {
    for (const LogSequence note : session.notes) forget_on_disk(note);
  }
  user.recovered.reset();
}

std::uint64_t MailboxKeeper::settlement_barrier() {
  // A message that was settled while it was being committed is forgotten when that is over.
  if (!batches_.empty() || !submit_settlements()) return 0;
  return last_token_;
}

bool MailboxKeeper::settled_by(std::uint64_t barrier) const {
  // What the disk refused goes there again under a later token.
  if (oldest_refused_ != 0 && oldest_refused_ <= barrier) return false;
  return std::none_of(settling_.begin(), settling_.end(),
                      [barrier](const auto& batch) { return batch.first <= barrier; });
}

bool MailboxKeeper::settle_recovered(User& user, SessionTag tag, std::uint32_t handled) {
  if (!user.recovered) return false;
  const auto found =
      std::find_if(user.recovered->begin(), user.recovered->end(),
                   [tag](const RecoveredSession& session) { return session.tag == tag; });
  if (found == user.recovered->end()) return false;
  for (const RecoveredSession::Item& item : found->items) {
    if (static_cast<std::int32_t>(handled - item.number) >= 0) {
      settle(user, item.mailbox_sequence);
    }
  }
  for (const LogSequence note : found->notes) forget_on_disk(note);
  user.recovered->erase(found);
  if (user.recovered->empty()) user.recovered.reset();
  return true;
}

}  // namespace rookery
