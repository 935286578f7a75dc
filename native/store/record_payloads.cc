// Reading and writing settlements and ledgers.
#include "store/record_payloads.h"

#include <algorithm>

#include "store/record_frame.h"

namespace rookery {

bool for_each_subject(std::string_view payload, std::uint8_t store,
                      const std::function<void(LogSequence)>& subject) {
  if (payload.size() % 8 != 0) return false;
  for (std::size_t at = 0; at < payload.size(); at += 8) {
    const LogSequence sequence = load64(payload.data() + at);
    if (store_of(sequence) == store) subject(sequence);
  }
  return true;
}

std::string Ledger::encode() const {
  std::string payload((except.size() + 1) * 8, '\0');
  store64(payload.data(), below);
  for (std::size_t index = 0; index < except.size(); ++index) {
    store64(payload.data() + (index + 1) * 8, except[index]);
  }
  return payload;
}

bool Ledger::decode(std::string_view payload, Ledger& out) {
  if (payload.size() < 8 || payload.size() % 8 != 0) return false;
  out.below = load64(payload.data());
  out.except.clear();
  for (std::size_t at = 8; at < payload.size(); at += 8) {
    out.except.push_back(load64(payload.data() + at));
  }
  return std::is_sorted(out.except.begin(), out.except.end());
}

bool Ledger::says_gone(LogSequence sequence) const {
  return sequence < below && !std::binary_search(except.begin(), except.end(), sequence);
}

}  // namespace rookery
