// The log over LMDB: transactions, growing the map, opening again after a failed meta page.
#include "store/message_log.h"

#include <lmdb.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace rookery {
namespace {

// The map is address space, not memory or disk, so it starts generous and doubles.
constexpr std::uint64_t kFirstMapBytes = 1ull << 30;
// Kept for settlements and deletions when the limit is reached: a part, within these bounds.
constexpr std::uint64_t kReservePart = 16;
constexpr std::uint64_t kReserveMaxBytes = 64u << 20;
constexpr std::uint64_t kPageBytes = 4096;
constexpr unsigned kEnvFlags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD;
constexpr mdb_mode_t kFileMode = 0600;

std::string describe(const char* what, int rc) {
  return std::string(what) + ": " + mdb_strerror(rc);
}

std::uint64_t micros_since(std::chrono::steady_clock::time_point start) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::steady_clock::now() - start)
                                        .count());
}

MDB_val key_of(const LogSequence& sequence) {
  return {sizeof sequence, const_cast<LogSequence*>(&sequence)};
}

class LmdbWriter final : public MessageLog::Writer {
 public:
  LmdbWriter(MDB_cursor* cursor, std::uint64_t salt) : cursor_(cursor), salt_(salt) {}

  bool append(const FrameView& frame) override {
    MDB_val key = key_of(frame.sequence);
    MDB_val data{frame_bytes(frame.user.size(), frame.payload.size()), nullptr};
    rc_ = mdb_cursor_put(cursor_, &key, &data, MDB_APPEND | MDB_RESERVE);
    if (rc_ != MDB_SUCCESS) return false;
    write_frame(data.mv_data, salt_, frame);
    return true;
  }

  bool erase(LogSequence sequence, bool& found) override {
    found = false;
    if (!at(sequence)) return rc_ == MDB_SUCCESS || rc_ == MDB_NOTFOUND;
    rc_ = mdb_cursor_del(cursor_, 0);
    found = rc_ == MDB_SUCCESS;
    after_delete_ = found;
    return found;
  }

  bool find(LogSequence from, LogSequence& found, std::string_view& raw) override {
    MDB_val key = key_of(from);
    MDB_val data{};
    after_delete_ = false;
    rc_ = mdb_cursor_get(cursor_, &key, &data, MDB_SET_RANGE);
    if (rc_ != MDB_SUCCESS) return false;
    found = load64(key.mv_data);
    raw = {static_cast<const char*>(data.mv_data), data.mv_size};
    return true;
  }

  [[nodiscard]] int code() const { return rc_; }

 private:
  // Deletions mostly go through neighbours: after one, the next record is a step away.
  bool at(LogSequence sequence) {
    MDB_val key{};
    MDB_val data{};
    if (after_delete_) {
      after_delete_ = false;
      if (mdb_cursor_get(cursor_, &key, &data, MDB_NEXT) == MDB_SUCCESS &&
          load64(key.mv_data) == sequence) {
        rc_ = MDB_SUCCESS;
        return true;
      }
    }
    key = key_of(sequence);
    rc_ = mdb_cursor_get(cursor_, &key, &data, MDB_SET);
    return rc_ == MDB_SUCCESS;
  }

  MDB_cursor* cursor_;
  std::uint64_t salt_;
  bool after_delete_ = false;
  int rc_ = MDB_SUCCESS;
};

}  // namespace

struct MessageLog::Impl {
  Options options;
  MDB_env* env = nullptr;
  MDB_dbi dbi = 0;
  std::uint64_t map = 0;
  std::uint64_t sync_us = 0;

  ~Impl() { close(); }

  void close() {
    if (env != nullptr) mdb_env_close(env);
    env = nullptr;
  }

  [[nodiscard]] std::uint64_t hard_limit() const {
    return std::max<std::uint64_t>(options.max_bytes, 64 * kPageBytes) / kPageBytes * kPageBytes;
  }
  [[nodiscard]] std::uint64_t soft_limit() const {
    const std::uint64_t reserve = std::min(hard_limit() / kReservePart, kReserveMaxBytes);
    return (hard_limit() - reserve) / kPageBytes * kPageBytes;
  }

  bool open_env(std::string& error) {
    int rc = mdb_env_create(&env);
    if (rc == MDB_SUCCESS) {
      map = std::min(std::max(map, kFirstMapBytes), soft_limit());
      rc = mdb_env_set_mapsize(env, map);
    }
    if (rc == MDB_SUCCESS) rc = mdb_env_open(env, options.path.c_str(), kEnvFlags, kFileMode);
    if (rc == MDB_SUCCESS) rc = open_database();
    if (rc == MDB_SUCCESS) {
      learn_map();
      return true;
    }
    error = describe(options.path.c_str(), rc);
    close();
    return false;
  }

