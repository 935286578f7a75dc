// How old the oldest of many messages is, at one addition for each that comes and goes: they are
// counted by the minute in which they came. They may come in any order. One thread.
#pragma once

#include <cstdint>
#include <map>

namespace rookery {

class MessageAges {
 public:
  /// A message that came at that second (since 1970) is there now.
  void add(std::uint32_t at_s) { ++count_of(at_s / 60); }

  /// It is gone.
  void remove(std::uint32_t at_s) {
    std::uint64_t& count = count_of(at_s / 60);
    if (count > 0) --count;
  }

  /// Seconds since 1970, to the minute; 0 when there is none.
  [[nodiscard]] std::uint64_t oldest_s() const {
    for (const auto& [minute, count] : counts_) {
      if (count > 0) return std::uint64_t{minute} * 60;
    }
    return 0;
  }

 private:
  std::uint64_t& count_of(std::uint32_t minute) {
    // Nearly all that come and go are of this minute. It stays when it is empty, or every message
    // of a quiet conversation would allocate; only one such is there at a time.
    if (warm_ == nullptr || warm_minute_ != minute) {
      if (warm_ != nullptr && *warm_ == 0) counts_.erase(warm_minute_);
      warm_ = &counts_[minute];
      warm_minute_ = minute;
    }
    return *warm_;
  }

  std::map<std::uint32_t, std::uint64_t> counts_;
  std::uint64_t* warm_ = nullptr;  ///< Of counts_, whose nodes do not move.
  std::uint32_t warm_minute_ = 0;
};

}  // namespace rookery
