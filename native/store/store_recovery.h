// Starting one store: verify its file, rebuild it when it is damaged, find out what is alive, and
// give the live records to the server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "store/liveness.h"
#include "store/message_log.h"
#include "store/record_frame.h"
#include "store/store_port.h"
#include "store/store_set.h"

namespace rookery {

/// A store that is ready for its thread.
struct ReadyStore {
  std::uint8_t store = 0;
  std::unique_ptr<MessageLog> log;
  Liveness liveness;
  LogSequence next = 0;    ///< The next sequence to use.
  LogSequence ledger = 0;  ///< The newest ledger's sequence.
};

class StoreRecovery {
 public:
  using Deliver = std::function<void(const RecoveredRecord&)>;

  StoreRecovery(const StoreOptions& options, std::uint8_t store, std::uint64_t salt,
                RecoveryReport& report);

  /// False with `error` when the disk does not let the store be opened.
  bool run(const Deliver& deliver, ReadyStore& out, std::string& error);

  /// Looks through a log file for the salt that its records carry; 0 when it has none. For a
  /// folder that has lost its markers.
  static std::uint64_t find_salt(const std::string& path);

 private:
  bool read_file(const Deliver& deliver, ReadyStore& out, std::string& fault);
  bool index_record(std::uint64_t key, std::string_view value, ReadyStore& out);
  void index_sound(std::uint64_t key, const FrameView& frame, ReadyStore& out);
  void deliver_record(std::uint64_t key, std::string_view value, const Deliver& deliver,
                      ReadyStore& out);
  bool open_log(ReadyStore& out, std::string& error);
  void note(std::string line);
  void bad(std::uint64_t key);

  const StoreOptions& options_;
  std::uint8_t store_;
  std::uint64_t salt_;
  RecoveryReport& report_;
};

}  // namespace rookery
