// Salvage: evidence, search, choice, fresh file.
#include "store/salvage.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>

#include "store/lmdb_layout.h"
#include "store/message_log.h"
#include "store/recovery_report.h"
#include "store/store_files.h"

namespace rookery {
namespace {

constexpr std::size_t kBlockBytes = 4u << 20;
constexpr std::size_t kNeedleBytes = 8;
constexpr std::size_t kGroupBytes = 4u << 20;
constexpr unsigned kEnoughVotes = 1000;

// Reads what is there; a part that the disk does not give is left as zeros.
std::size_t read_block(int fd, std::uint64_t offset, char* out, std::size_t bytes) {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t got = pread(fd, out + done, bytes - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) break;
    if (got < 0) {
      const std::size_t skip = std::min<std::size_t>(bytes - done, 4096);
      std::memset(out + done, 0, skip);
      done += skip;
      continue;
    }
    done += static_cast<std::size_t>(got);
  }
  return done;
}

bool is_settlement(std::uint8_t kind) {
  return kind == static_cast<std::uint8_t>(RecordKind::settlement);
}

std::string timestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

Salvage::Salvage(const StoreOptions& options, std::uint8_t store, std::uint64_t salt,
                 RecoveryReport& report)
    : options_(options), store_(store), salt_(salt), report_(report) {}

void Salvage::note(const std::string& line) {
  note_detail(options_, report_, "store " + std::to_string(store_) + ": " + line);
}

bool Salvage::run(std::string& error) {
  const std::string path = log_path(options_.folder, store_);
  const std::string fresh = path + ".rebuild";
  std::vector<Found> chosen;
  {
    const ReadFile file(path);
    if (!file.is_open()) {
      error = errno_text(path);
      return false;
    }
    learn_evidence(file);
    scan(file);
    chosen = choose();
    if (unlink(fresh.c_str()) != 0 && errno != ENOENT) {
      error = errno_text(fresh);
      return false;
    }
    if (!write_file(file, chosen, fresh, error)) return false;
  }
  return replace(path, fresh, error);
}

void Salvage::learn_evidence(const ReadFile& file) {
  PageWalker walker(file.fd(), file.bytes());
  walker.read_metas();  // Its verdict is known; here each page counts for itself.
  const MetaPage& first = walker.meta(0);
  const MetaPage& second = walker.meta(1);
  const int newer =
      second.fault.empty() && (!first.fault.empty() || second.transaction > first.transaction) ? 1
                                                                                               : 0;
  const MetaPage& newest = walker.meta(newer);
  if (!newest.fault.empty()) return;
  page_bytes_ = newest.page_bytes;
  if (newest.main.entries <= file.bytes() / kFrameHeaderBytes) expected_ = newest.main.entries;
  for (const int index : {newer, 1 - newer}) {
    if (walker.meta(index).fault.empty() && try_snapshot(file, index)) return;
  }
  PageWalker free_walker(file.fd(), file.bytes());
  const bool both_metas = free_walker.read_metas();
  if (!both_metas || !free_walker.verify_free_pages(free_walker.meta(free_walker.newest()))) return;
  free_known_ = true;
  free_.assign(newest.last_page + 1, false);
  for (std::uint64_t page = 0; page <= newest.last_page; ++page) {
    free_[page] = free_walker.is_free(page);
  }
}

bool Salvage::try_snapshot(const ReadFile& file, int index) {
  PageWalker walker(file.fd(), file.bytes());
  walker.read_metas();
  base_.clear();
  base_last_ = 0;
  const PageWalker::Visitor collect = [&](std::uint64_t key, std::string_view value) {
    FrameView frame;
    if (read_frame(value.data(), value.size(), salt_, frame) == FrameCheck::ok &&
        frame.sequence != key) {
      return false;
    }
    base_.insert(key);
    base_last_ = key;
    return true;
  };
  base_known_ = walker.walk_records(walker.meta(index), collect);
  if (!base_known_) base_.clear();
  return base_known_;
}

void Salvage::scan(const ReadFile& file) {
  std::vector<char> block(kBlockBytes);
  char needle[kNeedleBytes];
  store64(needle, salt_);
  std::uint64_t at = 0;
  while (at < file.bytes()) {
    const std::size_t got = read_block(file.fd(), at, block.data(), block.size());
    if (got < kFrameHeaderBytes) break;
    std::size_t position = 0;
    std::size_t next = got < kBlockBytes ? got : got - kFrameHeaderBytes + 1;
    while (position + kFrameHeaderBytes <= got) {
      const void* hit = memmem(block.data() + position, got - position, needle, kNeedleBytes);
      if (hit == nullptr) break;
      position = static_cast<std::size_t>(static_cast<const char*>(hit) - block.data());
      if (position + kFrameHeaderBytes > got) break;
      const std::size_t taken =
          take_frame(file, at + position, block.data() + position, got - position);
      position += taken > 0 ? taken : 1;
      next = std::max(next, position);  // A frame may reach beyond the block.
    }
    at += next;
  }
}

// Returns the length of an intact frame, which is then skipped: what looks like a frame within one
// is its payload.
std::size_t Salvage::take_frame(const ReadFile& file, std::uint64_t offset, const char* at,
                                std::size_t available) {
  const std::size_t claimed = claimed_frame_bytes(at, salt_);
  if (claimed == 0 || offset + claimed > file.bytes()) return 0;
  if (claimed > available) {
    scratch_.resize(claimed);
    if (read_block(file.fd(), offset, scratch_.data(), claimed) != claimed) return 0;
    at = scratch_.data();
  }
  FrameView frame;
  const FrameCheck check = read_frame(at, claimed, salt_, frame);
  if (store_of(frame.sequence) != store_) return 0;
  const bool discarded = on_free_page(offset) || is_remnant(file, offset);
  if (check != FrameCheck::ok) {
    if (!discarded) damaged_.insert(frame.sequence);
    return 0;
  }
  take_proof(frame);
  if (!discarded) {
    found_.push_back({frame.sequence, offset, static_cast<std::uint32_t>(claimed), frame.kind});
  }
  return claimed;
}

void Salvage::take_proof(const FrameView& frame) {
  if (is_settlement(frame.kind)) {
    for_each_subject(frame.payload, store_, [&](LogSequence subject) { settled_.insert(subject); });
  } else if (frame.kind == kLedgerKind) {
    Ledger ledger;
    // What is gone stays gone: a later ledger says all that an earlier one does.
    if (frame.sequence > ledger_sequence_ && Ledger::decode(frame.payload, ledger)) {
      ledger_ = std::move(ledger);
      ledger_sequence_ = frame.sequence;
    }
  }
}

bool Salvage::on_free_page(std::uint64_t offset) const {
  const std::uint64_t page = offset / page_bytes_;
  return free_known_ && page < free_.size() && free_[page];
}

// A leaf page keeps the bytes of deleted records before its nodes until new nodes cover them.
bool Salvage::is_remnant(const ReadFile& file, std::uint64_t offset) {
  const std::uint64_t page = offset / page_bytes_;
  if (page != remnant_page_) {
    remnant_page_ = page;
    remnant_end_ = 0;
    std::vector<char> raw(page_bytes_);
    PageWalker walker(file.fd(), file.bytes());
    if (read_block(file.fd(), page * page_bytes_, raw.data(), raw.size()) != raw.size() ||
        !walker.leaf_nodes_begin(raw.data(), page, page_bytes_, remnant_end_)) {
      remnant_end_ = 0;
    }
  }
  return offset % page_bytes_ < remnant_end_;
}

bool Salvage::acceptable(const Found& found) const {
  return !base_known_ || found.sequence > base_last_ || base_.contains(found.sequence);
}

std::vector<Salvage::Found> Salvage::choose() {
  std::sort(found_.begin(), found_.end(),
            [](const Found& left, const Found& right) { return left.sequence < right.sequence; });
  std::vector<Found> chosen;
  std::uint64_t intact = 0;
  std::uint64_t dead = 0;
  LogSequence before = 0;
  for (const Found& found : found_) {
    damaged_.erase(found.sequence);
    if (found.sequence == before || !acceptable(found)) continue;
    before = found.sequence;
    ++intact;
    const bool ours = found.kind == kMarkerKind || found.kind == kLedgerKind;
    const bool gone = settled_.contains(found.sequence) || ledger_.says_gone(found.sequence);
    if (gone) ++dead;
    if (!gone && !ours && !is_settlement(found.kind)) chosen.push_back(found);
  }
  std::erase_if(damaged_, [&](LogSequence sequence) { return settled_.contains(sequence); });
  const std::uint64_t missing = expected_ > intact ? expected_ - intact : 0;
  std::uint64_t lost = std::max<std::uint64_t>(damaged_.size(), missing);
  // Pages are damaged, and nothing is left that could tell what was on them: at least one.
  if (!base_known_ && !free_known_) lost = std::max<std::uint64_t>(lost, 1);
  report_.bad_records += lost;
  report_.settled += dead;
  const char* evidence = base_known_   ? "a sound snapshot"
                         : free_known_ ? "the list of free pages"
                                       : "settlements and ledgers only";
  note("salvage found " + std::to_string(intact) + " intact records, " + std::to_string(lost) +
       " damaged or missing; " + std::to_string(chosen.size()) + " are alive (judged by " +
       evidence + ")");
  return chosen;
}

bool Salvage::write_file(const ReadFile& file, const std::vector<Found>& chosen,
                         const std::string& path, std::string& error) {
  const auto log = MessageLog::open({path, salt_, options_.max_store_bytes}, error);
  if (!log) return false;
  for (std::size_t begin = 0; begin < chosen.size();) {
    std::size_t end = begin;
    for (std::size_t bytes = 0; end < chosen.size() && bytes < kGroupBytes; ++end) {
      bytes += chosen[end].bytes;
    }
    const auto result = log->write(
        [&](MessageLog::Writer& writer) {
          for (std::size_t index = begin; index < end; ++index) {
            scratch_.resize(chosen[index].bytes);
            FrameView frame;
            const std::size_t got =
                read_block(file.fd(), chosen[index].offset, scratch_.data(), scratch_.size());
            if (read_frame(scratch_.data(), got, salt_, frame) != FrameCheck::ok) continue;
            if (!writer.append(frame)) return false;
          }
          return true;
        },
        true, error);
    if (result != MessageLog::Result::ok) return false;
    begin = end;
  }
  return true;
}

// The damaged file gets a second name before the rebuilt one takes its place, so that at no moment
// the store has no file.
bool Salvage::replace(const std::string& path, const std::string& fresh, std::string& error) {
  const std::string aside = path + ".damaged-" + timestamp();
  if (link(path.c_str(), aside.c_str()) != 0) {
    note("the damaged file could not be kept aside: " + errno_text(aside));
  } else {
    note("the damaged file is kept as " + aside);
  }
  if (rename(fresh.c_str(), path.c_str()) != 0 ||
      !sync_folder(store_folder(options_.folder, store_))) {
    error = errno_text(path);
    return false;
  }
  return true;
}

std::uint64_t Salvage::vote_salt(int fd, std::uint64_t file_bytes) {
  using namespace lmdb_layout;  // NOLINT(google-build-using-namespace): the format's names.
  constexpr std::size_t kPage = 4096;
  std::map<std::uint64_t, unsigned> votes;
  unsigned cast = 0;
  char page[kPage];
  for (std::uint64_t at = 0; at + kPage <= file_bytes && cast < kEnoughVotes; at += kPage) {
    if (read_block(fd, at, page, kPage) != kPage) break;
    if (load16(page + kPageFlags) != kFlagLeaf) continue;
    const std::size_t lower = std::min<std::size_t>(load16(page + kPageLower), kPage);
    for (std::size_t index = kPageHeader; index + 2 <= lower; index += 2) {
      const std::size_t node = load16(page + index);
      const std::size_t data = node + kNodeHeader + kKeyBytes;
      if (data + kFrameHeaderBytes > kPage) continue;
      const std::uint64_t salt = load64(page + data);
      FrameView frame;
      if (salt == 0 || read_frame(page + data, kPage - data, salt, frame) != FrameCheck::ok ||
          frame.sequence != load64(page + node + kNodeHeader)) {
        continue;
      }
      ++votes[salt];
      ++cast;
    }
  }
  const auto best = std::max_element(
      votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return best == votes.end() ? 0 : best->first;
}

}  // namespace rookery
