// Helpers of the store's tests: a temporary folder, and a port driven from the test's thread.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/record_frame.h"
#include "store/store_set.h"

namespace rookery::store_test {

class TemporaryFolder {
 public:
  /// `quick`: in memory where the machine has such a place; for tests with very many starts.
  explicit TemporaryFolder(bool quick = false) {
    const std::filesystem::path memory = "/dev/shm";
    const bool use_memory = quick && access(memory.c_str(), W_OK) == 0;
    const auto parent = use_memory ? memory : std::filesystem::temp_directory_path();
    std::string name = (parent / "rookery-store-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Recovered {
  RecordKind kind = RecordKind::message;
  std::string user;
  std::string payload;
  friend bool operator==(const Recovered&, const Recovered&) = default;
};
using RecoveredMap = std::map<LogSequence, Recovered>;

/// A set of stores with one port, used by the test's thread.
class Harness {
 public:
  explicit Harness(StoreOptions options) {
    set = StoreSet::open(options, error);
    if (!set) return;
    opened = set->recover(
        [this](const RecoveredRecord& record) {
          ascending =
              ascending && (last_ >> 56 != record.sequence >> 56 || record.sequence > last_);
          last_ = record.sequence;
          recovered[record.sequence] = {record.kind, std::string(record.user),
                                        std::string(record.payload)};
        },
        report, error);
    if (!opened) return;
    port = set->make_port(0, [this] { wakes.fetch_add(1); });
    set->start();
  }
  ~Harness() {
    if (set) set->stop();
  }

  /// Submits and waits for the completion.
  StoreEvent commit(const std::vector<RecordInput>& records) {
    const std::uint64_t token = ++token_;
    while (!port->submit(token, records)) std::this_thread::yield();
    return wait();
  }
  StoreEvent commit_one(const std::string& user, const std::string& payload) {
    return commit({{RecordKind::message, user, payload}});
  }
  StoreEvent settle(const std::vector<LogSequence>& sequences) {
    std::string payload(sequences.size() * 8, '\0');
    for (std::size_t index = 0; index < sequences.size(); ++index) {
      store64(payload.data() + index * 8, sequences[index]);
    }
    return commit({{RecordKind::settlement, {}, payload}});
  }
  StoreEvent read(LogSequence sequence) {
    while (!port->read(++token_, sequence)) std::this_thread::yield();
    return wait();
  }
  StoreEvent wait() {
    StoreEvent event;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!port->poll(event)) {
      if (std::chrono::steady_clock::now() > end) {
        ADD_FAILURE() << "no completion";
        return event;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
    return event;
  }

  std::unique_ptr<StoreSet> set;
  std::unique_ptr<StorePort> port;
  std::string error;
  bool opened = false;
  bool ascending = true;
  RecoveryReport report;
  RecoveredMap recovered;
  std::atomic<int> wakes{0};

 private:
  std::uint64_t token_ = 0;
  LogSequence last_ = 0;
};

inline StoreOptions options_for(const TemporaryFolder& folder) {
  StoreOptions options;
  options.folder = folder.path() + "/store";
  return options;
}

}  // namespace rookery::store_test
