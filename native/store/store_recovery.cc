// The start of one store, in two passes over its file: the first verifies the structure and learns
// who is dead, the second checks the living's checksums and delivers them.
#include "store/store_recovery.h"

#include "store/page_walker.h"
#include "store/record_frame.h"
#include "store/record_payloads.h"
#include "store/recovery_report.h"
#include "store/salvage.h"
#include "store/store_files.h"

namespace rookery {
namespace {

// Larger than a group can be: sequences of a group that was being written when the process died may
// stand in free pages of the file, so they are not used again.
constexpr std::uint64_t kStartGap = std::uint64_t{1} << 17;

}  // namespace

StoreRecovery::StoreRecovery(const StoreOptions& options, std::uint8_t store, std::uint64_t salt,
                             RecoveryReport& report)
    : options_(options), store_(store), salt_(salt), report_(report) {}

void StoreRecovery::note(std::string line) {
  note_detail(options_, report_, "store " + std::to_string(store_) + ": " + std::move(line));
}

void StoreRecovery::bad(std::uint64_t key) {
  ++report_.bad_records;
  note("record " + std::to_string(key & kOrdinalMask) + " is damaged and skipped");
}

bool StoreRecovery::run(const Deliver& deliver, ReadyStore& out, std::string& error) {
  out.store = store_;
  if (!make_folder(store_folder(options_.folder, store_), error)) return false;
  const Marker marker = read_marker(store_folder(options_.folder, store_));
  std::string problem;
  if ((marker.state != MarkerState::good || marker.salt != salt_) &&
      !write_marker(store_folder(options_.folder, store_), salt_, problem)) {
    note("its format marker could not be written: " + problem);
  }
  const std::string path = log_path(options_.folder, store_);
  std::string fault;
  if (!read_file(deliver, out, fault)) {
    note("the file is damaged (" + fault + "); it is being rebuilt from its intact records");
    Salvage salvage(options_, store_, salt_, report_);
    if (!salvage.run(error)) return false;
    ++report_.salvaged;
    out.liveness = Liveness();
    out.ledger = 0;
    if (!read_file(deliver, out, fault)) {
      error = path + ": the rebuilt file cannot be read back (" + fault + ")";
      return false;
    }
  }
  return open_log(out, error);
}

bool StoreRecovery::read_file(const Deliver& deliver, ReadyStore& out, std::string& fault) {
  const ReadFile file(log_path(options_.folder, store_));
  if (!file.is_open() || file.bytes() == 0) return true;
  PageWalker walker(file.fd(), file.bytes());
  const PageWalker::Visitor index = [&](std::uint64_t key, std::string_view value) {
    return index_record(key, value, out);
  };
  const std::uint64_t bad_before = report_.bad_records;
  if (!walker.read_metas() || !walker.verify(walker.meta(walker.newest()), index)) {
    fault = walker.fault();
    report_.bad_records = bad_before;  // The salvage counts them again.
    return false;
  }
  if (walker.lost_pages() > 0) {
    note(std::to_string(walker.lost_pages()) + " pages are neither used nor free");
  }
  const PageWalker::Visitor give = [&](std::uint64_t key, std::string_view value) {
    deliver_record(key, value, deliver, out);
    return true;
  };
  if (!walker.walk_records(walker.meta(walker.newest()), give)) {
    // It was sound a moment ago, so the disk gives different bytes now. What was delivered stays
    // delivered; the rest is not there.
    note("the second reading failed: " + walker.fault());
  }
  return true;
}

// False only when the record is intact but does not stand where its key says: then the tree is
// wrong, not the record, and a salvage will deliver it.
bool StoreRecovery::index_record(std::uint64_t key, std::string_view value, ReadyStore& out) {
  FrameView frame;
  const bool header = value.size() >= kFrameHeaderBytes &&
                      claimed_frame_bytes(value.data(), salt_) == value.size() &&
                      load64(value.data() + 8) == key && store_of(key) == store_;
  if (header) {
    const auto kind = static_cast<std::uint8_t>(value[kFrameHeaderBytes - 1]);
    const bool passive = kind == static_cast<std::uint8_t>(RecordKind::message) ||
                         kind == static_cast<std::uint8_t>(RecordKind::session);
    if (passive) {
      out.liveness.add(key);  // Its checksum is the second pass's business.
      return true;
    }
    if (read_frame(value.data(), value.size(), salt_, frame) == FrameCheck::ok) {
      index_sound(key, frame, out);
      return true;
    }
  } else if (value.size() >= kFrameHeaderBytes) {
    const std::size_t claimed = claimed_frame_bytes(value.data(), salt_);
    const bool off_by_one = claimed == value.size() + 1 || claimed + 1 == value.size();
    const bool elsewhere = claimed == value.size() && load64(value.data() + 8) != key &&
                           read_frame(value.data(), value.size(), salt_, frame) == FrameCheck::ok;
    if (off_by_one || elsewhere) return false;
  }
  out.liveness.add(key);
  out.liveness.mark_dead(key);
  bad(key);
  return true;
}

void StoreRecovery::index_sound(std::uint64_t key, const FrameView& frame, ReadyStore& out) {
  if (frame.kind == static_cast<std::uint8_t>(RecordKind::settlement)) {
    std::uint64_t subjects = 0;
    for_each_subject(frame.payload, store_, [&](LogSequence subject) {
      ++subjects;
      if (out.liveness.mark_dead(subject)) ++report_.settled;
    });
    out.liveness.add_settlement(key, subjects);
    return;
  }
  out.liveness.add(key);
  if (frame.kind == kLedgerKind) {
    if (out.ledger != 0) out.liveness.mark_dead(out.ledger);
    out.ledger = key;
    return;
  }
  out.liveness.mark_dead(key);  // A marker has said what it had to by being the last.
}

void StoreRecovery::deliver_record(std::uint64_t key, std::string_view value,
                                   const Deliver& deliver, ReadyStore& out) {
  if (out.liveness.dead(key)) return;
  FrameView frame;
  if (read_frame(value.data(), value.size(), salt_, frame) != FrameCheck::ok) {
    out.liveness.mark_dead(key);
    bad(key);
    return;
  }
  if (frame.kind != static_cast<std::uint8_t>(RecordKind::message) &&
      frame.kind != static_cast<std::uint8_t>(RecordKind::session)) {
    return;
  }
  ++report_.records;
  deliver({static_cast<RecordKind>(frame.kind), key, frame.user, frame.payload});
}

bool StoreRecovery::open_log(ReadyStore& out, std::string& error) {
  const std::string path = log_path(options_.folder, store_);
  out.log = MessageLog::open({path, salt_, options_.max_store_bytes}, error);
  if (!out.log) return false;
  const std::string folder = store_folder(options_.folder, store_);
  if (!sync_folder(folder)) {
    error = errno_text(folder);
    return false;
  }
  const LogSequence base = std::uint64_t{store_} << kStoreShift;
  const LogSequence last = out.liveness.last();
  out.next = last == 0 ? base + 1 : last + kStartGap;
  const LogSequence marker = out.next++;
  std::string problem;
  const auto result = out.log->write(
      [&](MessageLog::Writer& writer) {
        return writer.append({marker, kMarkerKind, {}, {}});
      },
      true, problem);
  if (result == MessageLog::Result::ok) {
    out.liveness.add(marker);
    out.liveness.mark_dead(marker);
  } else {
    note("the start could not be marked: " + problem);
  }
  return true;
}

std::uint64_t StoreRecovery::find_salt(const std::string& path) {
  const ReadFile file(path);
  return file.is_open() ? Salvage::vote_salt(file.fd(), file.bytes()) : 0;
}

}  // namespace rookery
