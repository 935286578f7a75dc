// Group commit, settlement and fetching. The one rule: tell_safe() is called from two places only,
// the completion of a commit and the recipient's acknowledgement.
#include "router/mailbox_keeper.h"

#include <algorithm>
#include <limits>

#include "router/shard_message.h"
#include "stats/probes.h"

namespace rookery {

using boundary::MessageStepKind;

namespace {

constexpr std::size_t max_batch_records = 8192;
constexpr std::size_t max_batch_bytes = 4 * 1024 * 1024;
constexpr MonoUs least_delay_us = 300;
constexpr unsigned unhurried_factor = 4;
constexpr MonoUs settle_delay_us = 20'000;
constexpr MonoUs retry_delay_us = 100'000;
constexpr std::size_t settle_batch = 4096;

}  // namespace

MailboxKeeper::MailboxKeeper(RouterContext& context, MailboxObserver& observer)
    : context_(context), observer_(observer) {}

std::uint64_t MailboxKeeper::accept(User& user, const StanzaRef& stanza) {
  Mailbox& mailbox = user.mail();
  const auto& config = context_.session.config;
  const auto size = static_cast<std::uint32_t>(stanza->bytes().size());
  // A disk that refuses empties nothing; one that is only slow makes senders wait (slow_down).
  const bool stuck = context_.session.admission.disk_refuses.load(std::memory_order_relaxed) &&
                     context_.session.too_much_uncommitted();
  if (stuck || mailbox.live() >= config.max_mailbox_messages ||
      mailbox.bytes() + size > config.max_mailbox_bytes) {
    context_.count(Counter::mailbox_full);
    return 0;
  }
  stanza->accepted_ms = context_.session.clock.wall_ms();
  MailboxEntry entry;
  entry.bytes = size;
  entry.accepted_s = static_cast<std::uint32_t>(stanza->accepted_ms / 1000);
  entry.stanza = stanza;
  count_entry(entry, 1);
  count_cached(entry, 1);
  const std::uint64_t sequence = mailbox.append(std::move(entry));
  stanza->mailbox_sequence = sequence;
  if (stanza->fingerprint != 0) {
    remember(user, stanza->fingerprint, sequence,
             static_cast<std::uint32_t>(stanza->accepted_ms / 1000));
  }
  if (stanza->origin.valid()) hurried_ = true;
  to_commit_.push_back({&user, sequence});
  count_uncommitted(size);
  if (oldest_commit_ == 0) oldest_commit_ = context_.session.now;
  context_.count(Counter::mailbox_in);
  probes::message_accepted(context_.session.id, user.name.c_str(), sequence, size);
  return sequence;
}

void MailboxKeeper::count_entry(const MailboxEntry& entry, int by) {
  context_.count(Counter::mailbox_now, by);
  context_.count(Counter::mailbox_bytes, by * static_cast<std::int64_t>(entry.bytes));
  if (by > 0) {
    ages_.add(entry.accepted_s);
  } else {
    ages_.remove(entry.accepted_s);
  }
}

void MailboxKeeper::count_cached(const MailboxEntry& entry, int by) {
  context_.count(Counter::mailbox_cached, by);
  context_.count(Counter::mailbox_cached_bytes, by * static_cast<std::int64_t>(entry.bytes));
}

void MailboxKeeper::count_wait(ShardHistogram which, const Stanza& stanza) {
  if (stanza.received_us == 0) return;
  const MonoUs now = context_.session.now;
  // Another shard's reading of the same clock may be a moment ahead of ours.
  const MonoUs wait = now > stanza.received_us ? now - stanza.received_us : 0;
  context_.session.stats.record(which, wait);
}

void MailboxKeeper::count_uncommitted(std::int64_t bytes) {
  context_.session.admission.uncommitted_bytes.fetch_add(bytes, std::memory_order_relaxed);
}

void MailboxKeeper::remember(User& user, std::uint64_t fingerprint, std::uint64_t sequence,
                             std::uint32_t accepted_s) {
  if (!user.recent) user.recent = std::make_unique<RecentMessages>();
  const std::uint32_t keep = recognised_seconds();
  user.recent->add({fingerprint, sequence, accepted_s}, accepted_s > keep ? accepted_s - keep : 0);
}

bool MailboxKeeper::is_duplicate(User& user, const RoutedStanza& routed, bool& already_safe) {
  if (!user.recent || routed.fingerprint == 0) return false;
  const RecentMessage* message = user.recent->find(routed.fingerprint);
  if (message == nullptr) return false;
  MailboxEntry* entry = user.mail().find(message->mailbox_sequence);
  already_safe = entry == nullptr || entry->log != 0;
  if (!already_safe && entry->stanza) {
    entry->stanza->origin = routed.origin;
    entry->stanza->origin_number = routed.origin_number;
    hurried_ = true;
  }
  context_.count(Counter::messages_duplicate);
  return true;
}

void MailboxKeeper::tell_safe(Stanza& stanza) {
  if (!stanza.origin.valid()) return;
  const Handle origin = std::exchange(stanza.origin, Handle{});
  if (origin.shard() == context_.session.id) {
    observer_.safe(origin, stanza.origin_number);
    return;
  }
  std::string record;
  SafeNotice{origin, stanza.origin_number}.encode(record);
  context_.links.reply(origin.shard(), record);
}

void MailboxKeeper::forget_on_disk(LogSequence sequence) {
  to_settle_[sequence >> 56].push_back(sequence);
  ++settle_count_;
  if (oldest_settle_ == 0) oldest_settle_ = context_.session.now;
}

void MailboxKeeper::settle(User& user, std::uint64_t sequence, MessageStepKind why,
                           const Session* by) {
  if (!user.mailbox) return;
  MailboxEntry* entry = user.mailbox->find(sequence);
  if (entry == nullptr) return;
  context_.note(why, user, sequence, by);
  probes::message_settled(context_.session.id, user.name.c_str(), sequence,
                          static_cast<std::uint32_t>(why));
  if (entry->stanza) {
    if (why == MessageStepKind::acknowledged) {
      if (entry->log == 0) count_wait(ShardHistogram::safe_us, *entry->stanza);
      if (!entry->stanza->delayed) count_wait(ShardHistogram::delivered_us, *entry->stanza);
    }
    tell_safe(*entry->stanza);
    count_cached(*entry, -1);
  }
  if (entry->log != 0 || entry->submitted) user.settling = true;
  if (entry->log != 0) {
    forget_on_disk(entry->log);
  } else {
    count_uncommitted(-static_cast<std::int64_t>(entry->bytes));
    if (!entry->submitted) context_.count(Counter::never_on_disk);
  }
  context_.count(Counter::mailbox_acked);
  count_entry(*entry, -1);
  user.mailbox->settle(sequence);
}

void MailboxKeeper::requeue(User& user, std::uint64_t sequence) {
  if (!user.mailbox) return;
  MailboxEntry* entry = user.mailbox->find(sequence);
  if (entry == nullptr || !entry->stanza) return;
  if (entry->stanza->owner.valid()) context_.note(MessageStepKind::returned, user, sequence);
  entry->stanza->owner = Handle{};
  entry->stanza->preferred = Handle{};
  entry->stanza->sent_number = 0;
  entry->stanza->delayed = true;
  if (entry->log != 0) {
    count_cached(*entry, -1);
    entry->stanza.reset();
  }
  if (sequence < user.mailbox->cursor()) user.mailbox->set_cursor(sequence);
}

void MailboxKeeper::clear(User& user) {
  if (!user.mailbox) return;
  for (std::uint64_t at = user.mailbox->begin(); at < user.mailbox->end(); ++at) {
    settle(user, at, MessageStepKind::removed);
  }
  user.recent.reset();
  forget_finished(user);
}

bool MailboxKeeper::fetch(User& user, std::uint64_t sequence, Session& session) {
  MailboxEntry* entry = user.mail().find(sequence);
  if (entry == nullptr || entry->log == 0) return true;
  const std::uint64_t token = ++last_token_;
  if (!context_.store->read(token, entry->log)) return false;
  entry->reading = true;
  reads_.emplace(token, Read{{&user, sequence}, session.handle});
  return true;
}

void MailboxKeeper::record_read(const StoreEvent& event) {
  const auto found = reads_.find(event.token);
  if (found == reads_.end()) return;
  const Read read = found->second;
  reads_.erase(found);
  User& user = *read.place.user;
  Session* session = context_.session.sessions.get(read.session);
  MailboxEntry* entry = user.mail().find(read.place.sequence);
  if (entry != nullptr) {
    entry->reading = false;
    MessageRecord record;
    if (event.status == StoreStatus::ok && MessageRecord::decode(event.payload, record)) {
      entry->stanza = Stanza::make(record.stanza);
      count_cached(*entry, 1);
      context_.count(Counter::mailbox_read);
      entry->stanza->mailbox_sequence = read.place.sequence;
      entry->stanza->accepted_ms = record.accepted_ms;
      entry->stanza->delayed = true;
      if (session != nullptr && !session->ending) entry->stanza->owner = session->handle;
    } else {
      // The store has reported it; holding on to it would block everything behind it.
      context_.count(Counter::records_corrupt);
      settle(user, read.place.sequence, MessageStepKind::unreadable);
    }
  }
  if (session != nullptr && !session->ending && session->page) {
    --session->page->reads_open;
    observer_.page_moved(*session);
    return;
  }
  requeue(user, read.place.sequence);
  observer_.mailbox_moved(user);
}

void MailboxKeeper::note_page(Session& session) {
  Page& page = *session.page;
  SentRecord record;
  record.tag = session.management->tag;
  record.first_number = session.management->sent + 1;
  for (const std::uint64_t sequence : page.sequences) {
    MailboxEntry* entry = session.user->mail().find(sequence);
    if (entry != nullptr) record.sequences.push_back(entry->log);
  }
  page.first_number = record.first_number;
  Note note;
  note.session = session.handle;
  note.user = session.user->name;
  note.last_number = record.first_number + static_cast<std::uint32_t>(record.sequences.size()) - 1;
  record.encode(note.payload);
  notes_to_submit_.push_back(std::move(note));
  // A disk that refuses is asked again by and by; until it has the note, the page waits: were it
  // sent without, it would come twice after a crash.
  if (retry_at_ <= context_.session.now) submit_notes();
}

void MailboxKeeper::settle_notes(Session& session, std::uint32_t acknowledged, bool all) {
  if (!session.management) return;
  std::erase_if(session.management->notes, [&](const SentNote& note) {
    const bool over = all || static_cast<std::int32_t>(acknowledged - note.last_number) >= 0;
    if (over) forget_note(note.sequence);
    return over;
  });
}

MonoUs MailboxKeeper::delay() const {
  const MonoUs most = context_.session.config.commit_delay_us;
  if (!hurried_) return most * unhurried_factor;
  // A commit is worth its fsync: gather about half as long as one takes.
  return std::min(most, std::max(least_delay_us, last_commit_us_ / 2));
}

MonoUs MailboxKeeper::next_due() const {
  MonoUs due = std::numeric_limits<MonoUs>::max();
  if (oldest_commit_ != 0 && batches_.empty()) due = std::min(due, oldest_commit_ + delay());
  if (oldest_settle_ != 0) due = std::min(due, oldest_settle_ + settle_delay_us);
  if (!notes_to_submit_.empty()) due = std::min(due, context_.session.now);
  return std::max(due, retry_at_);
}

bool MailboxKeeper::idle() const {
  return to_commit_.empty() && batches_.empty() && settle_count_ == 0 && settling_.empty() &&
         refused_.empty() && finished_notes_.empty() && notes_.empty() &&
         notes_to_submit_.empty() && reads_.empty();
}

void MailboxKeeper::submit_due() {
  const MonoUs now = context_.session.now;
  if (retry_at_ > now) return;
  bool taken = submit_notes();
  if (oldest_commit_ != 0 &&
      (oldest_commit_ + delay() <= now || to_commit_.size() >= max_batch_records)) {
    taken = submit_messages() && taken;
  }
  if (oldest_settle_ != 0 &&
      (oldest_settle_ + settle_delay_us <= now || settle_count_ >= settle_batch)) {
    taken = submit_settlements() && taken;
  }
  retry_at_ = taken ? 0 : now + least_delay_us;
}

void MailboxKeeper::submit_now() {
  submit_notes();
  submit_messages();
  submit_settlements();
}

bool MailboxKeeper::submit_notes() {
  while (!notes_to_submit_.empty()) {
    Note& note = notes_to_submit_.front();
    const std::uint64_t token = ++last_token_;
    const RecordInput input{RecordKind::session, note.user, note.payload};
    if (!context_.store->submit(token, {&input, 1})) return false;
    notes_.emplace(token, std::move(note));
    notes_to_submit_.erase(notes_to_submit_.begin());
  }
  return true;
}

// One batch at a time: were there two, the later could reach the disk and the earlier fail, and
// after a crash a sender's messages would arrive in another order than they were sent.
bool MailboxKeeper::submit_messages() {
  if (!batches_.empty()) return true;
  Batch batch;
  std::vector<std::string> payloads;
  std::size_t bytes = 0;
  std::size_t next = 0;
  for (; next < to_commit_.size() && payloads.size() < max_batch_records && bytes < max_batch_bytes;
       ++next) {
    const MailboxEntry* entry = to_commit_[next].user->mail().find(to_commit_[next].sequence);
    if (entry == nullptr || entry->log != 0 || !entry->stanza) continue;
    payloads.push_back(record_of(*to_commit_[next].user, *entry->stanza));
    bytes += payloads.back().size();
    batch.places.push_back(to_commit_[next]);
  }
  if (!batch.places.empty()) {
    std::vector<RecordInput> inputs;
    inputs.reserve(payloads.size());
    for (std::size_t index = 0; index < payloads.size(); ++index) {
      inputs.push_back({RecordKind::message, batch.places[index].user->name, payloads[index]});
    }
    const std::uint64_t token = ++last_token_;
    if (!context_.store->submit(token, inputs)) return false;
    for (const Place& place : batch.places) {
      place.user->mail().find(place.sequence)->submitted = true;
    }
    batch.submitted_at = context_.session.now;
    batches_.emplace(token, std::move(batch));
  }
  to_commit_.erase(to_commit_.begin(), to_commit_.begin() + static_cast<std::ptrdiff_t>(next));
  if (to_commit_.empty()) {
    oldest_commit_ = 0;
    hurried_ = false;
  }
  return true;
}

std::string MailboxKeeper::record_of(const User& user, const Stanza& stanza) const {
  MessageRecord record;
  record.accepted_ms = stanza.accepted_ms;
  record.fingerprint = stanza.fingerprint;
  record.stanza = stanza.bytes();
  const Session* owner = context_.session.sessions.get(stanza.owner);
  if (owner != nullptr && owner->management && stanza.sent_number != 0) {
    record.sent_tag = owner->management->tag;
    record.sent_number = stanza.sent_number;
  } else if (user.past) {
    for (const PastSession& past : *user.past) {
      for (const PastSession::Item& item : past.items) {
        if (item.mailbox_sequence != stanza.mailbox_sequence) continue;
        record.sent_tag = past.tag;
        record.sent_number = item.number;
      }
    }
  }
  std::string payload;
  record.encode(payload);
  return payload;
}

bool MailboxKeeper::submit_settlement(Settlement& settlement) {
  // All of one store, that of the first.
  const std::string_view payload(reinterpret_cast<const char*>(settlement.sequences.data()),
                                 settlement.sequences.size() * sizeof(LogSequence));
  const RecordInput input{RecordKind::settlement, {}, payload};
  const std::uint64_t token = ++last_token_;
  if (!context_.store->submit(token, {&input, 1})) return false;
  if (settlement.order == 0) settlement.order = token;
  settling_.emplace(token, std::move(settlement));
  return true;
}

bool MailboxKeeper::submit_settlements() {
  while (!refused_.empty()) {
    if (!submit_settlement(refused_.back())) return false;
    refused_.pop_back();
  }
  for (auto& sequences : to_settle_) {
    if (sequences.empty()) continue;
    const std::size_t count = sequences.size();
    Settlement settlement{0, std::move(sequences)};
    const bool taken = submit_settlement(settlement);
    sequences = taken ? std::vector<LogSequence>{} : std::move(settlement.sequences);
    if (!taken) return false;
    settle_count_ -= count;
  }
  oldest_settle_ = 0;
  for (FinishedNote& note : finished_notes_) {
    if (note.order == 0) note.order = last_token_;
  }
  release_notes();
  return true;
}

void MailboxKeeper::forget_note(LogSequence place) {
  finished_notes_.push_back({place, 0});
  if (oldest_settle_ == 0) oldest_settle_ = context_.session.now;
}

void MailboxKeeper::release_notes() {
  std::erase_if(finished_notes_, [this](const FinishedNote& note) {
    const bool free = note.order != 0 && settled_by(note.order);
    if (free) forget_on_disk(note.place);
    return free;
  });
}

bool MailboxKeeper::apply_completions() {
  StoreEvent event;
  bool any = false;
  while (context_.store->poll(event)) {
    if (event.kind == StoreEvent::Kind::record_read) {
      record_read(event);
    } else {
      committed(event);
    }
    any = true;
  }
  return any;
}

void MailboxKeeper::committed(const StoreEvent& event) {
  if (const auto batch = batches_.find(event.token); batch != batches_.end()) {
    Batch done = std::move(batch->second);
    batches_.erase(batch);
    batch_committed(done, event);
    return;
  }
  if (notes_.contains(event.token)) {
    note_committed(event);
    return;
  }
  const auto settled = settling_.find(event.token);
  if (settled == settling_.end()) return;
  if (event.status != StoreStatus::ok) {
    refused_.push_back(std::move(settled->second));
    retry_at_ = context_.session.now + retry_delay_us;
    if (oldest_settle_ == 0) oldest_settle_ = context_.session.now;
  }
  settling_.erase(settled);
  release_notes();
}

void MailboxKeeper::batch_committed(Batch& batch, const StoreEvent& event) {
  const bool good = event.status == StoreStatus::ok;
  context_.session.admission.disk_refuses.store(!good, std::memory_order_relaxed);
  context_.count(good ? Counter::commits : Counter::commit_failures);
  if (good) {
    context_.count(Counter::commit_records, static_cast<std::int64_t>(batch.places.size()));
    last_commit_us_ = context_.session.now - batch.submitted_at;
    context_.count(Counter::commit_us, static_cast<std::int64_t>(last_commit_us_));
  } else {
    retry_at_ = context_.session.now + retry_delay_us;
  }
  LogSequence sequence = event.sequence;
  User* moved = nullptr;
  std::vector<Place> again;
  for (const Place& place : batch.places) {
    MailboxEntry* entry = place.user->mail().place(place.sequence);
    const LogSequence own = sequence++;
    entry->submitted = false;
    if (entry->gone) {
      if (good) forget_on_disk(own);
      place.user->mail().drop_front();
      continue;
    }
    if (!good) {
      again.push_back(place);
      hurried_ = hurried_ || entry->stanza->origin.valid();
      continue;
    }
    entry->log = own;
    context_.note(MessageStepKind::stored, *place.user, place.sequence);
    probes::message_committed(context_.session.id, place.user->name.c_str(), place.sequence, own);
    count_uncommitted(-static_cast<std::int64_t>(entry->bytes));
    count_wait(ShardHistogram::safe_us, *entry->stanza);
    tell_safe(*entry->stanza);
    if (!entry->stanza->owner.valid()) {
      count_cached(*entry, -1);
      entry->stanza.reset();  // nobody to send it to now: the disk has it
      if (place.user != moved && !place.user->sessions.empty()) {
        moved = place.user;
        observer_.mailbox_moved(*moved);
      }
    }
  }
  if (again.empty()) return;
  // In front of what came later, so that the order on disk stays that of acceptance.
  to_commit_.insert(to_commit_.begin(), again.begin(), again.end());
  if (oldest_commit_ == 0) oldest_commit_ = context_.session.now;
}

void MailboxKeeper::note_committed(const StoreEvent& event) {
  const auto found = notes_.find(event.token);
  const Note note = std::move(found->second);
  notes_.erase(found);
  Session* session = context_.session.sessions.get(note.session);
  if (session == nullptr || session->ending || !session->management) {
    if (event.status == StoreStatus::ok) forget_on_disk(event.sequence);
    return;
  }
  if (event.status == StoreStatus::ok) {
    session->management->notes.push_back({event.sequence, note.last_number});
    if (session->page) session->page->noted = true;
  } else {
    retry_at_ = context_.session.now + retry_delay_us;
    if (session->page) session->page->first_number = 0;  // it holds for nothing
  }
  if (session->page) observer_.page_moved(*session);
}

void MailboxKeeper::expire() {
  context_.users.for_each([&](User& user) { forget_finished(user); });
  const std::uint32_t days = context_.session.config.mailbox_days;
  if (days == 0) return;
  const std::uint32_t oldest = context_.now_s() - days * 86'400u;
  context_.users.for_each([&](User& user) {
    if (!user.mailbox) return;
    for (std::uint64_t at = user.mailbox->begin(); at < user.mailbox->end(); ++at) {
      MailboxEntry* entry = user.mailbox->find(at);
      if (entry == nullptr) continue;
      if (entry->accepted_s >= oldest || entry->submitted || entry->reading) break;
      context_.count(Counter::mailbox_expired);
      settle(user, at, MessageStepKind::expired);
    }
  });
}

}  // namespace rookery