  int open_database() {
    MDB_txn* txn = nullptr;
    int rc = mdb_txn_begin(env, nullptr, 0, &txn);
    if (rc != MDB_SUCCESS) return rc;
    rc = mdb_dbi_open(txn, nullptr, MDB_INTEGERKEY, &dbi);
    if (rc != MDB_SUCCESS) {
      mdb_txn_abort(txn);
      return rc;
    }
    return mdb_txn_commit(txn);
  }

  // LMDB rounds the map up to what the file holds.
  void learn_map() {
    MDB_envinfo info{};
    if (mdb_env_info(env, &info) == MDB_SUCCESS) map = info.me_mapsize;
  }

  bool set_map(std::uint64_t bytes) {
    const std::uint64_t before = map;
    if (mdb_env_set_mapsize(env, bytes) != MDB_SUCCESS) return false;
    learn_map();
    return map != before;
  }

  bool grow(bool use_reserve) {
    const std::uint64_t limit = use_reserve ? hard_limit() : soft_limit();
    if (map >= limit) return false;
    return set_map(std::min(map * 2, limit));
  }

  // After a meta page could not be written LMDB refuses everything until it is opened anew. The
  // file is sound: the failed transaction's pages are not reachable from the other meta page.
  bool ready(std::string& error) {
    if (env == nullptr) return open_env(error);
    return true;
  }

  int attempt(const Body& body, std::string& error) {
    MDB_txn* txn = nullptr;
    int rc = mdb_txn_begin(env, nullptr, 0, &txn);
    if (rc != MDB_SUCCESS) return rc;
    MDB_cursor* cursor = nullptr;
    rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc == MDB_SUCCESS) {
      LmdbWriter writer(cursor, options.salt);
      const bool kept = body(writer);
      rc = kept ? MDB_SUCCESS : writer.code();
      mdb_cursor_close(cursor);
      if (!kept) {
        mdb_txn_abort(txn);
        if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND) return rc;
        error = "the transaction was given up";
        return EINVAL;
      }
    }
    if (rc != MDB_SUCCESS) {
      mdb_txn_abort(txn);
      return rc;
    }
    const auto start = std::chrono::steady_clock::now();
    rc = mdb_txn_commit(txn);
    sync_us = micros_since(start);
    return rc;
  }
};

MessageLog::MessageLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MessageLog::~MessageLog() = default;

std::unique_ptr<MessageLog> MessageLog::open(const Options& options, std::string& error) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  if (!impl->open_env(error)) return nullptr;
  return std::unique_ptr<MessageLog>(new MessageLog(std::move(impl)));
}

MessageLog::Result MessageLog::write(const Body& body, bool use_reserve, std::string& error) {
  Impl& log = *impl_;
  if (!log.ready(error)) return Result::failed;
  if (!use_reserve && log.map > log.soft_limit()) log.set_map(log.soft_limit());
  for (;;) {
    const int rc = log.attempt(body, error);
    if (rc == MDB_SUCCESS) return Result::ok;
    if (rc == MDB_MAP_FULL) {
      if (log.grow(use_reserve)) continue;
      error = log.options.path + ": the store's size limit is reached";
      return Result::full;
    }
    if (error.empty()) error = describe(log.options.path.c_str(), rc);
    log.close();  // Whatever LMDB holds in memory about the file may be half done: read it afresh.
    std::string ignored;
    if (!log.ready(ignored)) error += " (and it could not be opened again: " + ignored + ")";
    return Result::failed;
  }
}

StoreStatus MessageLog::read(LogSequence sequence, std::string& payload) {
  Impl& log = *impl_;
  std::string error;
  if (!log.ready(error)) return StoreStatus::failed;
  MDB_txn* txn = nullptr;
  if (mdb_txn_begin(log.env, nullptr, MDB_RDONLY, &txn) != MDB_SUCCESS) return StoreStatus::failed;
  MDB_val key = key_of(sequence);
  MDB_val data{};
  const int rc = mdb_get(txn, log.dbi, &key, &data);
  StoreStatus status = StoreStatus::ok;
  FrameView frame;
  if (rc == MDB_NOTFOUND) {
    status = StoreStatus::missing;
  } else if (rc != MDB_SUCCESS) {
    status = StoreStatus::failed;
  } else if (read_frame(data.mv_data, data.mv_size, log.options.salt, frame) != FrameCheck::ok ||
             frame.sequence != sequence) {
    status = StoreStatus::corrupt;
  } else {
    payload.assign(frame.payload);
  }
  mdb_txn_abort(txn);
  return status;
}

std::uint64_t MessageLog::last_sync_us() const { return impl_->sync_us; }

std::uint64_t MessageLog::file_bytes() const {
  MDB_envinfo info{};
  if (impl_->env == nullptr || mdb_env_info(impl_->env, &info) != MDB_SUCCESS) return 0;
  return (info.me_last_pgno + 1) * kPageBytes;
}

std::uint64_t MessageLog::map_bytes() const { return impl_->map; }

}  // namespace rookery
