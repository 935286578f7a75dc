// Keeps mailboxes and the disk in step: what entered a mailbox and was not acknowledged in time is
// committed in groups; what was acknowledged is settled; what is only on disk is fetched when it is
// to be sent. Tells senders' sessions when a message is safe, and never before.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "router/router_context.h"
#include "router/shard_message.h"
#include "store/mailbox_record.h"
#include "store/message_ages.h"

namespace rookery {

/// Who is told what the store brought.
class MailboxObserver {
 public:
  virtual ~MailboxObserver() = default;
  /// A message of a session on this shard is safe (committed, or acknowledged by the recipient).
  virtual void safe(Handle session, std::uint32_t number) = 0;
  /// Something changed that may let this user's queue move on.
  virtual void mailbox_moved(User& user) = 0;
  /// The page's messages are in memory, or its note is on disk.
  virtual void page_moved(Session& session) = 0;
};

class MailboxKeeper {
 public:
  MailboxKeeper(RouterContext& context, MailboxObserver& observer);

  /// Puts a message into the user's mailbox; it will be committed unless it is settled soon.
  /// Returns its sequence, or 0 when the mailbox is full.
  std::uint64_t accept(User& user, const StanzaRef& stanza);
  /// It is done with, for the reason that `why` says: tells the sender and forgets it, on disk too.
  /// `by`: the session that has acknowledged it.
  void settle(User& user, std::uint64_t sequence, boundary::MessageStepKind why,
              const Session* by = nullptr);
  /// Puts a message back into the queue of its mailbox, because the session it was sent to is gone.
  void requeue(User& user, std::uint64_t sequence);
  /// Empties the mailbox of an account that is removed.
  void clear(User& user);

  /// Starts to read an entry from disk for a session's page; false when the store's queue is full.
  bool fetch(User& user, std::uint64_t sequence, Session& session);
  /// Notes on disk that the page's entries will be sent from `first_number` on.
  void note_page(Session& session);
  /// Notes that are no longer needed: the client acknowledged everything up to `acknowledged`.
  void settle_notes(Session& session, std::uint32_t acknowledged, bool all);

  /// A record found at start. Messages in ascending order.
  void recovered(const RecoveredRecord& record);
  /// All records were seen: notes are matched to messages.
  void recovery_complete();
  /// A session is over whose client has not acknowledged these messages, by its numbers. They are
  /// back in their mailbox; what its client says about them later still counts.
  void session_over(Session& session, std::vector<PastSession::Item> items);
  /// A client tries to resume a session that is over: everything it says to have received is
  /// settled. False when nothing is known of that session.
  bool settle_past(User& user, SessionTag tag, std::uint32_t handled);
  /// Submits what has been settled so far; settled_by() tells when that is on disk. 0: not now.
  [[nodiscard]] std::uint64_t settlement_barrier();
  [[nodiscard]] bool settled_by(std::uint64_t barrier) const;
  /// The message was taken before (see fingerprint in RoutedStanza). If it is not yet safe, its
  /// safety will be told to `origin` from now on; otherwise `already_safe`.
  bool is_duplicate(User& user, const RoutedStanza& routed, bool& already_safe);

  /// Submits what is due. Called once a turn.
  void submit_due();
  /// Takes what the store has completed; false when there was nothing.
  bool apply_completions();
  /// Drops messages that are too old; called now and then by a timer.
  void expire();
  /// When submit_due() has something to do; max when it has not.
  [[nodiscard]] MonoUs next_due() const;
  /// When the oldest message in a mailbox came: seconds since 1970, to the minute; 0: none.
  [[nodiscard]] std::uint64_t oldest_message_s() const { return ages_.oldest_s(); }
  /// Nothing waits to be committed or settled, and nothing is on its way (for a drain).
  [[nodiscard]] bool idle() const;
  /// A message that waits makes its sender wait: commit soon.
  void hurry() { hurried_ = true; }
  /// Submit all that waits now, whatever the delay (for a drain).
  void submit_now();

 private:
  struct Place {
    User* user;
    std::uint64_t sequence;
  };
  struct Batch {
    std::vector<Place> places;
    MonoUs submitted_at = 0;
  };
  struct Note {
    Handle session;
    std::string user;
    std::string payload;
    std::uint32_t last_number;
  };
  struct RecoveredNote {
    std::string user;
    LogSequence place;
    SentRecord note;
  };
  struct Read {
    Place place;
    Handle session;
  };
  /// What is being forgotten on disk. A refused one goes there again in its old place in the order.
  struct Settlement {
    std::uint64_t order;
    std::vector<LogSequence> sequences;
  };
  struct FinishedNote {
    LogSequence place;
    std::uint64_t order;  ///< Of the last settlement before it; 0: not submitted yet.
  };

  void tell_safe(Stanza& stanza);
  void count_entry(const MailboxEntry& entry, int by);
  void count_cached(const MailboxEntry& entry, int by);
  void count_wait(ShardHistogram which, const Stanza& stanza);
  void count_uncommitted(std::int64_t bytes);
  bool submit_messages();
  [[nodiscard]] std::string record_of(const User& user, const Stanza& stanza) const;
  bool submit_settlements();
  bool submit_notes();
  void committed(const StoreEvent& event);
  void note_committed(const StoreEvent& event);
  void batch_committed(Batch& batch, const StoreEvent& event);
  void record_read(const StoreEvent& event);
  void recover_message(const RecoveredRecord& record);
  void note_recovered(const User& user, std::uint64_t sequence, std::string_view stanza);
  void remember(User& user, std::uint64_t fingerprint, std::uint64_t sequence,
                std::uint32_t accepted_s);
  [[nodiscard]] std::uint32_t recognised_seconds() const;
  void forget_past(User& user, const PastSession& session);
  void forget_finished(User& user);
  void forget_on_disk(LogSequence sequence);
  void forget_note(LogSequence place);
  void release_notes();
  bool submit_settlement(Settlement& settlement);
  [[nodiscard]] MonoUs delay() const;

  RouterContext& context_;
  MailboxObserver& observer_;
  std::vector<Place> to_commit_;
  std::unordered_map<std::uint64_t, Batch> batches_;
  std::unordered_map<std::uint64_t, Settlement> settling_;
  std::vector<Settlement> refused_;
  /// Notes wait for the settlement of what they tell of: were they forgotten first, a crash would
  /// leave messages of which nobody knows that they were sent.
  std::vector<FinishedNote> finished_notes_;
  std::unordered_map<std::uint64_t, Note> notes_;
  std::unordered_map<std::uint64_t, Read> reads_;
  std::vector<std::vector<LogSequence>> to_settle_{256};  ///< By store.
  std::vector<Note> notes_to_submit_;
  std::vector<RecoveredNote> recovered_notes_;
  std::uint64_t last_token_ = 0;
  std::size_t settle_count_ = 0;
  MonoUs oldest_commit_ = 0;      ///< When the oldest of to_commit_ entered; 0: none.
  MonoUs oldest_settle_ = 0;      ///< The same of what is to be forgotten.
  MonoUs last_commit_us_ = 1000;  ///< How long the last one took.
  MonoUs retry_at_ = 0;           ///< After a refusal of the disk.
  bool hurried_ = false;
  MessageAges ages_;
};

}  // namespace rookery
