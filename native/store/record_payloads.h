// The payloads that the store itself understands: settlements and ledgers.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store_port.h"

namespace rookery {

/// Subjects of a settlement that belong to its store. False when the payload has no whole numbers.
bool for_each_subject(std::string_view payload, std::uint8_t store,
                      const std::function<void(LogSequence)>& subject);

/// A ledger's claim: everything below `below` has been deleted, except these.
/// Payload: below u64, then the exceptions, u64 each, ascending.
struct Ledger {
  LogSequence below = 0;
  std::vector<LogSequence> except;
  [[nodiscard]] std::string encode() const;
  static bool decode(std::string_view payload, Ledger& out);
  [[nodiscard]] bool says_gone(LogSequence sequence) const;
};

}  // namespace rookery
